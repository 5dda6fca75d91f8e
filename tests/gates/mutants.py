"""Small changes to a module, each one alone: does a test notice?

Comparisons turn, booleans turn, a number is one more, a branch is always or never taken, a
statement is left out, a set loses a member. Left alone are strings, which are only said, and
decorators, which decide nothing.
"""

import ast
import copy
from collections.abc import Iterator

_TURNED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


def of(source: str) -> Iterator[tuple[str, str]]:
    """Yield each mutant of a module's source: what was changed, and the source."""
    count = sum(1 for _ in ast.walk(ast.parse(source)))
    for index in range(count):
        for number in range(8):
            tree = ast.parse(source)
            node = list(ast.walk(tree))[index]
            before = ast.unparse(node) if hasattr(node, "lineno") else ""
            if not _change(tree, node, number):
                break
            yield f"line {getattr(node, 'lineno', '?')}: {before[:60]}", ast.unparse(tree)


def _change(tree: ast.AST, node: ast.AST, number: int) -> bool:
    """Make the `number`th change that fits a node; False where there is none."""
    if any(node is each for each in _decorating(tree)):
        return False
    changes = list(_changes(tree, node))
    if number >= len(changes):
        return False
    changes[number]()
    return True


def _decorating(tree):
    for node in ast.walk(tree):
        for decorator in getattr(node, "decorator_list", ()):
            yield from ast.walk(decorator)


def _changes(tree, node):
    match node:
        case ast.Compare(ops=[op]) if type(op) in _TURNED:
            yield lambda: node.ops.__setitem__(0, _TURNED[type(op)]())
        case ast.BoolOp(op=op, values=values):
            yield lambda: setattr(node, "op", _TURNED[type(op)]())
            for place in range(len(values)):
                yield lambda place=place: values.__delitem__(place)
        case ast.BinOp(op=op) if type(op) in _TURNED:
            yield lambda: setattr(node, "op", _TURNED[type(op)]())
        case ast.If() | ast.IfExp():
            for always in (True, False):
                yield lambda always=always: setattr(node, "test", ast.Constant(always))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield lambda: _replace(tree, node, operand)
        case ast.Constant(value=bool() as value):
            yield lambda: setattr(node, "value", not value)
        case ast.Constant(value=int() as value):
            yield lambda: setattr(node, "value", value + 1)
        case ast.Return(value=ast.expr()):
            yield lambda: setattr(node, "value", ast.Constant(None))
        case ast.AugAssign() | ast.Expr(value=ast.Yield() | ast.Call()):
            yield lambda: _replace(tree, node, ast.Pass())
        case ast.Set(elts=elements) if len(elements) > 1:
            for place in range(min(len(elements), 8)):
                yield lambda place=place: elements.__delitem__(place)
        case ast.keyword(arg="reverse"):
            yield lambda: setattr(node, "value", ast.Constant(False))


def _replace(tree, old, new):
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, ast.copy_location(copy.deepcopy(new), old))
            elif isinstance(value, list) and old in value:
                value[value.index(old)] = ast.copy_location(copy.deepcopy(new), old)
    ast.fix_missing_locations(tree)

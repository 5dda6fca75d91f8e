"""Judge a condition over figures and values in memory, as the SQL does over the store."""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any

from craftsync.query.expression import (
    All,
    Comparison,
    Expression,
    Kind,
    Literal,
    Name,
    Not,
    Operator,
    Some,
    whole_digits,
)

_ORDER: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.LESS: lt,
    Operator.LESS_OR_EQUAL: le,
    Operator.MORE: gt,
    Operator.MORE_OR_EQUAL: ge,
}


def evaluate(expression: Expression, figures: Mapping[str, Any]) -> bool:
    """Tell whether a condition holds for `figures`, by name; None, or no such name, is null.

    A name of kind value stands for a mapping: input or output -> its values, of those that are
    held.
    """
    match expression:
        case Comparison():
            return _holds(expression, figures)
        case Not():
            return not evaluate(expression.of, figures)
        case All():
            return all(evaluate(one, figures) for one in expression.of)
        case Some():
            return any(evaluate(one, figures) for one in expression.of)


def _holds(one: Comparison, figures: Mapping[str, Any]) -> bool:
    held = figures.get(one.name.name)
    if one.name.kind is Kind.VALUE:
        found = _at(one.name, held or {})
        return any(_compare(value, one.operator, one.literal) for value in found)
    if one.literal is None:
        return (held is None) == (one.operator is Operator.EQUAL)
    if held is None:
        return False
    if one.name.kind is Kind.WORD:
        return _compare(held.lower(), one.operator, str(one.literal).lower())
    return _compare(held, one.operator, one.literal)


def _at(name: Name, held: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
    """Return the values a name stands for, at the end of its path where there is one."""
    found = list(held.get(name.key, ()))
    for step in name.path:
        found = [inner[step] for inner in found if _has(inner, step)]
    return found


def _has(value: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(value, list) and step < len(value)
    return isinstance(value, dict) and step in value


def _compare(value: Any, operator: Operator, literal: Literal) -> bool:
    if operator is Operator.EQUAL:
        return _equal(value, literal)
    if operator is Operator.DIFFERENT:
        return not _equal(value, literal)
    if operator is Operator.CONTAINS:
        return isinstance(value, str) and str(literal) in value
    compare = _ORDER[operator]
    if isinstance(literal, Decimal):
        number = _double(value)
        return number is not None and compare(number, float(literal))
    return type(value) is type(literal) and compare(value, literal)


def _equal(value: Any, literal: Literal) -> bool:
    if isinstance(literal, Decimal):
        if _is_number(value) and (digits := whole_digits(literal)) and not isinstance(value, float):
            return bool(value == Decimal(digits))
        return _double(value) == _double(literal) is not None
    return type(value) is type(literal) and bool(value == literal)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _double(value: Any) -> float | None:
    """Return the nearest double of a number; None for what is none, or beyond all doubles."""
    if not _is_number(value):
        return None
    try:
        double = float(value)
    except OverflowError:
        return None
    return double if math.isfinite(double) else None

"""A condition as SQL over one execution. Every literal, name and path is bound, none is written.

SQL's own unknown counts as false: only `not` could tell them apart, and it is `is not true` here.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from craftsync.query.dialects import DUCKDB, STORES, Dialect
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
from craftsync.store.lookup import Condition

_INT64 = 1 << 63


def to_duckdb(expression: Expression) -> tuple[str, dict[str, Any]]:
    """Write a condition on `e`, a row of `executions`; return it, and what its `$w0` stand for."""
    writer = _Writer(DUCKDB)
    return writer.write(expression), writer.bound


def to_store(expression: Expression, dialect: str) -> Condition:
    """Write a condition on `x`, a row of the store's executions."""
    writer = _Writer(STORES[dialect])
    return Condition(writer.write(expression), writer.bound)


class _Writer:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.bound: dict[str, Any] = {}

    def write(self, expression: Expression) -> str:
        match expression:
            case Comparison():
                return self._comparison(expression)
            case Not():
                return f"(({self.write(expression.of)}) is not true)"
            case All():
                return f"({' and '.join(map(self.write, expression.of))})"
            case Some():
                return f"({' or '.join(self._alternatives(expression))})"

    def _alternatives(self, some: Some) -> Iterator[str]:
        """Write what is joined by or; a value is looked up once, whatever it may be."""
        of_values: dict[Name, list[Comparison]] = {}
        for one in some.of:
            if isinstance(one, Comparison) and one.name.kind is Kind.VALUE:
                of_values.setdefault(one.name, []).append(one)
            else:
                yield self.write(one)
        for comparisons in of_values.values():
            yield self._of_values(comparisons)

    def _bind(self, value: Any) -> str:
        name = f"w{len(self.bound)}"
        self.bound[name] = value
        return f"{self._dialect.mark}{name}"

    def _comparison(self, one: Comparison) -> str:
        if one.name.kind is Kind.VALUE:
            return self._of_values([one])
        column = self._dialect.column(one.name.name)
        if one.literal is None:
            return f"{column} is {'' if one.operator is Operator.EQUAL else 'not '}null"
        if one.operator is Operator.CONTAINS:
            return self._contains(one, column)
        if isinstance(one.literal, str):
            if one.name.kind is Kind.WORD:
                return f"lower({column}) {one.operator} {self._bind(one.literal.lower())}"
            return f"{self._collated(column)} {one.operator} {self._bind(one.literal)}"
        return f"{column} {one.operator} {self._bind(self._driven(one.literal))}"

    def _contains(self, one: Comparison, column: str) -> str:
        word = str(one.literal)
        if one.name.kind is Kind.WORD:
            column, word = f"lower({column})", word.lower()
        return self._dialect.contains.format(column, self._bind(word))

    def _driven(self, literal: Literal) -> Any:
        if isinstance(literal, datetime):
            return self._dialect.moment(literal)
        return float(literal) if isinstance(literal, Decimal) else literal

    def _of_values(self, alternatives: Sequence[Comparison]) -> str:
        """Ask whether there is a value of one name for which one of these holds."""
        name = alternatives[0].name
        bound = self._bind(name.key)
        holds = " or ".join(
            self._of_path(one) if name.path else self._of_whole(one) for one in alternatives
        )
        return (
            f"exists (select 1 {self._dialect.values(name.name)} and v.name = {bound}"
            f" and v.value is not null and ({holds}){self._dialect.fence})"
        )

    def _of_whole(self, one: Comparison) -> str:
        """Compare a value as it is held: JSON, text and number each in a column of its own."""
        json, literal = "cast(v.value as varchar)", one.literal
        is_text = f"substr({json}, 1, 1) = '\"'"
        if one.operator is Operator.DIFFERENT:
            equal = Comparison(one.name, Operator.EQUAL, literal)
            return f"(({self._of_whole(equal)}) is not true)"
        if one.operator is Operator.CONTAINS:
            found = self._dialect.contains.format("v.value_text", self._bind(literal))
            return f"({is_text} and {found})"
        if isinstance(literal, str):
            text = self._collated("v.value_text")
            return f"({is_text} and {text} {one.operator} {self._bind(literal)})"
        if isinstance(literal, Decimal):
            return self._number(json, one.operator, literal)
        return f"{json} = {self._bind(_as_json(literal))}"

    def _number(self, json: str, operator: Operator, literal: Decimal) -> str:
        digits = whole_digits(literal) if operator is Operator.EQUAL else None
        double = float(literal)
        if digits is None:
            return f"v.value_number {operator} {self._bind(double)}"
        same = f"{json} = {self._bind(digits)}"
        if double in (float("inf"), float("-inf")):
            return same
        signs = ("'.'", "'e'", "'E'")
        fraction = " or ".join(self._dialect.contains.format(json, sign) for sign in signs)
        return f"({same} or (v.value_number = {self._bind(double)} and ({fraction})))"

    def _of_path(self, one: Comparison) -> str:
        """Compare what stands at a path in a value."""
        literal, path = one.literal, self._dialect.path(one.name.path, self._bind)
        found = self._at(path, "type")
        if one.operator is Operator.DIFFERENT:
            equal = self._at_path(path, Operator.EQUAL, literal)
            return f"({found} is not null and ({equal}) is not true)"
        return self._at_path(path, one.operator, literal)

    def _at_path(self, path: str, operator: Operator, literal: Literal) -> str:
        if literal is None:
            return self._is(path, "null")
        if isinstance(literal, bool):
            truth = f"{self._at(path, 'truth')} = {self._bind(_as_json(literal))}"
            return self._if(path, "boolean", truth)
        if isinstance(literal, Decimal):
            number = f"{self._at(path, 'double')} {operator} {self._bind(float(literal))}"
            if operator is Operator.EQUAL and (digits := whole_digits(literal)):
                whole = int(digits) if len(digits) < len(str(_INT64)) + 1 else _INT64
                if -_INT64 <= whole < _INT64:
                    exact = f"{self._at(path, 'whole')} = {self._bind(whole)}"
                    number = f"case when {self._is(path, 'whole')} then {exact} else {number} end"
            return self._if(path, "number", number)
        text = self._at(path, "text")
        if operator is Operator.CONTAINS:
            return self._if(path, "text", self._dialect.contains.format(text, self._bind(literal)))
        return self._if(path, "text", f"{self._collated(text)} {operator} {self._bind(literal)}")

    def _at(self, path: str, what: str) -> str:
        return f"({self._dialect.json[what].format('v.value', path)})"

    def _is(self, path: str, kind: str) -> str:
        return f"{self._at(path, 'type')} in ({self._dialect.types[kind]})"

    def _if(self, path: str, kind: str, holds: str) -> str:
        """Ask `holds` of that type alone: what is cast is nothing else."""
        return f"case when {self._is(path, kind)} then {holds} else false end"

    def _collated(self, sql: str) -> str:
        return self._dialect.collate.format(sql)


def _as_json(literal: Literal) -> str:
    return "null" if literal is None else "true" if literal else "false"

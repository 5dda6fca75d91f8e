"""What the engines call the same things: columns of executions, values, and JSON inside of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from craftsync.store import relations
from craftsync.store.base import driver_moment
from craftsync.store.relation import in_dialect

Bind: TypeAlias = Callable[[Any], str]
"""Binds a value and returns the placeholder that stands for it."""

_INT32 = 2**31 - 1
_SIDES = {"in": ("input", "inputs"), "out": ("output", "outputs")}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine writes conditions over one execution; `{0}`, `{1}` are SQL of the arguments.

    `types` are the engine's words for the type of a JSON value, `json` what reads it at a path:
    its type, its text, its number as a double and as a whole number of 64 bits.
    """

    mark: str
    column: Callable[[str], str]
    values: Callable[[str], str]
    moment: Callable[[datetime], Any]
    path: Callable[[tuple[str | int, ...], Bind], str]
    contains: str
    collate: str
    types: Mapping[str, str]
    json: Mapping[str, str]
    fence: str = ""  # ends a subquery that the planner is not to take apart


def _private(dialect: str) -> Callable[[str], str]:
    """Return what writes a public column over the private table of executions, `x`."""

    def column(name: str) -> str:
        if name == "environment":
            return "(select n.name from environment n where n.key = x.environment_key)"
        sql = re.sub(r"\be\.", "x.", relations.EXECUTIONS.fields[name].sql)
        return in_dialect(sql, dialect)

    return column


def _private_values(side: str) -> str:
    return (
        "from io_value v where v.execution_key = x.key"
        f" and v.side = '{_SIDES[side][0]}' and v.state = 'ok'"
    )


def _public_values(side: str) -> str:
    return (
        f"from {_SIDES[side][1]} v where v.environment = e.environment"
        " and v.execution_id = e.execution_id and v.execution_created_at = e.created_at"
        " and v.value_state = 'ok'"
    )


def _json_path(path: tuple[str | int, ...], bind: Bind) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in path)
    return bind(f"${''.join(steps)}")


def _json_steps(path: tuple[str | int, ...], bind: Bind) -> str:
    """Write a step at a time: a number is one into a list alone, a word into an object alone."""
    return " ".join(
        f"-> cast({bind(min(step, _INT32))} as integer)"
        if isinstance(step, int)
        else f"-> cast({bind(step)} as text)"
        for step in path
    )


SQLITE = Dialect(
    mark=":",
    column=_private("sqlite"),
    values=_private_values,
    moment=lambda moment: driver_moment(moment, "sqlite"),
    path=_json_path,
    contains="instr({0}, {1}) > 0",
    collate="{0}",
    types=MappingProxyType(
        {
            "null": "'null'",
            "boolean": "'true', 'false'",
            "number": "'integer', 'real'",
            "whole": "'integer'",
            "text": "'text'",
        }
    ),
    json=MappingProxyType(
        {
            "type": "json_type({0}, {1})",
            "text": "json_extract({0}, {1})",
            "truth": "json_type({0}, {1})",
            "double": "cast(json_extract({0}, {1}) as real)",
            "whole": "json_extract({0}, {1})",
        }
    ),
)
_AT, _ITSELF = "cast({0} as json) {1}", "'{{}}'"
POSTGRESQL = Dialect(
    fence=" offset 0",  # a hundred of them took it half a minute to join
    mark=":",
    column=_private("postgresql"),
    values=_private_values,
    moment=lambda moment: moment,
    path=_json_steps,
    contains="strpos({0}, {1}) > 0",
    collate='{0} collate "C"',
    types=MappingProxyType(
        {
            "null": "'null'",
            "boolean": "'boolean'",
            "number": "'number'",
            "whole": "'number'",
            "text": "'string'",
        }
    ),
    json=MappingProxyType(
        {
            "type": "json_typeof(cast({0} as json) {1})",
            "text": f"({_AT}) #>> {_ITSELF}",
            "truth": f"({_AT}) #>> {_ITSELF}",
            "double": f"cast(({_AT}) #>> {_ITSELF} as numeric)",
            "whole": f"cast(({_AT}) #>> {_ITSELF} as numeric)",
        }
    ),
)
DUCKDB = Dialect(
    mark="$",
    column=lambda name: f"e.{name}",
    values=_public_values,
    moment=lambda moment: moment.astimezone(UTC).replace(tzinfo=None),
    path=_json_path,
    contains="contains({0}, {1})",
    collate="{0}",
    types=MappingProxyType(
        {
            "null": "'NULL'",
            "boolean": "'BOOLEAN'",
            "number": "'BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE'",
            "whole": "'BIGINT', 'UBIGINT', 'HUGEINT'",
            "text": "'VARCHAR'",
        }
    ),
    json=MappingProxyType(
        {
            "type": "json_type({0}, {1})",
            "text": "json_extract_string({0}, {1})",
            "truth": "json_extract_string({0}, {1})",
            "double": "try_cast(json_extract_string({0}, {1}) as double)",
            "whole": "try_cast(json_extract_string({0}, {1}) as hugeint)",
        }
    ),
)
STORES = {"sqlite": SQLITE, "postgresql": POSTGRESQL}

"""One row a run, one column an input or output, of one type where all values of it agree.

Names are found in the data, and so are types: the runs are read twice. Nothing but one column a
name is held in memory.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from craftsync.records import PartState
from craftsync.store.io_values import Cell

Runs: TypeAlias = Iterable[tuple[Mapping[str, Any], Sequence[Cell]]]
Name: TypeAlias = tuple[str, str]

FIXED: Mapping[str, str] = {
    "environment": "text",
    "execution_id": "text",
    "created_at": "instant",
    "commit_id": "text",
    "status": "text",
    "not_ok": "json",
}
"""The columns that stand before those of inputs and outputs, and their kinds."""

PREFIX = {"input": "in", "output": "out"}

_UNFIT = re.compile(r"[^0-9A-Za-z_]")
_FIRST = {'"': "text", "t": "boolean", "f": "boolean", "n": "null", "[": "json", "{": "json"}
_INT64 = 1 << 63
_INT53 = 1 << 53
_LONGEST_NUMBER = 400  # digits; a longer one is no double
_ALIKE = (
    ({"boolean"}, "boolean"),
    ({"text"}, "text"),
    ({"whole", "long"}, "bigint"),
    ({"whole", "double"}, "double"),
)
_READ: Mapping[str, Callable[[str], object]] = {
    "boolean": lambda value: value == "true",
    "text": json.loads,
    "bigint": int,
    "double": float,
    "json": str,
}


@dataclass(frozen=True, slots=True)
class Table:
    """Columns with their kinds, and the rows as they come."""

    columns: Mapping[str, str]
    rows: Iterator[list[object]]


def table(runs: Callable[[], Runs]) -> Table:
    """Make the table of runs; `runs` reads them, each time from the start.

    A value that is null is NULL, and so is one that is not held: `not_ok` tells the state of what
    is not plainly held. A redacted value is its fingerprint, a file its SHA-256.
    """
    kinds = _kinds(runs())
    named = _named(kinds)
    columns = {**FIXED, **{named[name]: kind for name, kind in kinds.items()}}
    return Table(columns, _rows(runs(), kinds, named, tuple(columns)))


def _kinds(runs: Runs) -> dict[Name, str]:
    """Find the names, inputs first, in the platform's order, and the kind of each."""
    seen: dict[Name, set[str]] = {}
    first: dict[Name, int] = {}
    for _, cells in runs:
        for cell in cells:
            name = (cell.side, cell.name)
            first[name] = min(cell.position, first.get(name, cell.position))
            types = seen.setdefault(name, set())
            if cell.value is not None:
                types.add(_type_of(cell.value))
    in_order = sorted(seen, key=lambda name: (name[0], first[name], name[1]))
    return {name: _one_kind(seen[name] - {"null"}) for name in in_order}


def _one_kind(types: set[str]) -> str:
    if not types:
        return "text"
    return next((kind for alike, kind in _ALIKE if types <= alike), "json")


def _type_of(value: str) -> str:
    """Tell the type of a JSON text; of numbers, what can hold them without loss."""
    if value[0] in _FIRST:
        return _FIRST[value[0]]
    if len(value) > _LONGEST_NUMBER:
        return "json"
    if not set(".eE") & set(value):
        number = int(value)
        if -_INT53 <= number <= _INT53:
            return "whole"
        return "long" if -_INT64 <= number < _INT64 else "json"
    return "double" if Decimal(value) == Decimal(repr(float(value))) else "json"


def _named(names: Iterable[Name]) -> dict[Name, str]:
    """Name columns by letters, digits and `_`; one that is taken, in any case, gets a number."""
    named: dict[Name, str] = {}
    taken = set(FIXED)
    for side, name in names:
        reduced = f"{PREFIX[side]}_{_UNFIT.sub('_', name)}"
        fresh, number = reduced, 1
        while fresh.lower() in taken:
            number += 1
            fresh = f"{reduced}_{number}"
        taken.add(fresh.lower())
        named[side, name] = fresh
    return named


def _rows(
    runs: Runs, kinds: Mapping[Name, str], named: Mapping[Name, str], columns: Sequence[str]
) -> Iterator[list[object]]:
    for run, cells in runs:
        row: dict[str, object] = {name: run[name] for name in FIXED if name != "not_ok"}
        for cell in cells:
            name = (cell.side, cell.name)
            if cell.value is not None and cell.value != "null" and named[name] not in row:
                row[named[name]] = _READ[kinds[name]](cell.value)
        row["not_ok"] = _not_ok(cells)
        yield [row.get(name) for name in columns]


def _not_ok(cells: Sequence[Cell]) -> str | None:
    """Return the states of what is not held as it was, by name, as JSON; None where all is."""
    open_cells = [cell for cell in cells if cell.state != PartState.OK]
    sides: dict[str, set[str]] = {}
    for cell in open_cells:
        sides.setdefault(cell.name, set()).add(cell.side)
    states = {
        # An input and an output of one name are told apart.
        f"{PREFIX[cell.side]}_{cell.name}" if len(sides[cell.name]) > 1 else cell.name: cell.state
        for cell in open_cells
    }
    return json.dumps(states, ensure_ascii=False) if states else None

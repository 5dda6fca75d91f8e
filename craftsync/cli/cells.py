"""Cells of a row by the kind of their column: as text, and as JSON.

The kinds are those of the public relations: text, instant, boolean, integer, bigint, double, json.
NULL is None in text, and `null` in JSON.
"""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from functools import partial

from craftsync.cli import instants, json_text
from craftsync.cli.json_text import Exact, Raw

Cell = Callable[[object], str]

NUMBERS = frozenset({"integer", "bigint", "hugeint", "double"})


def as_text(kind: str, tz: tzinfo | None = None) -> Cell:
    """Return what writes a cell that is not NULL for csv, a table or markdown."""
    if kind == "instant":
        return partial(instants.of_cell, tz=tz)
    if kind == "boolean":
        return _boolean
    if kind in NUMBERS:
        return _number
    return partial(_text, tz=tz)


def as_json(kind: str, tz: tzinfo | None = None) -> Cell:
    """Return what writes a cell that is not NULL for json or jsonl."""
    if kind == "instant":
        return lambda cell: json_text.text(instants.of_cell(cell, tz))
    if kind == "boolean":
        return _boolean
    if kind in NUMBERS:
        return lambda cell: json_text.encode(cell, tz)
    if kind == "json":
        return lambda cell: cell if isinstance(cell, str) else json_text.encode(cell, tz)
    return lambda cell: json_text.text(cell) if type(cell) is str else json_text.encode(cell, tz)


def _boolean(cell: object) -> str:
    return "true" if cell else "false"


def _number(cell: object) -> str:
    if isinstance(cell, float):
        return json_text.number(cell).strip('"')
    return str(cell)


def _text(cell: object, tz: tzinfo | None) -> str:
    match cell:
        case str():
            return cell
        case Exact():
            return cell.shown
        case Raw():
            return cell.text
        case bool() | float() | Mapping() | list() | tuple():
            return json_text.encode(cell, tz).strip('"')
        case _:
            return json_text.plain(cell, tz)

"""Rows as lines of csv and JSON, in the exact forms of the contract; nothing is held back."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import TypeAlias

from craftsync.cli import cells, json_text

Columns: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
"""Names of columns and their kinds, in order."""

Row: TypeAlias = Sequence[object]

_BATCH = 500  # lines a write
_FORMULA = re.compile(r"[=+\-@\t\r]")
_QUOTED = re.compile(r'[",\r\n]')


def named(columns: Columns) -> tuple[list[str], list[str]]:
    """Return names and kinds; of two columns with one name the second gets a number."""
    pairs = list(columns.items() if isinstance(columns, Mapping) else columns)
    names: list[str] = []
    for name, _ in pairs:
        fresh, number = name, 0
        while fresh in names:
            number += 1
            fresh = f"{name}_{number}"
        names.append(fresh)
    return names, [str(kind) for _, kind in pairs]


def texts(kinds: list[str], rows: Iterable[Row], tz: tzinfo | None) -> Iterator[list[str | None]]:
    """Yield the cells of each row as text, None for NULL."""
    writers = [cells.as_text(kind, tz) for kind in kinds]
    for row in rows:
        yield [
            None if cell is None else write(cell) for write, cell in zip(writers, row, strict=True)
        ]


def csv(
    names: list[str], kinds: list[str], rows: Iterable[Row], *, raw: bool, tz: tzinfo | None
) -> Iterator[str]:
    """Yield csv by RFC 4180: nothing at all is NULL, `""` is an empty text."""
    # A number is no formula, whatever it starts with; nor is JSON, where only a number could.
    guarded = [not raw and kind not in cells.NUMBERS and kind != "json" for kind in kinds]
    yield ",".join(_csv_cell(name, guard=not raw) for name in names)
    for row in texts(kinds, rows, tz):
        line = ",".join(
            "" if text is None else _csv_cell(text, guard=guard)
            for text, guard in zip(row, guarded, strict=True)
        )
        yield line or '""'  # a reader would skip an empty line


def _csv_cell(text: str, *, guard: bool) -> str:
    if guard and _FORMULA.match(text):
        text = f"'{text}"
    if not text or _QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def objects(
    names: list[str], kinds: list[str], rows: Iterable[Row], tz: tzinfo | None
) -> Iterator[str]:
    """Yield each row as an object, its keys in the order of the columns."""
    heads = [json_text.text(name) + ": " for name in names]
    writers = [cells.as_json(kind, tz) for kind in kinds]
    for row in rows:
        pairs = (
            head + ("null" if cell is None else write(cell))
            for head, write, cell in zip(heads, writers, row, strict=True)
        )
        yield f"{{{', '.join(pairs)}}}"


def array(members: Iterator[str]) -> Iterator[str]:
    """Yield the lines of one array, a member each."""
    previous = next(members, None)
    if previous is None:
        yield "[]"
        return
    opening = "["
    for following in members:
        yield f"{opening}{previous},"
        opening, previous = "", following
    yield f"{opening}{previous}]"


def batches(lines: Iterator[str]) -> Iterator[str]:
    """Yield lines with their ends, many at a time."""
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) == _BATCH:
            yield "\n".join(batch) + "\n"
            batch.clear()
    if batch:
        yield "\n".join(batch) + "\n"

"""Sections of a report as lines: for a terminal, as wide as it is, and as markdown.

Where nothing but ASCII is wanted our own signs are written by others; names stay what they are.
"""

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence

import click

from craftsync.cli import streams, tables
from craftsync.cli.safe_text import safe
from craftsync.report.document import Cell, Column, Section, Table, Tone
from craftsync.report.sparks import LEVELS, NOTHING

_GAP = "  "
_NARROW = 12
"""To so few columns a text is cut before a column is left out."""

_COLOURS = {Tone.BAD: "red", Tone.GOOD: "green"}
_PLAIN = str.maketrans({
    **dict(zip(LEVELS, "_.-~=+*#", strict=True)),
    NOTHING: " ",
    "\N{EN DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "…": "~",
})  # fmt: skip
_MARKED = re.compile(r"([\\`*\[\]|])")


def terminal(sections: Iterable[Section], *, to_file: bool = False) -> Iterator[str]:
    """Yield the lines of a report, without their ends; fitted and coloured on a terminal alone."""
    looked_at = not to_file and streams.is_terminal()
    width = shutil.get_terminal_size().columns if looked_at else None
    painted = looked_at and streams.colour()
    plain = not to_file and streams.is_plain()
    for number, section in enumerate(sections):
        if number:
            yield ""
        for line in _section(section, width, painted=painted):
            yield line.translate(_PLAIN) if plain else line


def _section(section: Section, width: int | None, *, painted: bool) -> Iterator[str]:
    if section.title:
        yield click.style(section.title, bold=True) if painted else section.title
    for sentence in section.sentences:
        yield from tables.wrapped(safe(sentence), width)
    if section.table is not None:
        yield from _table(section.table, width, painted=painted)


def _table(table: Table, width: int | None, *, painted: bool) -> Iterator[str]:
    columns, rows, widths = _fitted(table, width)
    if any(column.name for column in columns):
        heads = [Cell(column.name, Tone.QUIET) for column in columns]
        yield _line(heads, columns, widths, painted=painted)
    for row in rows:
        yield _line(row, columns, widths, painted=painted)
    if table.more:
        yield f"  and {table.more:,} more"


def _fitted(
    table: Table, width: int | None
) -> tuple[list[Column], list[Sequence[Cell]], list[int]]:
    """Leave out columns until the rest has room, then narrow the widest."""
    kept = list(range(len(table.columns)))
    while True:
        columns = [table.columns[at] for at in kept]
        rows: list[Sequence[Cell]] = [[row[at] for at in kept] for row in table.rows]
        widths = [
            max(tables.width(safe(text)) for text in (column.name, *(row[at].text for row in rows)))
            for at, column in enumerate(columns)
        ]
        if width is None:
            return columns, rows, widths
        room = width - 2 - len(_GAP) * (len(columns) - 1)
        spare = max(kept, key=lambda at: table.columns[at].spare)
        if sum(_least(*one) for one in zip(columns, widths, strict=True)) <= room or (
            table.columns[spare].spare == 0
        ):
            return columns, rows, tables.fitted(widths, room)
        kept.remove(spare)


def _least(column: Column, width: int) -> int:
    """Return to how few columns a cell can be cut: figures are not."""
    return width if column.right else min(width, _NARROW)


def _line(
    cells: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], *, painted: bool
) -> str:
    written = []
    for cell, column, room in zip(cells, columns, widths, strict=True):
        text = tables.cut_to(safe(cell.text), room)
        blank = " " * (room - tables.width(text))
        shown = _paint(text, cell.tone) if painted else text
        written.append(blank + shown if column.right else shown + blank)
    return "  " + _GAP.join(written).rstrip(" ")


def _paint(text: str, tone: Tone) -> str:
    if tone is Tone.QUIET:
        return click.style(text, dim=True)
    return click.style(text, fg=_COLOURS[tone]) if tone in _COLOURS else text


def markdown(sections: Iterable[Section]) -> Iterator[str]:
    """Yield the lines of a report in markdown, without their ends."""
    yield "# craftsync report"
    for section in sections:
        if section.title:
            yield f"\n## {section.title}"
        for sentence in section.sentences:
            yield f"\n{_sentence(sentence)}"
        if section.table is not None:
            yield ""
            yield from _markdown_table(section.table)


def _markdown_table(table: Table) -> Iterator[str]:
    yield _row(column.name for column in table.columns)
    yield _row("---:" if column.right else "---" for column in table.columns)
    for row in table.rows:
        yield _row(_marked(cell.text) for cell in row)
    if table.more:
        yield f"\nand {table.more:,} more"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _marked(text: str) -> str:
    """Return a text in which nothing is a mark: no link, no picture, no element, no code."""
    return _MARKED.sub(r"\\\1", safe(text)).replace("<", "&lt;")


def _sentence(text: str) -> str:
    """Return a sentence; what stands in backquotes in it is ours, a command."""
    parts = text.split("`")
    return "`".join(part if at % 2 else _marked(part) for at, part in enumerate(parts))

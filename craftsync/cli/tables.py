"""Tables for people, and markdown: what upstream wrote is shown so that it cannot drive a terminal.

Rows stream: the first ones settle the widths of the columns, the others follow as they come.
"""

import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, zip_longest

import click

from craftsync.cli import streams
from craftsync.cli.safe_text import safe

Texts = Sequence[str | None]

SAMPLE = 500  # rows that settle the widths
_STEPS = (("other", 8), ("name", 8), ("instant", 17), ("other", 4), ("name", 4), ("instant", 8))
_LAST = ("id", 8)  # what is copied into the next command
_GAP = "  "


def table(
    names: Sequence[str],
    rows: Iterable[Texts],
    *,
    right: Sequence[bool],
    terminal: bool,
    instants: Sequence[bool] = (),
    wrap: bool = False,
) -> Iterator[str]:
    """Yield the lines of a table, the header first; numbers, `right`, stand to the right.

    On a terminal the lines are cut to its width, ids last, and the header is bold; with `wrap`
    nothing is cut: a cell goes on in the next line.
    """
    shown = ([safe(cell or "") for cell in row] for row in rows)
    sample = list(islice(shown, SAMPLE))
    heads = [safe(name) for name in names]
    widths = [max(map(width, column)) for column in zip(heads, *sample, strict=True)]
    if terminal:
        room = shutil.get_terminal_size().columns - len(_GAP) * (len(widths) - 1)
        sorts = [_sort(*column) for column in zip_longest(names, instants, fillvalue=False)]
        widths = fitted(widths, room, sorts)
    header = _line(heads, widths, right, cut=terminal)
    yield click.style(header, bold=True) if terminal and streams.colour() else header
    for row in chain(sample, shown):
        if terminal and wrap:
            yield from _lines(row, widths, right)
        else:
            yield _line(row, widths, right, cut=terminal)


def markdown(
    names: Sequence[str], rows: Iterable[Texts], *, right: Sequence[bool]
) -> Iterator[str]:
    """Yield the lines of a markdown table, header and rule first."""
    yield _markdown_line(names)
    yield f"| {' | '.join('---:' if number else '---' for number in right)} |"
    for row in rows:
        yield _markdown_line(row)


def width(text: str) -> int:
    """Count the columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) == "Mn":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _sort(name: str | bool, is_instant: str | bool) -> str:
    if is_instant:
        return "instant"
    found = re.search(r"(?:^|_)(id|name)$", str(name))
    return found[1] if found else "other"


def fitted(widths: list[int], room: int, sorts: Sequence[str] = ()) -> list[int]:
    """Narrow the widest columns until all fit; leave them be when they cannot.

    Columns of the sorts `name`, `instant` and `id` are cut after the others, in this order.
    """
    fitted = list(widths)
    sorts = sorts or ["other"] * len(widths)
    for sort, narrowest in (*_STEPS, _LAST):
        mine = [at for at, one in enumerate(sorts) if one == sort]
        while mine and sum(fitted) > room:
            widest = max(mine, key=fitted.__getitem__)
            if fitted[widest] <= narrowest:
                break
            fitted[widest] -= 1
    return fitted if sum(fitted) <= room else widths


def wrapped(text: str, room: int | None) -> Iterator[str]:
    """Yield a text in lines of so many columns at most, broken at blanks; a long word is whole."""
    line = ""
    for word in text.split(" "):
        if line and room is not None and width(line) + 1 + width(word) > room:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _lines(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> Iterator[str]:
    pieces = [list(wrapped(cell, room)) for cell, room in zip(cells, widths, strict=True)]
    for line in zip_longest(*pieces, fillvalue=""):
        yield _line(line, widths, right, cut=False)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], *, cut: bool) -> str:
    padded = []
    for cell, room, is_number in zip(cells, widths, right, strict=True):
        kept = cut_to(cell, room) if cut else cell
        blank = " " * (room - width(kept))
        padded.append(blank + kept if is_number else kept + blank)
    return _GAP.join(padded).rstrip(" ")


def cut_to(text: str, room: int) -> str:
    """Return a text that takes so many columns at most, with a mark where it was cut."""
    if width(text) <= room:
        return text
    mark = "…" if streams.speaks_unicode() else "~"
    kept, taken = "", 0
    for character in text:
        taken += _columns(character)
        if taken > room - 1:
            break
        kept += character
    return kept + mark


def _markdown_line(cells: Texts) -> str:
    shown = (safe(cell or "").replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(cell.replace('<', '&lt;') for cell in shown)} |"

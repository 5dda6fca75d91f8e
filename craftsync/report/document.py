"""Sections of sentences and tables: the form of a report that is text.

Cells are text with a tone. A column that may be left out says so: where the width does not hold
them all, the highest `spare` goes first.
"""

from dataclasses import dataclass
from enum import StrEnum, auto

from craftsync.report.figures import Trend


class Tone(StrEnum):
    """How a cell is meant."""

    PLAIN = auto()
    BAD = auto()
    GOOD = auto()
    QUIET = auto()


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, and how it is meant."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `right` for numbers, `spare` above 0 where it can be left out."""

    name: str
    right: bool = False
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below their columns; `more` of them are not shown. Without names there is no header."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A title, sentences, and a table; the first section of a report has no title."""

    title: str
    sentences: tuple[str, ...] = ()
    table: Table | None = None


_TONES = {Trend.WORSE: Tone.BAD, Trend.BETTER: Tone.GOOD}


def toned(text: str, trend: Trend) -> Cell:
    """Return a change, coloured where it is one."""
    return Cell(text, _TONES.get(trend, Tone.QUIET))


def quiet(text: str) -> Cell:
    """Return a text that stands back."""
    return Cell(text, Tone.QUIET)

"""Where a value came from, and how names are shown to the user."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from craftsync.errors import BadSettings

Forgive: TypeAlias = Callable[[BadSettings], None]
"""Told of a flaw in the settings: it raises it, or the setting is left out."""


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value as it may be shown, and where it came from (`str(source)` is for the user)."""

    value: str
    source: object


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd that ends nothing; `hint` can be typed, where there is something to do."""

    sentence: str
    hint: str | None = None

    def __str__(self) -> str:
        return self.sentence


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Ask whether one of the names most like `word` was meant; None when none is like it."""
    close = get_close_matches(word, list(names), n=3, cutoff=0.6)
    return f"Did you mean {listed(close, 'or')}?" if close else None


def listed(names: Iterable[str], last: str = "and") -> str:
    """Join names as a sentence does: `a`, `a and b`, `a, b and c`."""
    *first, end = names
    return f"{', '.join(first)} {last} {end}" if first else end

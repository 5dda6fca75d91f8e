"""How two cells are compared, and how it is said that they differ: here, and upstream.

Both sides are redacted before they come here.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from craftsync import times
from craftsync.records import PartKind, Whole

_LONGEST = 80  # characters of a text that is shown
_MOST = 5  # things that are named


class Difference(NamedTuple):
    """What differs of one part: `detail`, `input NAME`, `output NAME`, `logs`, `metrics`."""

    part: str
    drift: str


def same(here: object, upstream: object) -> bool:
    """Whether two cells say the same; of JSON objects the order of the keys says nothing."""
    if here == upstream:
        return True
    if not (isinstance(here, str) and isinstance(upstream, str)):
        return False
    if not (here[:1] in ("{", "[") and here[:1] == upstream[:1]):
        return False
    try:
        return bool(_parsed(here) == _parsed(upstream))
    except (ValueError, RecursionError):
        return False


def told(name: str, here: object, upstream: object) -> str:
    """Say what stands here and what upstream; of long texts only that they differ."""
    shown = [_text(here), _text(upstream)]
    if max(map(len, shown)) > _LONGEST:
        return f"{name} differs"
    return f"{name}: {shown[0]} here, {shown[1]} upstream"


def unread(whole: Whole, kind: PartKind, name: str = "") -> str:
    """Say why a part could not be read, in words that are redacted."""
    why = {(part.kind, part.name): part.error or part.state.value for part in whole.parts}
    return f"could not be read: {why.get((kind, name), whole.state_of(kind, name))}"


def named(things: Sequence[str], between: str = ", ") -> str:
    """Name a few things, and how many more there are."""
    more = len(things) - _MOST
    return between.join(things[:_MOST]) + (f"{between}and {more:,} more" if more > 0 else "")


def _text(value: object) -> str:
    if value is None:
        return "none"
    return times.utc_text(value) if isinstance(value, datetime) else str(value)


def _parsed(text: str) -> Any:
    """Read JSON so that numbers are compared by their digits, and are no strings of them."""

    def number(digits: str) -> tuple[str]:
        return (digits,)

    return json.loads(text, parse_int=number, parse_float=number)

"""JSON written by hand, so that text which is JSON already goes in digit by digit.

The standard library can only write what it has read, and 0.12345678901234567890 is no Python float.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from craftsync.cli import instants

_quoted = json.JSONEncoder(ensure_ascii=False).encode
_LONE = re.compile("[\ud800-\udfff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Raw:
    """A text that is JSON already."""

    text: str


@dataclass(frozen=True, slots=True)
class Exact:
    """A text whose characters SQL cannot hold: how it is shown, and its exact JSON literal."""

    shown: str
    literal: str


def encode(thing: object, tz: tzinfo | None = None) -> str:
    """Write a value in one line. An instant is written in UTC, or with the offset of `tz`."""
    if isinstance(thing, dict | Mapping):
        return members((str(key), encode(value, tz)) for key, value in thing.items())
    if isinstance(thing, list | tuple | set | frozenset):
        return f"[{', '.join(encode(value, tz) for value in thing)}]"
    match thing:
        case None | bool():
            return json.dumps(thing)
        case Raw():
            return thing.text
        case Exact():
            return thing.literal
        case float():
            return number(thing)
        case timedelta():
            return number(thing.total_seconds())
        case int():
            return str(thing)
        case Decimal() if thing.is_finite():
            return str(thing)
        case _:
            return text(plain(thing, tz))


def plain(thing: object, tz: tzinfo | None = None) -> str:
    """Write what JSON has no type for, as text."""
    match thing:
        case datetime():
            return instants.text(thing, tz)
        case date() | time():
            return thing.isoformat()
        case bytes():
            return thing.hex()
        case _:
            return str(thing)


def members(pairs: Iterable[tuple[str, str]]) -> str:
    """Write an object from names and values that are JSON already."""
    return f"{{{', '.join(f'{text(name)}: {value}' for name, value in pairs)}}}"


def text(characters: str) -> str:
    """Write a string; half of a surrogate pair is written as an escape, all else as it is."""
    written = _quoted(characters)
    return written if written.isascii() else _LONE.sub(_escape, written)


def number(value: float) -> str:
    """Write a float; one that JSON does not know as the string of its token."""
    if math.isfinite(value):
        return repr(value)
    return f'"{token(value)}"'


def token(value: float) -> str:
    """Return what a float that is no number is called."""
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def in_ascii(written: str) -> str:
    """Return JSON that means the same in pure ASCII."""
    return written if written.isascii() else _NOT_ASCII.sub(_escape, written)


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

"""JSON arrays of many objects, decoded part by part, so that none is ever held as a whole."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from craftsync.upstream.exact import loads

_LARGEST_PART = 1 << 24
_MEET = re.compile(rb"\}(?=[ \t\r\n]*+,[ \t\r\n]*+\{)")
_BLANKS = b" \t\r\n"
_TAIL = 64  # so many bytes are looked at again with the next ones
_TOO_LARGE = "an array of small objects comes otherwise"


def parts(pieces: Iterable[bytes], *, size: int = 1 << 20) -> Iterator[bytes]:
    """Put the pieces of a body together for `loads_parts`, a part after the other.

    A part is cut off where two objects of a long array seem to meet; the comma between them begins
    the next one.
    """
    waiting: list[bytes] = []
    length, tail = 0, b""
    for piece in pieces:
        meet = _MEET.search(tail + piece) if length >= size else None
        waiting.append(piece)
        if meet is None:
            length, tail = length + len(piece), (tail + piece)[-_TAIL:]
            continue
        joined = b"".join(waiting)
        end = length - len(tail) + meet.end()
        yield joined[:end]
        rest = joined[end:]
        waiting, length, tail = [rest], len(rest), rest[-_TAIL:]
    yield b"".join(waiting)


def loads_parts(
    parts: Iterator[bytes],
    *,
    decode: Callable[[bytes], Any] = loads,
    look: Callable[[list[Any]], None] = lambda _: None,
) -> Any:
    """Do what `loads` does with a body that was cut; a part is taken when the last is decoded.

    So a listing of 25 MB is not held beside what is made of it. `decode` reads one part as `loads`
    does, and `look` sees what came of it before the next one is decoded; it may raise. Raises
    `ValueError` also for a large body that cannot be cut: an array of small objects can be.
    """
    found: list[Any] = []
    opening, part = b"", next(parts)
    for following in parts:
        try:
            some = decode(opening + part + b"]")
        except ValueError:  # within a text or an object, where no part of an array can end
            part += following
            if len(part) > _LARGEST_PART:
                raise ValueError(_TOO_LARGE) from None
            continue
        look(some)
        found += some
        opening, part = b"[", following.lstrip(_BLANKS)[1:]
    if len(part) > _LARGEST_PART:
        raise ValueError(_TOO_LARGE)
    last = decode(opening + part)
    if type(last) is list:
        look(last)
    return found + last if opening else last

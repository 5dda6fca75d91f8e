"""JSON arrays of many objects, decoded part by part, so that none is ever held as a whole."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from craftsync.upstream.exact import loads

_LARGEST_PART = 1 << 24
_TOO_LARGE = "an array of small objects comes otherwise"


def parts(pieces: Iterable[bytes], *, size: int = 1 << 20) -> Iterator[bytes]:
    """Put the pieces of a body together for `loads_parts`, a part after the other.

    A part is cut off where two objects of a long array seem to meet.
    """
    waiting: list[bytes] = []
    length, tail = 0, b""
    for piece in pieces:
        meet = (tail + piece).find(b"},{") if length >= size else -1
        waiting.append(piece)
        if meet < 0:
            length, tail = length + len(piece), (tail + piece)[-2:]
            continue
        joined = b"".join(waiting)
        end = length - len(tail) + meet + 1
        yield joined[:end]
        rest = joined[end + 1 :]
        waiting, length, tail = [rest], len(rest), rest[-2:]
    yield b"".join(waiting)


def loads_parts(
    parts: Iterator[bytes],
    *,
    object_hook: Callable[[dict[str, Any]], Any] | None = None,
    look: Callable[[list[Any]], None] = lambda _: None,
) -> Any:
    """Do what `loads` does with a body that was cut; a part is taken when the last is decoded.

    So a listing of 25 MB is not held beside what is made of it. `look` sees what is made of each
    part before the next one is decoded, and may raise. Raises `ValueError` also for a large body
    that cannot be cut: an array of small objects can be.
    """
    found: list[Any] = []
    opening, part = b"", next(parts)
    for following in parts:
        try:
            some = loads(opening + part + b"]", object_hook=object_hook)
        except ValueError:  # within a text or an object, where no part of an array can end
            part = _joined([part, following], parts)
            break
        look(some)
        found += some
        opening, part = b"[", following
    if len(part) > _LARGEST_PART:
        raise ValueError(_TOO_LARGE)
    last = loads(opening + part, object_hook=object_hook)
    if type(last) is list:
        look(last)
    return found + last if opening else last


def _joined(first: list[bytes], parts: Iterator[bytes]) -> bytes:
    """Join parts again, as far as that is no more than one may be."""
    size = sum(map(len, first))
    for part in parts:
        if (size := size + len(part)) > _LARGEST_PART:
            raise ValueError(_TOO_LARGE)
        first.append(part)
    return b",".join(first)

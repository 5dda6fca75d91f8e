"""How much memory a JSON text would take once it is decoded, told without decoding it.

Two bytes of it can become eighty: 60 MB of empty arrays are some gigabytes of Python's objects.
"""

import re
from collections.abc import Iterator

_LIGHT = 1 << 22  # what is smaller than this is small however it is made
_MOST_WEIGHT = 1 << 27
_MOST_TIMES = 8  # its length: a log of short lines takes seven

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_TEXT = re.compile(rb'"[^"]*"?')  # where no escapes are left; one that is open goes to the end
# What CPython takes for one of each, rounded: a number and its place, a key beside it, and so on.
_OF_A_VALUE, _OF_A_KEY, _OF_AN_ARRAY, _OF_AN_OBJECT = 40, 120, 80, 80


def is_too_heavy(body: bytes) -> bool:
    """Whether a body holds so many values that it is not to be decoded."""
    size = len(body)
    return size > _LIGHT and weight(body) > max(_MOST_WEIGHT, _MOST_TIMES * size)


def weight(body: bytes, *, stride: int = 1 << 20) -> int:
    """Return about how many bytes the values of a JSON text take when decoded, texts aside.

    What stands in a text counts for nothing, whatever it looks like. So many bytes as `stride` are
    looked at at a time.
    """
    return sum(
        bare.count(b",") * _OF_A_VALUE
        + bare.count(b":") * _OF_A_KEY
        + bare.count(b"[") * _OF_AN_ARRAY
        + bare.count(b"{") * _OF_AN_OBJECT
        for bare in _without_texts(body, stride)
    )


def _without_texts(body: bytes, stride: int) -> Iterator[bytes]:
    """Give a JSON text without the texts in it, a stride after the other."""
    start, within = 0, False
    while start < len(body):
        end = start + stride
        piece = body[start:end]
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:  # what it escapes belongs to it
            end += 1
            piece = body[start:end]
        start = end
        plain = _ESCAPE.sub(b"", piece) if b"\\" in piece else piece
        yield _TEXT.sub(b"", b'"' + plain if within else plain)
        within ^= plain.count(b'"') % 2 == 1

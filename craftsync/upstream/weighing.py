"""How much memory a JSON text would take once it is decoded, told without decoding it.

Two bytes of it can become eighty: 60 MB of empty arrays are some gigabytes of Python's objects.
"""

import re

_LIGHT = 1 << 22  # what is smaller than this is small however it is made
_MOST_WEIGHT = 1 << 27
_MOST_TIMES = 8  # its length: a log of short lines takes seven

# A text without its end is one to the end: else it would be looked for again and again.
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
# What CPython takes for one of each, rounded: a number and its place, a key beside it, and so on.
_OF_A_VALUE, _OF_A_KEY, _OF_AN_ARRAY, _OF_AN_OBJECT = 40, 120, 80, 80


def is_too_heavy(body: bytes) -> bool:
    """Whether a body holds so many values that it is not to be decoded."""
    size = len(body)
    return size > _LIGHT and weight(body) > max(_MOST_WEIGHT, _MOST_TIMES * size)


def weight(body: bytes) -> int:
    """Return about how many bytes the values of a JSON text take when decoded, texts aside.

    What stands in a text counts for nothing, whatever it looks like.
    """
    bare = _TEXT.sub(b"", body)
    return (
        bare.count(b",") * _OF_A_VALUE
        + bare.count(b":") * _OF_A_KEY
        + bare.count(b"[") * _OF_AN_ARRAY
        + bare.count(b"{") * _OF_AN_OBJECT
    )

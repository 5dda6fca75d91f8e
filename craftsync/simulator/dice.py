"""Chance that depends on its key alone: the same key and number give the same bytes for ever.

That is what lets a world of a million executions exist without being held in memory.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID

_T = TypeVar("_T")


def key_of(*parts: object) -> bytes:
    """Make a key of 32 bytes out of names and numbers."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=32).digest()


def roll(key: bytes, number: int) -> bytes:
    """Draw 64 bytes."""
    return blake2b(number.to_bytes(8, "little"), key=key, digest_size=64).digest()


def share(drawn: bytes, at: int) -> float:
    """Read the four bytes at `at` as a number from 0 up to 1."""
    return int.from_bytes(drawn[at : at + 4], "little") / 4_294_967_296


def pick(options: Sequence[_T], drawn: bytes, at: int) -> _T:
    """Choose one of `options` by the two bytes at `at`."""
    return options[int.from_bytes(drawn[at : at + 2], "little") % len(options)]


def uuid_of(*parts: object) -> str:
    """Make a UUID that stays the same for the same parts."""
    return str(UUID(bytes=key_of(*parts)[:16], version=4))


@lru_cache(maxsize=4096)
def commit_of(pipeline_id: str, number: int) -> str:
    """Make the id of the nth commit of a pipeline's code."""
    return key_of("commit", pipeline_id, number).hex()[:40]

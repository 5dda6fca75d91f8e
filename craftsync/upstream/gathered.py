"""What is wanted of an execution beside its detail, and what came of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from craftsync.errors import Denied, TooBig, UpstreamFault
from craftsync.records import FileBytes, Part, PartKind, PartState

_LARGER = re.compile(r"larger than ([0-9]{1,3}(?:,[0-9]{3}){0,6}) bytes")


@dataclass(frozen=True, slots=True)
class Wants:
    """What is to be fetched beside the detail."""

    logs: bool = True
    files: bool = True
    max_file_bytes: int = 100 << 20


@dataclass(slots=True)
class Gathered:
    """What comes in beside the detail of one execution."""

    files: list[FileBytes] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


def failed(kind: PartKind, name: str, fault: UpstreamFault, clean: Callable[[str], str]) -> Part:
    """Say what became of a part that could not be read; the error's words are redacted."""
    match fault:
        case TooBig(size_bytes=None, limit_bytes=int(limit)):
            return Part(kind, name, PartState.TOO_BIG, error=larger_than(limit))
        case TooBig(size_bytes=size):
            return Part(kind, name, PartState.TOO_BIG, size_bytes=size)
        case Denied():
            return Part(kind, name, PartState.DENIED, error=clean(str(fault)))
        case _:
            return Part(kind, name, PartState.ERROR, error=clean(str(fault)))


def larger_than(limit_bytes: int) -> str:
    """Say of a part that is too big, and nobody tells how big, which limit it broke."""
    return f"larger than {limit_bytes:,} bytes"


def limit_broken(error: str | None) -> int | None:
    """Read out of what `larger_than` said which limit a part broke, in bytes; None where unsaid."""
    said = _LARGER.fullmatch(error or "")
    return int(said[1].replace(",", "")) if said else None

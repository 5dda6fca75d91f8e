"""Every way to fail, and the exit code it ends with.

    CraftsyncError                  a failure we can explain
    ├── Usage                  2    the user's words: an option, a name, an id, a file to write
    ├── Partial                3    some records or parts wait for the next run
    │   ├── LimitReached       3    as many requests, or as much time, as was asked for
    │   └── UpstreamFault      3    one object could not be read; the run goes on without it
    │       ├── Missing        3    404 with an error object: there is no such object
    │       ├── Denied         3    403: not for this token
    │       ├── TooBig         3    the body is larger than a limit allows
    │       ├── BadPayload     3    whole JSON, but no record: without its key, or of another shape
    │       └── BadAnswer      3    5xx, a timeout, HTML, cut or malformed JSON: it proves nothing
    ├── Refused                4    a safety guard said no, or the user did
    ├── Crossed                5    a threshold that was asked for is crossed
    ├── BadSettings            6    configuration, environment, tokens
    │   └── BadCredentials     6    the platform does not accept the SDK token
    ├── Unreachable            7    nothing can be read upstream, or it asks to wait too long
    ├── StoreUnusable          8    missing, older, newer, damaged, read-only, full, gone
    ├── Busy                  75    another craftsync holds the lock
    └── Interrupted          130    SIGINT or SIGTERM

1 is left to bugs. The codes are frozen: people script against them.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar

EXIT_CODES: dict[int, str] = {
    0: "done, and complete; also when nothing was new",
    1: "a bug (traceback); nothing else gives 1",
    2: "wrong usage: bad option or SQL, unknown id or question, a file that cannot be written",
    3: "partial: some records or parts wait for the next run, and are named",
    4: "refused by a safety guard, or not confirmed; nothing was changed by the guarded step",
    5: "a threshold asked for was crossed",
    6: "settings or credentials",
    7: "upstream cannot be reached, or asks to wait longer than the run may",
    8: "the store cannot be used: missing, older, newer, damaged, read-only, full, or gone",
    75: "another craftsync holds the lock",
    130: "interrupted; what was saved stays, safe to run again",
}

# A run that met several of them ends with the first of these.
_PRECEDENCE = (130, 1, 8, 6, 7, 4, 3, 5, 75, 2, 0)


def worst(codes: Iterable[int]) -> int:
    """Return the code that a run which met all of `codes` ends with; 0 for none."""
    return min(codes, key=_PRECEDENCE.index, default=0)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return a hint with up to three names that look like `name`; None when none does."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"Did you mean {', '.join(close)}?" if close else None


class CraftsyncError(Exception):
    """A failure we can explain: what happened, and what can be typed next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")  # a notebook shows it below the traceback


class Usage(CraftsyncError):
    """The user's words do not fit: an option, a name, an id, a file to write."""

    exit_code = 2


class Partial(CraftsyncError):
    """Some records or parts wait for the next run."""

    exit_code = 3


class LimitReached(Partial):
    """As many requests were made, or as much time was taken, as was asked for."""


class UpstreamFault(Partial):
    """One object could not be read upstream; a run goes on without it."""


class Missing(UpstreamFault):
    """404 with an error object: there is no such object upstream."""


class Denied(UpstreamFault):
    """403: the object is not for this token."""


class TooBig(UpstreamFault):
    """The body is larger than a limit allows; `size_bytes` if upstream told, else the limit."""

    def __init__(
        self, message: str, *, size_bytes: int | None = None, limit_bytes: int | None = None
    ) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class BadPayload(UpstreamFault):
    """The platform's object cannot be read as a record; `payload` is what it sent, redacted."""

    def __init__(self, message: str, *, payload: object) -> None:
        super().__init__(message)
        self.payload = payload


class BadAnswer(UpstreamFault):
    """5xx, a timeout, HTML, cut or malformed JSON: it proves nothing about the object.

    `status` is the HTTP status, None when there was no answer at all.
    """

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Refused(CraftsyncError):
    """A safety guard said no, or the user did. Nothing was changed by the guarded step."""

    exit_code = 4


class Crossed(CraftsyncError):
    """A threshold that was asked for is crossed."""

    exit_code = 5


class BadSettings(CraftsyncError):
    """A setting is missing, unknown or unusable; the message names the file and line."""

    exit_code = 6


class BadCredentials(BadSettings):
    """The platform does not accept the SDK token."""


class Unreachable(CraftsyncError):
    """Upstream cannot be reached, or asks to wait longer than the run may."""

    exit_code = 7


class StoreUnusable(CraftsyncError):
    """The store is missing, older, newer, damaged, read-only, full or gone."""

    exit_code = 8


class Busy(CraftsyncError):
    """Another craftsync holds the lock."""

    exit_code = 75


class Interrupted(CraftsyncError):
    """SIGINT or SIGTERM; what was saved stays, and it is safe to run again.

    A run that can still tell what it did carries it in its report; else it is Python's own
    `KeyboardInterrupt` that goes up.
    """

    exit_code = 130

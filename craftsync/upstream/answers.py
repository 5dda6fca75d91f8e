"""What an answer of the platform means: whole or broken, yes, no, or nothing proved.

"Failed to list" never has the same value as "listed nothing": a listing is a well-formed 2xx JSON
array of objects that each carry their name, or it raises.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from craftsync.errors import BadAnswer, BadPayload, Denied, Missing, TooBig
from craftsync.records import FileBytes, Payload
from craftsync.upstream import exact, in_parts, weighing
from craftsync.upstream.retries import RETRIED, Transient, retry_after_s

_UNREADABLE = 10_000  # entries of a listing: so many are no flaw of the entries
_SHOWN = 200  # characters of an error's own words
_PIECE = 1 << 16  # bytes of a listing read at a time


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: its status and headers, and its body in memory or spooled."""

    what: str  # method and path, for messages: a path holds no secret, a query might
    status: int
    headers: Mapping[str, str]  # by their names in lower case
    body: bytes
    file: FileBytes | None = None
    scrub: Callable[[str], str] = str  # takes tokens of ours out of the platform's words

    @property
    def is_nothing(self) -> bool:
        """Whether the platform answered without content: 204, or the two letters OK."""
        return self.status == 204 or self.body.strip() == b"OK"

    @property
    def is_null_file(self) -> bool:
        """Whether JSON's null came in the place of a file, which is closed then."""
        told = self.headers.get("content-type", "").lower()
        if self.file is None or "json" not in told or self.file.size_bytes != len(b"null"):
            return False
        body = self.file.content.read()
        self.file.content.seek(0)
        if body != b"null":
            return False
        self.file.content.close()
        return True

    def checked(self, *, now: datetime) -> "Answer":
        """Return this answer if it is a 2xx.

        Raises `Missing`, `Denied`, `Transient` for what another attempt may mend, and `BadAnswer`.
        """
        if 200 <= self.status < 300:
            return self
        said = f"{self.what}: {self._said()}"
        if self.status == 404 and self._error_object() is not None:
            raise Missing(said)
        if self.status == 403:
            raise Denied(said)
        if 300 <= self.status < 400:
            raise Transient(
                f"{self.what}: answered with a redirect ({self.status}), which is not followed",
                status=self.status,
                attempts=2,
            )
        if self.status in RETRIED:
            wish = retry_after_s(self.headers.get("retry-after"), now)
            raise Transient(said, status=self.status, retry_after_s=wish)
        raise BadAnswer(said, status=self.status)

    def _error_object(self) -> Payload | None:
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def _said(self) -> str:
        """Tell the status, and the platform's own message where there is one."""
        words = (self._error_object() or {}).get("message")
        if not isinstance(words, str) or not words:
            return f"HTTP {self.status}"
        return f"HTTP {self.status} ({exact.plain(_shortened(self.scrub(words)))})"


def _shortened(words: str) -> str:
    """Cut a text between words: a secret that is sought in it later must not be cut in two."""
    return words if len(words) <= _SHOWN else words[:_SHOWN].rpartition(" ")[0] + " …"


def decoded(answer: Answer) -> Any:
    """Decode JSON with every digit; raises `ValueError`, and `TooBig` for values without end."""
    if weighing.is_too_heavy(answer.body):
        raise TooBig(f"{answer.what}: its JSON has too many values to be held in memory")
    return exact.loads(answer.body)


def listing(answer: Answer, *, key: str) -> Sequence[Payload]:
    """Return the objects of a listing; raises `Transient` for whatever is no whole listing."""
    found = _array(answer, lambda: decoded(answer))
    for entry in found:
        if not isinstance(entry, dict) or not isinstance(entry.get(key), str):
            raise _no_listing(answer, f"an array with an entry that has no {key}")
    return found


def listing_of(
    answer: Answer, kinds: tuple[type[Any], ...], *, read: Callable[[Payload], Any]
) -> Sequence[Any]:
    """Return a listing read entry by entry while it is decoded, so that it is never held twice.

    The answer's body is spooled, and is closed. `read` sees every JSON object, the inner ones
    first; what it makes of an entry must be of `kinds`. Raises `Transient`.
    """
    unreadable = 0

    def decode(part: bytes) -> Any:
        found = exact.loads(part, object_hook=read)
        if type(found) is list and any(isinstance(entry, BadPayload) for entry in found):
            # It is kept as it came, and what was made of an object within it did not come.
            entries = exact.loads(part)
            found = [read(entry) if type(entry) is dict else entry for entry in entries]
        return found

    def look(entries: list[Any]) -> None:
        nonlocal unreadable
        if not all(isinstance(entry, kinds) for entry in entries):
            raise _no_listing(answer, "an array with an entry that has no name")
        unreadable += sum(isinstance(entry, BadPayload) for entry in entries)
        if unreadable > _UNREADABLE:
            raise _no_listing(answer, f"an array with more than {_UNREADABLE:,} unreadable entries")

    if answer.file is None:
        raise _no_listing(answer, "nothing")
    with answer.file.content as content:
        parts = in_parts.parts(iter(lambda: content.read(_PIECE), b""))
        return _array(answer, lambda: in_parts.loads_parts(parts, decode=decode, look=look))


def _array(answer: Answer, decode: Callable[[], Any]) -> list[Any]:
    try:
        found = decode()
    except ValueError as flaw:
        raise _no_listing(answer, "no JSON") from flaw
    if not isinstance(found, list):
        raise _no_listing(answer, "no JSON array")
    return found


def json_object(answer: Answer) -> Payload:
    """Return the object that an answer holds; raises `Transient`."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as flaw:
        raise Transient(f"{answer.what}: no JSON", status=answer.status, attempts=2) from flaw
    if not isinstance(found, dict):
        raise Transient(f"{answer.what}: no JSON object", status=answer.status, attempts=2)
    return found


def _no_listing(answer: Answer, found: str) -> Transient:
    # Asked for once more: a proxy's page of the moment is not the platform's word.
    return Transient(
        f"{answer.what}: a listing was asked for, {found} came",
        status=answer.status,
        attempts=2,
    )

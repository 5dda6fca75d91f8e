"""Bytes out, bytes in: one session a thread, a total deadline, bounded bodies.

`requests` counts its read timeout from byte to byte, so a body that drips never ends; here a body
is read piece by piece against one deadline and a size limit, decompressed bytes counted.
"""

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import requests
import urllib3

from craftsync.errors import BadAnswer, TooBig
from craftsync.upstream import certificates, gzipped, spooling
from craftsync.upstream.answers import Answer
from craftsync.upstream.connections import Connections, origin_of, surroundings_of
from craftsync.upstream.deadline import Watch
from craftsync.upstream.exchange import MOST_DIGITS
from craftsync.upstream.retries import Transient
from craftsync.upstream.throttle import Throttle

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
_SLOWEST = 1 << 18  # bytes a second: for a body that comes faster there is always more time
_CUT = (
    urllib3.exceptions.HTTPError,
    requests.RequestException,
    http.client.HTTPException,
    OSError,
)

# urllib3 begins its sentences with the connection, and shows it as the class of ours that it is.
_CONNECTION = re.compile(r"^(?:<[^>]*object at 0x[^>]*>|\w+\(host=[^)]*\)): ")

Through: TypeAlias = Callable[[Iterator[bytes]], Iterator[bytes]]
"""What the bytes of a file go through before they are hashed: redaction."""

_PIECE = 1 << 16
_ERROR_BYTES = 1 << 20
_TOO_MANY = 429


class Transport:
    """Send requests from many threads and count what they cost.

    `timeout_s` is between two bytes; a whole answer may take twice that, and as much more as its
    bytes ask for. `before` is called before each request, and may raise to end the run.
    """

    def __init__(
        self,
        *,
        client: str,
        bases: tuple[str, ...],
        timeout_s: float = READ_TIMEOUT_S,
        at_once: int = 64,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self._timeout_s = timeout_s
        self._before = before
        self._throttle = Throttle(at_once)
        self._watch = Watch()
        self._local = threading.local()
        self._counting = threading.Lock()
        self._opened: list[Connections] = []
        self._surroundings = {origin_of(base): surroundings_of(base) for base in bases}
        self._timeout = urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, timeout_s), read=timeout_s)
        self._always = {
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": client,
            "craft-ai-client": client,
        }
        self._hidden: set[str] = set()
        self.requests = 0
        self.bytes_received = 0

    def hide(self, secret: str) -> None:
        """Keep a token of ours out of every message, also where the platform repeats it."""
        if secret:  # doctor looks around without one
            self._hidden.add(secret)

    def send(
        self,
        method: str,
        address: str,
        *,
        max_bytes: int,
        token: str | None = None,
        body: bytes | None = None,
        through: Through | None = None,
        spooled: bool = False,
    ) -> Answer:
        """Send one request and read its answer whole; the bytes of a file go `through` a filter.

        With `spooled` a body that may be long is kept as a file is; it may come without a length.

        Raises `Transient` when no whole answer came in time, `TooBig` above `max_bytes`, and
        `BadAnswer` for what no repetition mends (a certificate that does not fit).
        """
        what = f"{method} {address[len(origin_of(address)) :].partition('?')[0]}"
        self._before()
        with (
            self._throttle.turn() as turn,
            self._watch.until(time.monotonic() + 2 * self._timeout_s) as slot,
        ):
            began = time.monotonic()
            try:
                answer = self._exchange(
                    method, address, token, body, what, max_bytes, through, spooled
                )
            except _CUT as flaw:
                if refused := certificates.refusal(flaw):
                    raise BadAnswer(f"{what}: {refused[0]}", hint=refused[1]) from flaw
                if (waited := self._waited(flaw)) is not None:
                    raise Transient(f"{what}: {waited}", timed_out=True) from flaw
                if not slot.expired:
                    raise Transient(f"{what}: {self._scrubbed(_short(flaw))}") from None
            # What is cut by our own deadline may still look like a whole answer.
            if slot.expired:
                allowed_s = round(slot.ends_at - began, 1)
                raise Transient(f"{what}: no whole answer within {allowed_s:g} s", timed_out=True)
        if answer.status == _TOO_MANY:
            self._throttle.refused(turn)
        else:
            self._throttle.accepted()
        return answer

    def close(self) -> None:
        """Close the connections of all threads."""
        self._watch.close()
        for connections in self._opened:
            connections.close()

    def _exchange(
        self,
        method: str,
        address: str,
        token: str | None,
        body: bytes | None,
        what: str,
        max_bytes: int,
        through: Through | None,
        spooled: bool,
    ) -> Answer:
        with self._connections().send(
            method,
            address,
            headers=self._headers(token, body),
            body=body,
            timeout=self._timeout,
        ) as response:
            return self._read(response, what, max_bytes, through=through, spooled=spooled)

    def _read(
        self,
        response: Any,
        what: str,
        max_bytes: int,
        *,
        through: Through | None,
        spooled: bool,
    ) -> Answer:
        if not 200 <= response.status < 300:
            words = self._words(response, what)
            return Answer(what, response.status, response.headers, words, scrub=self._scrubbed)
        told = response.headers.get("content-length", "")
        size = int(told) if told.isdecimal() and len(told) <= MOST_DIGITS else 0
        if size > max_bytes and "content-encoding" not in response.headers:  # else it is packed
            raise TooBig(f"{what}: {size:,} bytes", size_bytes=size)
        pieces = self._pieces(response, what, max_bytes)
        if spooled and response.status != 204:
            return Answer(what, response.status, response.headers, b"", spooling.spool(pieces))
        if through is None or response.status == 204:
            return Answer(
                what,
                response.status,
                response.headers,
                spooling.whole(pieces),
                scrub=self._scrubbed,
            )
        if not told and not getattr(response, "chunked", False):
            # A body without a length that ends with the connection may have been cut.
            raise Transient(f"{what}: a value came without its length, it may be cut", attempts=2)
        return Answer(what, response.status, response.headers, b"", spooling.spool(through(pieces)))

    def _words(self, response: Any, what: str) -> bytes:
        """Return the body of an error; of one that is long nothing, for the status says enough."""
        try:
            return spooling.whole(self._pieces(response, what, _ERROR_BYTES))
        except TooBig:
            return b""

    def _pieces(self, response: Any, what: str, limit: int) -> Iterator[bytes]:
        size = 0
        for piece in gzipped.pieces(response, size=_PIECE):
            size += len(piece)
            self._watch.grant(len(piece) / _SLOWEST)
            if size > limit:
                raise TooBig(f"{what}: more than {limit:,} bytes", limit_bytes=limit)
            yield piece
        with self._counting:
            self.bytes_received += size

    def _scrubbed(self, text: str) -> str:
        for secret in tuple(self._hidden):  # another thread may hide one more meanwhile
            text = text.replace(secret, "****")
        return text

    def _waited(self, flaw: BaseException) -> str | None:
        """Say for what a request waited in vain; None when it failed otherwise."""
        if isinstance(flaw, urllib3.exceptions.NewConnectionError):  # to urllib3 a timeout, too
            return None
        if isinstance(flaw, urllib3.exceptions.ConnectTimeoutError):
            return f"no connection within {self._timeout.connect_timeout:g} s"
        if isinstance(flaw, urllib3.exceptions.TimeoutError | TimeoutError):
            return f"timed out after {self._timeout_s:g} s"
        return None

    def _headers(self, token: str | None, body: bytes | None) -> dict[str, str]:
        headers = dict(self._always)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        return headers

    def _connections(self) -> Connections:
        """Return this thread's connections, and count the request they are wanted for."""
        with self._counting:
            self.requests += 1
        mine: Connections | None = getattr(self._local, "connections", None)
        if mine is None:
            mine = self._local.connections = Connections(self._watch, self._surroundings)
            with self._counting:
                self._opened.append(mine)
        return mine


def _short(flaw: BaseException) -> str:
    """Say what went wrong in the words of the innermost cause, which knows best."""
    causes = [getattr(flaw, "reason", None), *flaw.args]
    for cause in causes:
        if isinstance(cause, BaseException) and cause is not flaw:
            return _short(cause)
    return _CONNECTION.sub("", str(flaw)) or type(flaw).__name__

"""Bytes out, bytes in: one session a thread, a total deadline, bounded bodies.

`requests` counts its read timeout from byte to byte, so a body that drips never ends; here a body
is read piece by piece against one deadline and a size limit, decompressed bytes counted.
"""

import hashlib
import re
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import requests
import urllib3

from craftsync.errors import BadAnswer, TooBig
from craftsync.records import FileBytes
from craftsync.upstream import gzipped
from craftsync.upstream.answers import Answer
from craftsync.upstream.deadline import Watch, WatchedAdapter
from craftsync.upstream.retries import Transient
from craftsync.upstream.throttle import Throttle

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
_TIMED_OUT = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)
_CUT = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)

# urllib3 begins its sentences with the connection, and shows it as the class of ours that it is.
_CONNECTION = re.compile(r"^(?:<[^>]*object at 0x[^>]*>|\w+\(host=[^)]*\)): ")

Through: TypeAlias = Callable[[Iterator[bytes]], Iterator[bytes]]
"""What the bytes of a file go through before they are hashed: redaction."""

_PIECE = 1 << 16
_SPOOLED = 1 << 20  # a file value above this goes to disk
_ERROR_BYTES = 1 << 20
_TOO_MANY = 429


class Transport:
    """Send requests from many threads and count what they cost.

    `timeout_s` is between two bytes; a whole answer may take twice that, a file's as much more as
    its size asks for. `before` is called before each request, and may raise to end the run.
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
        self._client = client
        self._timeout_s = timeout_s
        self._before = before
        self._throttle = Throttle(at_once)
        self._watch = Watch()
        self._local = threading.local()
        self._counting = threading.Lock()
        self._sessions: list[requests.Session] = []
        self._settings = {_origin(base): _environment_settings(base) for base in bases}
        self.requests = 0
        self.bytes_received = 0

    def send(
        self,
        method: str,
        address: str,
        *,
        max_bytes: int,
        token: str | None = None,
        body: bytes | None = None,
        through: Through | None = None,
        deadline_s: float | None = None,
    ) -> Answer:
        """Send one request and read its answer whole; the bytes of a file go `through` a filter.

        Raises `Transient` when no whole answer came in time, `TooBig` above `max_bytes`, and
        `BadAnswer` for what no repetition mends (a certificate that does not fit).
        """
        what = f"{method} {urllib.parse.urlsplit(address).path}"
        allowed_s = deadline_s or 2 * self._timeout_s
        self._before()
        with self._throttle.turn() as turn, self._watch.until(time.monotonic() + allowed_s) as slot:
            try:
                answer = self._exchange(method, address, token, body, what, max_bytes, through)
            except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as flaw:
                raise BadAnswer(
                    f"{what}: the certificate is not accepted: {_short(flaw)}"
                ) from flaw
            except _TIMED_OUT as flaw:
                raise Transient(
                    f"{what}: timed out after {self._timeout_s:g} s", timed_out=True
                ) from flaw
            except _CUT as flaw:
                if not slot.expired:
                    raise Transient(f"{what}: {_short(flaw)}") from flaw
            # What is cut by our own deadline may still look like a whole answer.
            if slot.expired:
                raise Transient(f"{what}: no whole answer within {allowed_s:g} s", timed_out=True)
        if answer.status == _TOO_MANY:
            self._throttle.refused(turn)
        else:
            self._throttle.accepted()
        return answer

    def close(self) -> None:
        """Close the connections of all threads."""
        self._watch.close()
        for session in self._sessions:
            session.close()

    def _exchange(
        self,
        method: str,
        address: str,
        token: str | None,
        body: bytes | None,
        what: str,
        max_bytes: int,
        through: Through | None,
    ) -> Answer:
        response = self._session().send(
            self._prepared(method, address, token, body),
            timeout=(min(CONNECT_TIMEOUT_S, self._timeout_s), self._timeout_s),
            allow_redirects=False,
            stream=True,
            **self._settings[_origin(address)],
        )
        with response:
            return self._read(response, what, max_bytes, through=through)

    def _read(self, response: Any, what: str, max_bytes: int, *, through: Through | None) -> Answer:
        is_success = 200 <= response.status_code < 300
        limit = max_bytes if is_success else _ERROR_BYTES
        told = response.headers.get("Content-Length", "")
        if told.isdecimal() and int(told) > limit:
            raise TooBig(f"{what}: {int(told):,} bytes", size_bytes=int(told))
        pieces = self._pieces(response, what, limit)
        if through is None or not is_success or response.status_code == 204:
            return Answer(what, response.status_code, response.headers, b"".join(pieces))
        if not told and not getattr(response.raw, "chunked", False):
            # A body without a length that ends with the connection may have been cut.
            raise Transient(f"{what}: a value came without its length, it may be cut", attempts=2)
        return Answer(what, response.status_code, response.headers, b"", _spool(through(pieces)))

    def _pieces(self, response: Any, what: str, limit: int) -> Iterator[bytes]:
        size = 0
        for piece in gzipped.pieces(response.raw, size=_PIECE):
            size += len(piece)
            if size > limit:
                raise TooBig(f"{what}: more than {limit:,} bytes")
            yield piece
        with self._counting:
            self.bytes_received += size

    def _prepared(
        self, method: str, address: str, token: str | None, body: bytes | None
    ) -> requests.PreparedRequest:
        prepared: requests.PreparedRequest = self._local.template.copy()
        prepared.method = method
        prepared.url = address
        if token is not None:
            prepared.headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            prepared.body = body
            prepared.headers["Content-Type"] = "application/json"
            prepared.headers["Content-Length"] = str(len(body))
        return prepared

    def _session(self) -> requests.Session:
        """Return this thread's session, and count the request it is wanted for."""
        with self._counting:
            self.requests += 1
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            adapter = WatchedAdapter(self._watch, pool_connections=2, pool_maxsize=1, max_retries=0)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            template = requests.Request("GET", "http://localhost/").prepare()
            template.headers["Accept"] = "*/*"
            template.headers["Accept-Encoding"] = "gzip, deflate"
            template.headers["User-Agent"] = template.headers["craft-ai-client"] = self._client
            self._local.template = template
            self._local.session = session
            with self._counting:
                self._sessions.append(session)
        return session


def _environment_settings(base: str) -> dict[str, Any]:
    """Read proxies and certificates from the environment, once, as `requests` would each time."""
    with requests.Session() as session:
        merged = session.merge_environment_settings(base, {}, None, None, None)
    settings = {name: merged[name] for name in ("proxies", "verify", "cert")}
    if base.startswith("http://"):  # loopback: there is no certificate, and none is looked for
        settings["verify"] = False
    return settings


def _spool(pieces: Iterator[bytes]) -> FileBytes:
    digest, size = hashlib.sha256(), 0
    # Closed by the writer who stores it.
    content = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115
    try:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            content.write(piece)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return FileBytes(digest.hexdigest(), size, content)


def _origin(address: str) -> str:
    parts = urllib.parse.urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _short(flaw: BaseException) -> str:
    """Say what went wrong in the words of the innermost cause, which knows best."""
    causes = [getattr(flaw, "reason", None), *flaw.args]
    for cause in causes:
        if isinstance(cause, BaseException) and cause is not flaw:
            return _short(cause)
    return _CONNECTION.sub("", str(flaw)) or type(flaw).__name__

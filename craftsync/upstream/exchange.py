"""One more request over an open connection: written in one piece, and read the short way.

What `urllib3` and `http.client` do around each request and answer is two thirds of its cost (130
of 190 µs of CPU, with a head of two lines). A connection that they opened, through whatever proxy
and TLS there are, is used here without them. An answer whose head is not plain is left to them,
from its first byte.
"""

import contextlib
import http.client
import re
import sys
from collections.abc import Mapping
from typing import IO, Any

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.exceptions import IncompleteRead

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_HEAD = re.compile(
    rb"HTTP/1\.1\ ([2-5][0-9][0-9])(?:\ [ -~]*+)?\r\n((?:%b:[ -~]*+\r\n)++)\r\n" % _TOKEN
)
_FOLDED = re.compile(r"\s*\r\n[ \t]+")
_MOST_HEADERS = 100  # as many as http.client takes
MOST_DIGITS = 18  # of a length; Python refuses to read some thousand
_WITHOUT_BODY = frozenset({204, 304})
_READ_HERE = frozenset({None, "gzip", "x-gzip"})


def writes(method: str, body: bytes | None) -> bool:
    """Whether a request is of the two kinds that are written here: GET, and POST with a body."""
    return (method == "GET") == (body is None) and method in {"GET", "POST"}


def head_of(
    method: str, target: str, host: str, headers: Mapping[str, str], body: bytes | None
) -> bytes | None:
    """Return the head of a request; None for one that holds what belongs into no head."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    joined = "".join(lines)
    if not (joined.isascii() and joined.isprintable()):  # a line break in a token, above all
        return None
    lines += ("", "")
    return "\r\n".join(lines).encode()


class Reply:
    """An answer of a known length whose head has been read; its body is read from the socket."""

    __slots__ = ("_came", "_connection", "_file", "_left", "chunked", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        length: int,
        file: IO[bytes],
        connection: HTTPConnection,
    ) -> None:
        self.status = status
        self.headers = headers
        self.chunked = False
        self._came = 0
        self._left = length
        self._file: Any = file
        self._connection = connection

    def __enter__(self) -> "Reply":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._left:  # what was not read would be taken for the head of the next answer
            self._connection.close()

    def read1(self, size: int, *, decode_content: bool) -> bytes:  # noqa: ARG002 - as urllib3's
        """Give some bytes of the body as they came; none at its end."""
        piece: bytes = self._file.read1(min(size, self._left))
        if not piece and self._left:
            raise IncompleteRead(self._came, self._left)
        self._came += len(piece)
        self._left -= len(piece)
        return piece


def exchange(
    connection: HTTPConnection, method: str, head: bytes, body: bytes | None
) -> Reply | urllib3.BaseHTTPResponse:
    """Send a request over an open connection and read the head of its answer.

    Raises `OSError`, its `TimeoutError` too, and `http.client.HTTPException`.
    """
    sock: Any = connection.sock
    file = sock.makefile("rb")
    try:
        # A server may answer and close before it has read everything.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            # As http.client tells the interpreter of each of its own.
            sys.audit("http.client.send", connection, head)
            sock.sendall(head + body if body else head)
        return _plain(file, connection) or _other(file, connection, method)
    except BaseException:
        file.close()
        connection.close()
        raise


def _plain(file: Any, connection: HTTPConnection) -> Reply | None:
    """Read a plain head that has come whole; None, with nothing taken, for any other."""
    found = _HEAD.match(file.peek())
    if found is None:
        return None
    lines = found[2].decode("ascii").split("\r\n")
    lines.pop()
    headers = {
        name.lower(): value.strip() for name, _, value in [line.partition(":") for line in lines]
    }
    status, length = int(found[1]), headers.get("content-length", "")
    if (
        status in _WITHOUT_BODY
        or not (length.isdecimal() and len(length) <= MOST_DIGITS)
        or len(headers) != len(lines)  # a name came twice
        or len(lines) > _MOST_HEADERS
        or "transfer-encoding" in headers
        or headers.get("connection", "keep-alive").lower() != "keep-alive"
        or headers.get("content-encoding") not in _READ_HERE
    ):
        return None
    file.read(found.end())
    return Reply(status, headers, int(length), file, connection)


class _Other(urllib3.HTTPResponse):
    """An answer whose connection goes to no pool once it is read, and stays open."""

    def release_conn(self) -> None:
        """Let go of the connection."""
        self._connection = None


class _Opened:
    """All of a socket that `http.client` asks for: its file, of which nothing is taken yet."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def makefile(self, _mode: str) -> IO[bytes]:
        return self._file


def _other(file: IO[bytes], connection: HTTPConnection, method: str) -> urllib3.BaseHTTPResponse:
    """Read an answer as `http.client` and `urllib3` do."""
    opened: Any = _Opened(file)
    raw: Any = http.client.HTTPResponse(opened, method=method)
    try:
        raw.begin()
        if raw.will_close:
            connection.close()  # the file goes on until its own end
        return _Other(
            body=raw,
            headers=urllib3.HTTPHeaderDict(
                [(name, _FOLDED.sub(" ", value)) for name, value in raw.msg.items()]
            ),
            status=raw.status,
            version=raw.version,
            reason=raw.reason,
            preload_content=False,
            decode_content=False,
            original_response=raw,
            connection=connection,
            request_method=method,
        )
    except BaseException:
        raw.close()  # it would flush its file when it is collected: that is closed by then
        raise

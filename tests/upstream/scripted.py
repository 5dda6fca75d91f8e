"""A loopback server that answers with the very bytes of a test: what no honest server sends."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Seen:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def reply(body=b"", *, status=200, headers=(), length=True, kind="application/json"):
    """Return the bytes of an answer; `body` may be bytes or something to write as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Some", f"Content-Type: {kind}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    else:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def error(status, message="no", *, headers=()):
    return reply({"message": message}, status=status, headers=headers)


ACCESS = {"access_token": "a.e30.s"}


@dataclass
class Scripted:
    """Answer each request by `answer(seen)`: bytes, or a generator of bytes, or None to hang up."""

    answer: Callable[[Seen], object]
    seen: list[Seen] = field(default_factory=list)

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        return self

    def __exit__(self, *exc):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)

    @property
    def connections(self):
        return len(self._open)

    def paths(self):
        return [f"{one.method} {one.target}" for one in self.seen]

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as stream:
                while seen := _read(stream):
                    self.seen.append(seen)
                    if seen.target.endswith("/auth/refresh") and self.answer_refresh:
                        connection.sendall(reply(ACCESS))
                        continue
                    answer = self.answer(seen)
                    if answer is None:
                        return
                    for piece in [answer] if isinstance(answer, bytes) else answer:
                        connection.sendall(piece)
                    if not isinstance(answer, bytes) or b"Connection: close" in answer:
                        return
        except OSError:
            return

    answer_refresh = True


def _read(stream):
    first = stream.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Seen(first[0], first[1], headers, body)

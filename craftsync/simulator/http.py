"""HTTP/1.1 over asyncio, as little as a platform needs and as fast as Python allows.

Keep-alive, one answer at a time in order, bodies with Content-Length. Waiting never blocks: it is a
timer of the loop.
"""

import asyncio
import gzip
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from craftsync.simulator.delivery import Delivery, Manner
from craftsync.simulator.messages import Request, Response

PHRASES = {status.value: status.phrase for status in HTTPStatus}
_DRIP_S = 0.05  # between two drops
_SMALL = 65_536  # bodies up to here go out in one piece with their head
_WORTH_ZIPPING = 1024


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(
        self,
        answer: Callable[[Request], Delivery],
        opened: Callable[["Connection"], bool],
        closed: Callable[["Connection"], None],
        *,
        latency_s: float,
        zipped: bool,
    ) -> None:
        self._answer = answer
        self._opened = opened
        self._closed = closed
        self._latency_s = latency_s
        self._zipped = zipped
        self._buffer = b""
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or not."""
        self.transport = cast(asyncio.Transport, transport)
        if not self._opened(self):
            self.reset()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio gives it
        """Forget the client."""
        self.transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._closed(self)

    def reset(self) -> None:
        """End the connection the hard way: the client sees a reset, not an end."""
        if self.transport is not None:
            client: socket.socket = self.transport.get_extra_info("socket")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        self._buffer = self._buffer + data if self._buffer else data
        self._work()

    def _work(self) -> None:
        while not self._busy and self._buffer and self.transport is not None:
            request, self._buffer, complete = parse(self._buffer)
            if not complete:
                return
            if request is None:
                self.reset()
                return
            self._busy = True
            delivery = self._answer(request)
            wait_s = self._latency_s + delivery.response.hold_s
            if self._zipped and "gzip" in request.headers.get("accept-encoding", ""):
                delivery.response = zipped(delivery.response)
            close = request.headers.get("connection", "").lower() == "close"
            delivery.close = delivery.close or close
            wait_s += delivery.wait_s
            if wait_s:
                self._later(wait_s, self._deliver, delivery)
            else:
                self._send(delivery)

    def _later(self, wait_s: float, what: Callable[..., None], *given: object) -> None:
        self._timer = asyncio.get_running_loop().call_later(wait_s, what, *given)

    def _deliver(self, delivery: Delivery) -> None:
        self._send(delivery)
        self._work()

    def _send(self, delivery: Delivery) -> None:
        transport = self.transport
        if transport is None:
            return
        body = delivery.response.body
        match delivery.manner:
            case Manner.RESET:
                self.reset()
            case Manner.HELD:
                pass
            case Manner.CUT:
                transport.write(_head(delivery) + body[: len(body) // 2])
                transport.close()
            case Manner.DRIPPED:
                transport.write(_head(delivery))
                drops = max(int(delivery.drip_s / _DRIP_S), 1)
                self._drip(delivery, body, max(len(body) // drops, 1))
            case Manner.WHOLE:
                if len(body) <= _SMALL:
                    transport.write(_head(delivery) + body)
                else:
                    transport.write(_head(delivery))
                    transport.write(body)
                self._finish(delivery)

    def _drip(self, delivery: Delivery, rest: bytes, size: int) -> None:
        if self.transport is None:
            return
        self.transport.write(rest[:size])
        if len(rest) > size:
            self._later(_DRIP_S, self._drip, delivery, rest[size:], size)
        else:
            self._finish(delivery)
            self._work()

    def _finish(self, delivery: Delivery) -> None:
        self._busy = False
        if self.transport is not None and (delivery.close or not delivery.with_length):
            self.transport.close()


def parse(received: bytes) -> tuple[Request | None, bytes, bool]:
    """Read one request from the front: it, the rest, and whether it had all come.

    A request that cannot be read is None.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None, received, False
    first, *lines = received[:end].decode("latin-1").split("\r\n")
    try:
        method, target, _ = first.split(" ")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
    except ValueError:
        return None, b"", True
    start = end + 4
    if len(received) < start + length:
        return None, received, False
    path, _, query = target.partition("?")
    if not path.startswith("/"):  # a proxy's form: http://host/path
        path = "/" + path.partition("://")[2].partition("/")[2]
    body = received[start : start + length]
    return Request(method, path, query, headers, body), received[start + length :], True


def _head(delivery: Delivery) -> bytes:
    response = delivery.response
    status = response.status
    head = f"HTTP/1.1 {status} {PHRASES.get(status, 'Unknown')}\r\n"
    if delivery.date is not None and "Date" not in response.headers:
        head += f"Date: {delivery.date}\r\n"
    for name, value in response.headers.items():
        head += f"{name}: {value}\r\n"
    if delivery.with_length and status != HTTPStatus.NO_CONTENT:
        head += f"Content-Length: {len(response.body)}\r\n"
    if delivery.close or not delivery.with_length:
        head += "Connection: close\r\n"
    return (head + "\r\n").encode("latin-1")


def zipped(response: Response) -> Response:
    """Compress a body that is worth it."""
    if len(response.body) < _WORTH_ZIPPING or "Content-Encoding" in response.headers:
        return response
    headers = response.headers | {"Content-Encoding": "gzip"}
    return Response(response.status, headers, gzip.compress(response.body, 1, mtime=0))

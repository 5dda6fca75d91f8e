"""The platform on loopback: a thread with an event loop of its own."""

import asyncio
from email.utils import formatdate
from functools import lru_cache
from threading import Event, Thread
from types import TracebackType
from typing import Self

from craftsync.simulator.api import Platform
from craftsync.simulator.delivery import Delivery, Mishaps, Smooth
from craftsync.simulator.http import Connection
from craftsync.simulator.messages import Request
from craftsync.simulator.world import World

HOST = "127.0.0.1"


class PortError(OSError):
    """The system lets nobody listen there: the port is taken, or not for this user."""


class Server:
    """Serve a world until the end of the `with` block. `port=0` takes a free one.

    Each answer waits `latency_ms`. `faults` may be changed while it runs.
    """

    def __init__(
        self,
        world: World,
        *,
        latency_ms: float = 0,
        port: int = 0,
        faults: Mishaps | None = None,
        gzip: bool = False,
    ) -> None:
        self.world = world
        self.platform = Platform(world)
        self.faults: Mishaps = faults or Smooth()
        self._latency_s = latency_ms / 1000
        self._gzip = gzip
        self._asked_port = port
        self._connections: set[Connection] = set()
        self._opened = 0
        self._ready = Event()
        self._failure: PortError | None = None
        self._bug: Exception | None = None
        self._end = asyncio.Event()
        self._thread = Thread(target=self._run, name="simulator", daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        """Give the base URL, the same for control and environment."""
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; raises `PortError` where the port is taken."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Close every connection and wait for the thread to end; raise a bug that came up there."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()
        if self._bug is not None:
            raise self._bug

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        try:
            listening = await self._loop.create_server(
                self._connection, HOST, self._asked_port, backlog=512
            )
        except OSError as error:
            self._failure = PortError(error.errno, str(error.strerror))
            return
        self.port = listening.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        listening.close()
        while self._connections:  # from Python 3.12 on `wait_closed` would wait for clients to go
            for connection in list(self._connections):
                if connection.transport is not None:
                    connection.transport.abort()
            await asyncio.sleep(0)

    def _connection(self) -> Connection:
        return Connection(
            self._answer,
            self._let_in,
            self._connections.discard,
            latency_s=self._latency_s,
            zipped=self._gzip,
        )

    def _let_in(self, connection: Connection) -> bool:
        self._connections.add(connection)
        self._opened += 1
        return not self.faults.refuses(self._opened)

    def _answer(self, request: Request) -> Delivery:
        try:
            delivery = self.faults.deliver(request, self.platform)
        except Exception as bug:
            self._bug = self._bug or bug
            raise
        delivery.date = _http_date(self.platform.desk.now_ms // 1000)
        self.world.requests.add(
            request,
            delivery.response.status,
            self.platform.desk.now_ms,
            delivery.fault,
        )
        return delivery


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)

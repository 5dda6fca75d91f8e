"""A hard end for each request: its socket is shut when its time is over.

A timeout of the socket counts from byte to byte, so a status line or a header that drips never
ends by it. One thread watches all requests of a transport.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.poolmanager import PoolManager

_EVERY_S = 0.2


class _Slot:
    """What one thread's request goes over, and when its time is over (`time.monotonic`)."""

    __slots__ = ("ends_at", "expired", "socket")

    def __init__(self) -> None:
        self.ends_at = float("inf")
        self.expired = False
        self.socket: Any = None


class Watch:
    """Look at all requests under way, some times a second, and shut those whose time is over."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._slots: list[_Slot] = []
        self._closing = threading.Event()
        self._looking = threading.Lock()  # no request ends, and none begins, amid a look
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def until(self, ends_at: float) -> Iterator[_Slot]:
        """Watch what this thread does; the slot tells whether its time was over."""
        slot: _Slot | None = getattr(self._mine, "slot", None)
        if slot is None:
            slot = self._mine.slot = _Slot()
            with self._looking:
                self._slots.append(slot)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="deadline", daemon=True)
                    self._thread.start()
        slot.expired = False
        slot.ends_at = ends_at
        try:
            yield slot
        finally:
            with self._looking:
                slot.ends_at = float("inf")
                slot.socket = None

    def holds(self, sock: Any) -> None:
        """Note the socket that the request of this thread goes over."""
        slot: _Slot | None = getattr(self._mine, "slot", None)
        if slot is not None:
            slot.socket = sock

    def grant(self, more_s: float) -> None:
        """Give the request of this thread more time."""
        slot: _Slot | None = getattr(self._mine, "slot", None)
        if slot is not None:
            slot.ends_at += more_s

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_EVERY_S):
            now = time.monotonic()
            with self._looking:
                for slot in self._slots:
                    if slot.ends_at <= now and slot.socket is not None:
                        slot.expired = True
                        _shut(slot.socket)


def _shut(held: Any) -> None:
    """Shut a connection below its TLS, which the thread that reads from it is amid of."""
    plain = getattr(held, "socket", held)  # TLS within TLS, to a proxy, is no socket
    with contextlib.suppress(OSError):
        socket.socket.shutdown(plain, socket.SHUT_RDWR)


class WatchedAdapter(HTTPAdapter):
    """Connections that tell a `Watch` which socket each request goes over."""

    def __init__(self, watch: Watch, **pools: Any) -> None:
        self._watch = watch
        super().__init__(**pools)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make pools of watched connections."""
        super().init_poolmanager(*args, **kwargs)
        _watch_pools(self.poolmanager, self._watch)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make pools of watched connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        _watch_pools(manager, self._watch)
        return manager


def _watch_pools(manager: PoolManager, watch: Watch) -> None:
    """Let a manager make watched pools out of its own classes, be they of a SOCKS proxy."""
    manager.pool_classes_by_scheme = {
        scheme: pool if getattr(pool, "is_watched", False) else _watched(pool, watch)
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _watched(pool: type[HTTPConnectionPool], watch: Watch) -> type[HTTPConnectionPool]:
    connection: Any = pool.ConnectionCls

    class Watched(connection):  # type: ignore[misc] # known at run time
        def getresponse(self) -> Any:
            watch.holds(self.sock)
            return super().getresponse()

    return type(pool.__name__, (pool,), {"ConnectionCls": Watched, "is_watched": True})

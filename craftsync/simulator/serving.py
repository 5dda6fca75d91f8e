"""Serve a world that lives in real time until somebody interrupts."""

import signal
import time
from collections.abc import Callable

from craftsync.simulator.delivery import Mishaps
from craftsync.simulator.server import Server
from craftsync.simulator.world import World

_LOOK_EVERY_S = 0.1


def serve(
    *,
    on_ready: Callable[[str, str], None],
    port: int = 0,
    seed: int = 1,
    executions: int = 200,
    latency_ms: float = 0,
    faults: Mishaps | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is given the URL and the SDK token.

    To be called in the main thread. The clock is the real one: new executions appear, running ones
    print and end, while one watches. Raises `PortError` where the port is taken.
    """
    world = World(seed, executions, running=True, keep_requests=False)
    signals: list[int] = []  # a lock of any kind could be held when a handler runs
    former = {
        number: signal.signal(number, lambda number, _: signals.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with Server(world, latency_ms=latency_ms, port=port, faults=faults) as server:
            on_ready(server.url, world.sdk_token)
            while not signals:
                time.sleep(_LOOK_EVERY_S)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)

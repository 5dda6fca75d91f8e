"""Serve a world that lives in real time until somebody interrupts."""

import signal
from collections.abc import Callable
from threading import Event

from craftsync.simulator.delivery import Mishaps
from craftsync.simulator.server import Server
from craftsync.simulator.world import World


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
    print and end, while one watches.
    """
    world = World(seed, executions, running=True, keep_requests=False)
    interrupted = Event()
    former = {
        number: signal.signal(number, lambda *_: interrupted.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with Server(world, latency_ms=latency_ms, port=port, faults=faults) as server:
            on_ready(server.url, world.sdk_token)
            interrupted.wait()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)

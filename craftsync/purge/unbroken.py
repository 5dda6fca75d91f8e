"""A step that no signal breaks in two: one that comes meanwhile is heard at its end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def unbroken() -> Iterator[None]:
    """Put off Ctrl-C and its like to the end of this block, which ends by itself before long.

    An exception in the middle of a transaction may leave its connection in nobody's hands, and the
    store locked. Elsewhere than in the main thread no signal is heard anyway.
    """
    if current_thread() is not main_thread():
        yield
        return
    heard: list[tuple[int, FrameType | None]] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append((number, frame))

    before = {}
    try:
        for number in _ENDING:
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, hear)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for told, frame in heard[:1]:
        before[signal.Signals(told)](told, frame)

"""A sync makes many objects that die young, and none that only a search for cycles would free."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_EVERY = 50_000  # new objects; Python's own 700 cost a quarter of a sync's time


@contextmanager
def rarely() -> Iterator[None]:
    """Let the cycle collector run rarely in this block, and not over what was there before."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_EVERY, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()

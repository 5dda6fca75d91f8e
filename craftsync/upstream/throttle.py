"""How many requests may be under way: halved when the platform says 429, recovered bit by bit."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Throttle:
    """A semaphore whose size follows what the platform bears.

    `most` requests at once to begin with; each 429 halves that, down to one, but only once for the
    requests that were under way together; as many successes as the size make it one larger.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = most
        self._under_way = 0
        self._successes = 0
        self._generation = 0
        self._changed = threading.Condition()

    @property
    def size(self) -> int:
        """How many requests may be under way now."""
        return self._size

    @contextmanager
    def turn(self) -> Iterator[int]:
        """Wait for a turn; the number it gives belongs into `refused`."""
        with self._changed:
            while self._under_way >= self._size:
                self._changed.wait()
            self._under_way += 1
            generation = self._generation
        try:
            yield generation
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def refused(self, generation: int) -> None:
        """Halve: a request of this turn was answered by 429."""
        with self._changed:
            if generation == self._generation:
                self._generation += 1
                self._size = max(self._size // 2, 1)
                self._successes = 0

    def accepted(self) -> None:
        """Count a success towards one more at once."""
        if self._size == self._most:
            return
        with self._changed:
            self._successes += 1
            if self._successes >= self._size:
                self._successes = 0
                self._size = min(self._size + 1, self._most)
                self._changed.notify()

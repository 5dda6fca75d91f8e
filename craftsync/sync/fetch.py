"""Many requests at once, in bounded number, and their results one after the other.

Workers fetch and prepare; whoever iterates saves. A worker that has a result waits while too many
results wait to be saved, so memory stays bounded whatever the history's size.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from craftsync.errors import UpstreamFault

T = TypeVar("T")
R = TypeVar("R")


class _Crew(Generic[T, R]):
    """Workers that share one supply of items and one shelf of results."""

    def __init__(
        self,
        work: Callable[[T], R],
        items: Iterable[T],
        *,
        workers: int,
        waiting: int,
        discard: Callable[[R], object],
    ) -> None:
        self._work = work
        self._discard = discard
        self._items = iter(items)
        self._taking = threading.Lock()
        self._stopped = threading.Event()
        self.shelf: queue.Queue[tuple[T, R | Exception] | BaseException | None] = queue.Queue(
            waiting
        )
        self.threads = [
            threading.Thread(target=self._run, name=f"fetch-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Let the workers finish what they are at, and end; what they still bring is dropped."""
        self._stopped.set()
        for thread in self.threads:
            while thread.is_alive():
                with contextlib.suppress(queue.Empty):
                    self._drop(self.shelf.get_nowait())
                thread.join(timeout=0.005)
        with contextlib.suppress(queue.Empty):
            while True:
                self._drop(self.shelf.get_nowait())

    def _drop(self, found: tuple[T, R | Exception] | BaseException | None) -> None:
        if isinstance(found, tuple) and not isinstance(found[1], Exception):
            self._discard(found[1])

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                with self._taking:
                    item = next(self._items, self)
                if isinstance(item, _Crew):
                    break
                self.shelf.put((item, self._result(item)))
        except BaseException as end:
            self.shelf.put(end)
        else:
            self.shelf.put(None)

    def _result(self, item: T) -> R | Exception:
        try:
            return self._work(item)
        except UpstreamFault as fault:
            return fault


def in_parallel(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    waiting: int = 64,
    discard: Callable[[R], object] = bool,
) -> Iterator[tuple[T, R | Exception]]:
    """Yield each item with its result, in no order; an `UpstreamFault` is a result too.

    Any other exception stops all workers and is raised here. At most `workers + waiting` results
    exist that were not yet yielded; one that never will be is given to `discard`.
    """
    crew = _Crew(work, items, workers=workers, waiting=waiting, discard=discard)
    try:
        busy = workers
        while busy:
            found = crew.shelf.get()
            if found is None:
                busy -= 1
            elif isinstance(found, BaseException):
                raise found
            else:
                yield found
    finally:
        crew.stop()

"""Many requests at once, in bounded number, and their results one after the other.

Workers fetch and prepare; whoever iterates saves. A worker that has a result waits while too many
results wait to be saved, so memory stays bounded whatever the history's size.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeAlias, TypeVar

from craftsync.errors import UpstreamFault

T = TypeVar("T")
R = TypeVar("R")

_HANDED_AT_ONCE = 8
_KEPT_S = 0.5
"""A worker hands over so many results at once, or what it has after so long: each handing wakes
the thread that saves, and takes the interpreter's lock from all others."""

PATIENCE_S = 3.0
"""So long a loop that is left early waits for requests under way; then they are left alone."""


class _Done:
    """A worker has nothing more to do."""


class _Failed:
    """A worker met what ends everything."""

    def __init__(self, why: BaseException) -> None:
        self.why = why


Found: TypeAlias = list[tuple[T, R | Exception]] | _Done | _Failed


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
        self.shelf: queue.Queue[Found[T, R]] = queue.Queue(waiting)
        self.threads = [
            threading.Thread(target=self._run, name=f"fetch-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self.threads:
            thread.start()

    def begin_no_more(self) -> None:
        """Let the workers finish what they are at."""
        self._stopped.set()

    def leave(self) -> None:
        """Let go of the workers; what they still bring is dropped."""
        self._stopped.set()
        give_up = time.monotonic() + PATIENCE_S
        while any(thread.is_alive() for thread in self.threads) and time.monotonic() < give_up:
            with contextlib.suppress(queue.Empty):
                self.drop(self.shelf.get(timeout=0.01))
        with contextlib.suppress(queue.Empty):
            while True:
                self.drop(self.shelf.get_nowait())

    def drop(self, found: Found[T, R]) -> None:
        """Let go of results that nobody takes."""
        for _, result in found if isinstance(found, list) else ():
            if not isinstance(result, Exception):
                self._discard(result)

    def _run(self) -> None:
        kept: list[tuple[T, R | Exception]] = []
        end: Found[T, R] = _Done()
        handed_at = time.monotonic()
        try:
            while not self._stopped.is_set():
                with self._taking:
                    item = next(self._items, self)
                if isinstance(item, _Crew):
                    break
                kept.append((item, self._result(item)))
                now = time.monotonic()
                if len(kept) >= _HANDED_AT_ONCE or now - handed_at >= _KEPT_S:
                    self.shelf.put(kept)
                    kept, handed_at = [], now
        except BaseException as why:
            end = _Failed(why)
        if kept:
            self.shelf.put(kept)
        self.shelf.put(end)

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

    Any other exception begins no more work; what is under way is still yielded, then it is raised.
    At most `workers + waiting` handfuls of results exist that were not yet yielded; when the loop
    is left early, they are given to `discard`.
    """
    crew = _Crew(work, items, workers=workers, waiting=waiting, discard=discard)
    fatal: BaseException | None = None
    try:
        busy = workers
        while busy:
            found = crew.shelf.get()
            if isinstance(found, list):
                rest = iter(found)
                try:
                    yield from rest
                except BaseException:
                    crew.drop(list(rest))
                    raise
                continue
            busy -= 1
            if isinstance(found, _Failed):
                crew.begin_no_more()
                fatal = fatal or found.why
    except BaseException:
        crew.leave()
        raise
    for thread in crew.threads:
        thread.join()
    if fatal is not None:
        raise fatal

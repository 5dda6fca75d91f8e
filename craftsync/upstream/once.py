"""What many threads ask for at once is fetched once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Once(Generic[K, V]):
    """Remember what `fetch` returned for the last keys; what it raises is not remembered.

    Of many threads that ask for one key at once one fetches, and all get what came of it.
    """

    def __init__(self, fetch: Callable[[K], V], *, remembered: int) -> None:
        self._fetch = fetch
        self._remembered = remembered
        self._changing = threading.Lock()
        self._known: OrderedDict[K, Future[V]] = OrderedDict()

    def __call__(self, key: K) -> V:
        """Return what is fetched for a key; raises what fetching it raises."""
        with self._changing:
            future = self._known.get(key)
            is_mine = future is None
            if future is None:
                future = self._known[key] = Future()
                if len(self._known) > self._remembered:
                    self._known.popitem(last=False)
        if is_mine:
            try:
                future.set_result(self._fetch(key))
            except BaseException as flaw:
                with self._changing:
                    self._known.pop(key, None)
                future.set_exception(flaw)
        return future.result()

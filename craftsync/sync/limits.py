"""How much a run may do: requests, time, and whether somebody wants it to stop."""

import threading
from collections.abc import Callable
from datetime import timedelta

from craftsync.errors import Interrupted, LimitReached

LONGEST_WAIT_S = 120.0
"""Without `--max-duration` the platform may ask for this much patience at once (Retry-After)."""

_LONGEST_AT_ONCE_S = threading.TIMEOUT_MAX / 2  # a sleep ends at a time that its clock can show


class Limits:
    """Asked before each request, from many threads. `monotonic` counts seconds."""

    def __init__(
        self,
        *,
        max_requests: int | None,
        max_duration: timedelta | None,
        monotonic: Callable[[], float],
    ) -> None:
        self._max_requests = max_requests
        self._max_duration = max_duration
        self._monotonic = monotonic
        self._began = monotonic()
        self._counting = threading.Lock()
        self._requests = 0
        self._stop = threading.Event()

    def before_request(self) -> None:
        """Count a request; raises `LimitReached` for one too many, `Interrupted` after `stop`."""
        if self._stop.is_set():
            raise Interrupted("interrupted; what was saved stays, and it is safe to run again")
        if self._max_duration is not None and self._left_s() <= 0:
            raise LimitReached(
                f"Stopped after {self._max_duration.total_seconds():,.0f} s (--max-duration);"
                " the rest waits for the next run."
            )
        if self._max_requests is None:
            return
        with self._counting:
            if self._requests >= self._max_requests:
                raise LimitReached(
                    f"Stopped after {self._max_requests:,} requests (--max-requests);"
                    " the rest waits for the next run."
                )
            self._requests += 1

    def longest_wait_s(self) -> float:
        """Return how long a wait the run can take now, in seconds."""
        if self._max_duration is None:
            return LONGEST_WAIT_S
        return min(max(self._left_s(), 0.0), _LONGEST_AT_ONCE_S)

    def stop(self) -> None:
        """Let no request begin any more."""
        self._stop.set()

    def _left_s(self) -> float:
        allowed = self._max_duration or timedelta(0)
        return allowed.total_seconds() - (self._monotonic() - self._began)

"""The platform's clock: frozen and moved by hand, or following real time.

Instants are whole milliseconds since 1970 inside the simulator, and text on the wire: object dates
have three fraction digits and a `Z`, log timestamps nine.
"""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Tell the platform's time; a `running` clock also moves by itself."""

    def __init__(self, now: datetime, *, running: bool) -> None:
        self.running = running
        self._set_ms = ms_of(now)
        self._set_at_s = time.monotonic()

    def now_ms(self) -> int:
        """Give the present instant."""
        if not self.running:
            return self._set_ms
        return self._set_ms + int((time.monotonic() - self._set_at_s) * 1000)

    def advance(self, by: timedelta) -> None:
        """Move forward by `by`, which is never negative."""
        if by < timedelta():
            raise ValueError(f"The clock only moves forward, not by {by}.")
        self._set_ms += by // timedelta(milliseconds=1)


def ms_of(moment: datetime) -> int:
    """Turn an aware datetime into milliseconds since 1970."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone.")
    return (moment - EPOCH) // timedelta(milliseconds=1)


def datetime_of(ms: int) -> datetime:
    """Turn milliseconds since 1970 into an aware datetime."""
    return EPOCH + timedelta(milliseconds=ms)


@lru_cache(maxsize=65_536)
def _minute(number: int) -> str:
    return (EPOCH + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:")


def iso(ms: int) -> str:
    """Write an object date: `2026-03-01T12:00:00.000Z`."""
    minute, rest = divmod(ms, 60_000)
    return f"{_minute(minute)}{rest // 1000:02}.{rest % 1000:03}Z"


def iso_ns(ns: int) -> str:
    """Write a log timestamp, which has nanoseconds: `2026-03-01T12:00:00.000000001Z`."""
    minute, rest = divmod(ns, 60_000_000_000)
    return f"{_minute(minute)}{rest // 1_000_000_000:02}.{rest % 1_000_000_000:09}Z"

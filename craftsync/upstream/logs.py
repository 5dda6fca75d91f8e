"""A whole log, also from a platform that caps its answers without saying so.

A log is asked for without a limit. An answer that is longer than any that is known to be whole, or
whose length looks like a limit, is asked for what lies beyond its ends; if there is more, the
platform caps, and the log is read by windows of time, each cut in two until its answer is below the
cap. Lines are kept in the platform's order, as often as they are there.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

from craftsync.records import LogLine
from craftsync.upstream.loglines import Clean, log_lines

_MS = 1_000_000  # nanoseconds
_ROUND = 100  # a server's cap is a round number, or shows by coming back
_BELIEVED = 3  # so many logs of one length that had no more lines, and it is no cap


class Source(Protocol):
    """What sends a log's window; `client.Platform` does."""

    def logs(self, execution_id: str, window: Mapping[str, int] | None = None) -> Any:
        """Return an answer of the platform, decoded; None for no content."""
        ...


class Beyond(Enum):
    """What lies beyond the ends of an answer.

    PERHAPS: the instant at an end fills an answer again, and nothing lies beyond that. UNKNOWN:
    there is no way to ask.
    """

    NOTHING = auto()
    LINES = auto()
    PERHAPS = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Log:
    """A log as it could be read.

    `is_absent`: the platform has none. `is_capped`: more lines share a millisecond than an answer
    may hold, so that the rest cannot be had.
    """

    lines: tuple[LogLine, ...]
    is_absent: bool = False
    is_capped: bool = False


class LogReader:
    """Read logs from many threads, and learn from all of them whether the platform caps.

    `sound` is the length of the longest log that is known to have come whole.
    """

    def __init__(self, source: Source, *, sound: int = 0) -> None:
        self.sound = sound
        self._source = source
        self._learning = threading.Lock()
        self._cap: int | None = None
        self._most = 0
        self._of_most: list[str] = []  # executions whose log was just that long, in doubt still
        self._first = ""  # the one that had it first
        self._innocent: Counter[int] = Counter()
        self._doubtful: list[str] = []

    def read(self, execution_id: str, *, clean: Clean | None = None) -> Log:
        """Read one log; raises what `Source.logs` raises, and `BadPayload`."""
        answer = self._source.logs(execution_id)
        if answer is None:
            return Log((), is_absent=True)
        lines = log_lines(answer, clean=clean)
        if not self._looks_capped(execution_id, len(lines)):
            return Log(lines)
        ask = _Asker(self._source, execution_id, clean)
        if self._cap is None or len(lines) < self._cap:
            beyond = ask.beyond(lines)
            if beyond is Beyond.NOTHING or beyond is Beyond.UNKNOWN:
                self._found_whole(len(lines), proved=beyond is Beyond.NOTHING)
                return Log(lines)
            if beyond is Beyond.PERHAPS and self._is_left_open(execution_id, len(lines)):
                return Log(lines)
            self._found_cap(len(lines))
        return ask.by_windows(lines, cap=len(lines))

    def doubtful(self) -> list[str]:
        """Return, once, the executions read before the cap was known that may lack lines."""
        with self._learning:
            doubtful, self._doubtful = self._doubtful, []
            return doubtful

    def _looks_capped(self, execution_id: str, count: int) -> bool:
        with self._learning:
            if count == 0 or count < self._most:
                return False  # a longer answer was given: the cap, if any, is above this
            if count > self._most:
                self._most, self._of_most, self._first = count, [], execution_id
                self._cap = None  # whatever was taken for one: more than that came
                if count <= self.sound and count % _ROUND:
                    self._of_most.append(execution_id)
                    return False
                return True
            return not count % _ROUND or self._innocent[count] < _BELIEVED

    def _found_whole(self, count: int, *, proved: bool) -> None:
        with self._learning:
            self._innocent[count] += 1
            if proved:
                self.sound = max(self.sound, count)

    def _is_left_open(self, execution_id: str, count: int) -> bool:
        """Whether a log that fills one instant counts as whole: until a second is just as long."""
        with self._learning:
            if count < self._most:
                return True  # a longer answer has been given meanwhile
            if self._first != execution_id or not count % _ROUND:
                return False
            self._of_most.append(execution_id)
            return True

    def _found_cap(self, cap: int) -> None:
        with self._learning:
            self._cap = cap
            if self._most == cap:
                self._doubtful += self._of_most
                self._of_most = []


@dataclass(frozen=True, slots=True)
class _Asker:
    """Windows of one execution's log. Times are milliseconds; a window is half open."""

    source: Source
    execution_id: str
    clean: Clean | None

    def beyond(self, lines: tuple[LogLine, ...]) -> Beyond:
        """Ask what the platform knows beyond the ends of an answer."""
        times = [line.timestamp_ns for line in lines if line.timestamp_ns is not None]
        if not times:
            return Beyond.UNKNOWN
        first, last = min(times) // _MS, max(times) // _MS
        held = Counter(map(_content, lines))
        told = Beyond.NOTHING
        for window, outside in (
            ({"from": last}, {"from": last + 1}),
            ({"to": first + 1}, {"to": first}),
        ):
            beyond = self._ask(window)
            if any(_is_outside(line, window) for line in beyond):
                return Beyond.UNKNOWN  # no window is heeded: there is no way to ask for more
            if Counter(map(_content, beyond)) - held:
                return Beyond.LINES
            if len(beyond) >= max(len(lines), _ROUND):
                told = Beyond.PERHAPS
                if Counter(map(_content, self._ask(outside))) - held:
                    return Beyond.LINES
        return told

    def by_windows(self, lines: tuple[LogLine, ...], *, cap: int) -> Log:
        """Read a log whose first answer was `lines`, as many as the platform gives at once."""
        found: list[LogLine] = [line for line in lines if line.timestamp_ns is None]
        is_capped = False
        windows: list[tuple[int | None, int | None, tuple[LogLine, ...]]] = [(None, None, lines)]
        while windows:
            low, high, seen = windows.pop()
            inside = [line for line in seen if _is_in(line, low, high)]
            if len(seen) < cap:
                found += inside
            elif not inside or (low is not None and high is not None and high - low <= 1):
                # One millisecond fills an answer, or the platform heeds no window.
                found += inside
                is_capped = True
            else:
                middle = _middle(inside, low, high)
                # The later half goes first onto the stack: what is read comes in order of time.
                for start, end in ((middle, high), (low, middle)):
                    windows.append((start, end, self._window(start, end, cap)))
        return Log(_numbered(found), is_capped=is_capped)

    def _window(self, low: int | None, high: int | None, cap: int) -> tuple[LogLine, ...]:
        """Ask for a window so that it holds its ends, whether the platform counts them in or not.

        One millisecond more is asked for before it; where its lines fill the answer, without, and
        that counts if it has all that is known of the window.
        """
        until = {} if high is None else {"to": high}
        if low is None:
            return self._ask(until)
        seen = self._ask({"from": low - 1, **until})
        if len(seen) < cap:
            return seen
        without = self._ask({"from": low, **until})
        known = Counter(_content(line) for line in seen if _is_in(line, low, high))
        return seen if known - Counter(map(_content, without)) and len(without) < cap else without

    def _ask(self, window: Mapping[str, int]) -> tuple[LogLine, ...]:
        return log_lines(self.source.logs(self.execution_id, window), clean=self.clean)


def _is_in(line: LogLine, low: int | None, high: int | None) -> bool:
    at = line.timestamp_ns
    if at is None:
        return False
    return (low is None or at >= low * _MS) and (high is None or at < high * _MS)


def _is_outside(line: LogLine, window: Mapping[str, int]) -> bool:
    """Whether a line lies so far outside that it is no matter of counting the ends in or not."""
    at = line.timestamp_ns
    if at is None:
        return False
    return ("from" in window and at < (window["from"] - 1) * _MS) or (
        "to" in window and at > (window["to"] + 1) * _MS
    )


def _middle(lines: list[LogLine], low: int | None, high: int | None) -> int:
    """Return where to cut a window in two: at the median line, and never at an end of it."""
    times = sorted(line.timestamp_ns // _MS for line in lines if line.timestamp_ns is not None)
    middle = times[len(times) // 2]
    if low is not None and middle <= low:
        middle = low + 1
    if high is not None and middle >= high:
        middle = high - 1
    return middle


def _content(line: LogLine) -> tuple[object, ...]:
    return line.source, line.timestamp, line.stream, line.message, line.exact


def _numbered(lines: list[LogLine]) -> tuple[LogLine, ...]:
    """Give lines their numbers anew, inner list by inner list."""
    ordered = sorted(lines, key=lambda line: line.source)
    return tuple(line._replace(line_number=number) for number, line in enumerate(ordered, start=1))

"""Windows of one log: what lies beyond an answer, and a log that no answer holds whole.

Times are milliseconds; a window is half open. Lines are kept in the platform's order, as often as
they are there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple, Protocol

from craftsync.records import LogLine
from craftsync.upstream.loglines import Clean, log_lines

_MS = 1_000_000  # nanoseconds
ROUND = 100  # a server's cap is a round number, or shows by coming back


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


class Size(NamedTuple):
    """How much an answer holds: lines, and the characters of their messages."""

    lines: int = 0
    characters: int = 0


NOTHING = Size()


def size_of(lines: Sequence[LogLine]) -> Size:
    """Measure an answer."""
    return Size(len(lines), sum(len(line.message) for line in lines))


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks for windows of one execution's log."""

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
            if len(beyond) >= max(len(lines), ROUND):
                told = Beyond.PERHAPS
                if Counter(map(_content, self._ask(outside))) - held:
                    return Beyond.LINES
        return told

    def by_windows(self, lines: tuple[LogLine, ...]) -> Log:
        """Read a log whose first answer was `lines`, as much as the platform gives at once."""
        cap = size_of(lines)
        found: list[LogLine] = [line for line in lines if line.timestamp_ns is None]
        is_capped = False
        windows: list[tuple[int | None, int | None, tuple[LogLine, ...]]] = [(None, None, lines)]
        while windows:
            low, high, seen = windows.pop()
            inside = [line for line in seen if _is_in(line, low, high)]
            if not _fills(seen, cap):
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

    def _window(self, low: int | None, high: int | None, cap: Size) -> tuple[LogLine, ...]:
        """Ask for a window so that it holds its ends, whether the platform counts them in or not.

        One millisecond more is asked for before it; where its lines fill the answer, without, and
        that counts if it has all that is known of the window.
        """
        until = {} if high is None else {"to": high}
        if low is None:
            return self._ask(until)
        seen = self._ask({"from": low - 1, **until})
        if not _fills(seen, cap):
            return seen
        without = self._ask({"from": low, **until})
        known = Counter(_content(line) for line in seen if _is_in(line, low, high))
        lacks = known - Counter(map(_content, without))
        return seen if lacks and not _fills(without, cap) else without

    def _ask(self, window: Mapping[str, int]) -> tuple[LogLine, ...]:
        return log_lines(self.source.logs(self.execution_id, window), clean=self.clean)


def _fills(lines: tuple[LogLine, ...], cap: Size) -> bool:
    """Whether an answer may have been cut: at so many lines, or at about so many characters.

    Nobody says what the platform counts. Where it counts characters, answers end a line short of
    the cap; one that is larger than the first shows that it does not.
    """
    size = size_of(lines)
    return size.lines >= cap.lines or abs(size.characters - cap.characters) * 8 <= cap.characters


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

"""A whole log, also from a platform that caps its answers without saying so.

A log is asked for without a limit. An answer that is longer or larger than any that is known to be
whole, or whose length looks like a limit, is asked for what lies beyond its ends; if there is more,
the platform caps, and the log is read by windows of time, each cut in two until its answer is below
the cap. Lines are kept in the platform's order, as often as they are there.
"""

import threading
from collections import Counter

from craftsync.upstream.loglines import Clean, log_lines
from craftsync.upstream.windows import NOTHING, ROUND, Asker, Beyond, Log, Size, Source, size_of

__all__ = ["NOTHING", "Log", "LogReader", "Size", "Source"]

_BELIEVED = 3  # so many logs of one length that had no more lines, and it is no cap


class LogReader:
    """Read logs from many threads, and learn from all of them whether the platform caps.

    `sound` is how long the longest log is that is known to have come whole, and how large the
    largest.
    """

    def __init__(self, source: Source, *, sound: Size = NOTHING) -> None:
        self.sound = sound
        self._source = source
        self._learning = threading.Lock()
        self._cap: int | None = None
        self._most = 0
        self._largest = sound.characters
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
        size = size_of(lines)
        if not self._looks_capped(execution_id, size):
            return Log(lines)
        ask = Asker(self._source, execution_id, clean)
        if self._cap is None or len(lines) < self._cap:
            beyond = ask.beyond(lines)
            if beyond is Beyond.NOTHING or beyond is Beyond.UNKNOWN:
                self._found_whole(size, proved=beyond is Beyond.NOTHING)
                return Log(lines)
            if beyond is Beyond.PERHAPS and self._is_left_open(execution_id, len(lines)):
                return Log(lines)
            self._found_cap(len(lines))
        return ask.by_windows(lines)

    def doubtful(self) -> list[str]:
        """Return, once, the executions read before the cap was known that may lack lines."""
        with self._learning:
            doubtful, self._doubtful = self._doubtful, []
            return doubtful

    def _looks_capped(self, execution_id: str, size: Size) -> bool:
        count = size.lines
        with self._learning:
            is_largest = size.characters > self._largest
            if count == 0:
                return False
            if count < self._most:
                return is_largest  # a longer answer was given: the cap on lines is above this
            if count > self._most:
                self._most, self._of_most, self._first = count, [], execution_id
                self._cap = None  # whatever was taken for one: more than that came
                if count <= self.sound.lines and count % ROUND:
                    self._of_most.append(execution_id)
                    return is_largest
                return True
            return is_largest or not count % ROUND or self._innocent[count] < _BELIEVED

    def _found_whole(self, size: Size, *, proved: bool) -> None:
        with self._learning:
            self._innocent[size.lines] += 1
            self._largest = max(self._largest, size.characters)
            if proved:
                self.sound = Size(*map(max, self.sound, size))

    def _is_left_open(self, execution_id: str, count: int) -> bool:
        """Whether a log that fills one instant counts as whole: until a second is just as long."""
        with self._learning:
            if count < self._most:
                return True  # a longer answer has been given meanwhile
            if self._first != execution_id or not count % ROUND:
                return False
            self._of_most.append(execution_id)
            return True

    def _found_cap(self, cap: int) -> None:
        with self._learning:
            if self._most == cap:  # else it is the characters that are counted
                self._cap = cap
                self._doubtful += self._of_most
                self._of_most = []

"""What goes of all pipelines together: the oldest ends, and of the rest how much stays and why.

Pipelines are judged one after the other. Only what may still go is remembered of them, so that a
plan over a long history takes no more memory than its largest pipeline.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from craftsync.purge.policy import Facts, Reason, Verdict, by_end


@dataclass(slots=True)
class Stay:
    """How many executions stay for one reason, and the first and the last of their ends."""

    count: int = 0
    oldest_end: datetime | None = None
    newest_end: datetime | None = None

    def add(self, end: datetime | None) -> None:
        """Count one more; `end` is None for one that has none."""
        self.count += 1
        if end is not None:
            self.oldest_end = min(self.oldest_end or end, end)
            self.newest_end = max(self.newest_end or end, end)


class Selection:
    """At most `most` executions that go, and the rest by its reasons."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._going: list[Verdict] = []
        self.stays: dict[Reason, Stay] = {}

    @property
    def chosen(self) -> list[Facts]:
        """Those that go, the ones that ended first in front."""
        return [one.execution for one in self._going]

    def add(self, verdicts: Iterable[Verdict]) -> None:
        """Add what was said of one more pipeline."""
        for one in verdicts:
            if one.reason is Reason.OLD_ENOUGH:
                self._going.append(one)
            else:
                self._keep(one, one.reason)
        self._going.sort(key=by_end)
        for one in self._going[self._most :]:
            self._keep(one, Reason.OVER_LIMIT)
        del self._going[self._most :]

    def _keep(self, verdict: Verdict, reason: Reason) -> None:
        self.stays.setdefault(reason, Stay()).add(verdict.execution.end_date)

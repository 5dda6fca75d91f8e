"""A range of time, as `--since` and `--until` ask for it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open range of time: `since` is in it, `until` is not; None is no limit."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether `moment` lies in the window."""
        after = self.since is None or self.since <= moment
        return after and (self.until is None or moment < self.until)

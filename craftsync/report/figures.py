"""Runs counted and timed, and one period held against the one before it.

Rates are between 0 and 1, and None where nothing ended. Of fewer runs than `FEW` a rate or a
quantile says little: it is marked, and no change of it is judged.
"""

from dataclasses import dataclass
from enum import StrEnum, auto

FEW = 20
_SLOWER, _FASTER = 1.3, 1 / 1.3


class Trend(StrEnum):
    """What became of a figure since the period before."""

    WORSE = auto()
    BETTER = auto()
    SAME = auto()
    UNKNOWN = auto()
    """There is nothing to compare with, or too little."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Runs of a period: counted, and timed in seconds.

    `unended` are of a status that is no end; whether one that is gone ever ended is not known.
    """

    runs: int = 0
    succeeded: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0
    unended: int = 0
    ci_low: float | None = None
    ci_high: float | None = None
    timed: int = 0
    run_p50_s: float | None = None
    run_p95_s: float | None = None
    waited: int = 0
    queue_p50_s: float | None = None
    queue_p95_s: float | None = None

    @property
    def ended(self) -> int:
        """Return of how many runs the rates are."""
        return self.succeeded + self.failed + self.error

    @property
    def bad(self) -> int:
        """Return how many failed, for whatever reason."""
        return self.failed + self.error

    @property
    def failure_rate(self) -> float | None:
        """Return the share that failed, platform errors among them."""
        return self.bad / self.ended if self.ended else None

    @property
    def error_rate(self) -> float | None:
        """Return the share of platform errors."""
        return self.error / self.ended if self.ended else None

    @property
    def is_few(self) -> bool:
        """Whether its rates are of few runs."""
        return self.ended < FEW


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How the runs of one bucket of time ended."""

    succeeded: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0

    @property
    def bad(self) -> int:
        """Return how many failed, for whatever reason."""
        return self.failed + self.error

    @property
    def ended(self) -> int:
        """Return of how many runs the rate is."""
        return self.succeeded + self.failed + self.error

    @property
    def failure_rate(self) -> float | None:
        """Return the share that failed."""
        return self.bad / self.ended if self.ended else None


@dataclass(frozen=True, slots=True)
class Compared:
    """A period beside the one before it."""

    now: Figures
    before: Figures

    @property
    def failure_rate_delta(self) -> float | None:
        """Return by how much the failure rate rose; None where one of both is unknown."""
        now, before = self.now.failure_rate, self.before.failure_rate
        return None if now is None or before is None else now - before

    @property
    def runs_change(self) -> float | None:
        """Return new/old - 1 of the number of runs."""
        return change(self.before.runs, self.now.runs)

    @property
    def run_p50_change(self) -> float | None:
        """Return new/old - 1 of the median run time."""
        return change(self.before.run_p50_s, self.now.run_p50_s)

    @property
    def run_p95_change(self) -> float | None:
        """Return new/old - 1 of the 95th percentile of run times."""
        return change(self.before.run_p95_s, self.now.run_p95_s)

    @property
    def queue_p95_change(self) -> float | None:
        """Return new/old - 1 of the 95th percentile of waiting times."""
        return change(self.before.queue_p95_s, self.now.queue_p95_s)

    @property
    def failing(self) -> Trend:
        """Judge the failure rate: another one only where the 95 % intervals lie apart."""
        now, before = self.now, self.before
        if now.is_few or before.is_few or None in (now.ci_low, before.ci_low):
            return Trend.UNKNOWN
        if (now.ci_low or 0) > (before.ci_high or 0):
            return Trend.WORSE
        return Trend.BETTER if (now.ci_high or 0) < (before.ci_low or 0) else Trend.SAME

    @property
    def running(self) -> Trend:
        """Judge the 95th percentile of run times."""
        few = min(self.now.timed, self.before.timed) < FEW
        return _judged(self.run_p95_change, few=few)

    @property
    def waiting(self) -> Trend:
        """Judge the 95th percentile of waiting times."""
        few = min(self.now.waited, self.before.waited) < FEW
        return _judged(self.queue_p95_change, few=few)


def change(old: float | None, new: float | None) -> float | None:
    """Return new/old - 1; None where one of both is unknown, or the old one not above 0."""
    return new / old - 1 if old is not None and new is not None and old > 0 else None


def _judged(changed: float | None, *, few: bool) -> Trend:
    if few or changed is None:
        return Trend.UNKNOWN
    if changed + 1 >= _SLOWER:
        return Trend.WORSE
    return Trend.BETTER if changed + 1 <= _FASTER else Trend.SAME

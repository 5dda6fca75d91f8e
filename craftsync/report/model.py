"""What a report says: one frozen value, of which every form of it is made.

Instants are aware and in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from craftsync.report.figures import Compared, Outcomes
from craftsync.report.findings import Cause, Changed, Drift, Mirror, Missed, Regression, Stuck


@dataclass(frozen=True, slots=True)
class Group:
    """A deployment, or the direct runs of a pipeline; `trend` has an entry a bucket."""

    environment: str
    pipeline_name: str
    deployment_name: str | None
    compared: Compared
    trend: tuple[Outcomes, ...] = ()


@dataclass(frozen=True, slots=True)
class Length:
    """How long the successful runs of one bucket took."""

    n: int
    p50_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the runs of a pipeline took over time; None for a bucket without one."""

    environment: str
    pipeline_name: str
    over_time: tuple[Length | None, ...]

    @property
    def n(self) -> int:
        """Return how many runs were measured."""
        return sum(one.n for one in self.over_time if one)


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the history reaches, whatever the period."""

    held: int
    oldest_at: datetime | None
    newest_at: datetime | None
    first_at: datetime | None
    last_at: datetime | None
    """The first and the last run within the period."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report says, over the executions created from `since` to before `until`.

    `before_since` begins the period it is compared with, `by` is the width of `buckets`, `as_of`
    when the answers were brought up to the store, and `stale` why that is not now. `failures` are
    those of the `causes` that most runs failed of.
    """

    since: datetime
    until: datetime
    before_since: datetime
    as_of: datetime
    stale: str | None
    environment: str | None
    pipeline_name: str | None
    extent: Extent
    total: Compared
    by: str = "day"
    buckets: tuple[datetime, ...] = ()
    groups: tuple[Group, ...] = ()
    lengths: tuple[Lengths, ...] = ()
    failures: tuple[Cause, ...] = ()
    causes: int = 0
    new_causes: int = 0
    regressions: tuple[Regression, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    missed: tuple[Missed, ...] = ()
    drift: tuple[Drift, ...] = ()
    changes: tuple[Changed, ...] = ()
    mirror: tuple[Mirror, ...] = ()

    @property
    def length(self) -> timedelta:
        """Return how long the period is."""
        return self.until - self.since

    @property
    def is_empty(self) -> bool:
        """Whether nothing ran in the period."""
        return self.total.now.runs == 0

    @property
    def environments(self) -> int:
        """Return of how many environments it tells."""
        told = {one.environment for one in self.groups} | {one.environment for one in self.mirror}
        return len(told)

    @property
    def by_bucket(self) -> tuple[Outcomes, ...]:
        """Return how all runs of each bucket ended."""
        return tuple(
            Outcomes(
                succeeded=sum(one.trend[at].succeeded for one in self.groups),
                failed=sum(one.trend[at].failed for one in self.groups),
                error=sum(one.trend[at].error for one in self.groups),
                skipped=sum(one.trend[at].skipped for one in self.groups),
            )
            for at in range(len(self.buckets))
        )

    @property
    def reaches_back(self) -> bool:
        """Whether there is a history before the period, so that it can be told what is new."""
        oldest = self.extent.oldest_at
        return oldest is not None and oldest < self.since

    @property
    def compares_with_less(self) -> bool:
        """Whether the history begins within the period that this one is compared with."""
        oldest = self.extent.oldest_at
        return oldest is not None and self.before_since < oldest and self.total.before.runs > 0

    @property
    def figures(self) -> Mapping[str, float | int | None]:
        """Return the headline figures by the names that a condition may use."""
        now, total = self.total.now, self.total
        parts = sum(one.parts for one in self.mirror)
        ages = [one.age_s for one in self.mirror]
        known = [age for age in ages if age is not None]
        return {
            "runs": now.runs,
            "succeeded": now.succeeded,
            "failed": now.failed,
            "error": now.error,
            "skipped": now.skipped,
            "unended": now.unended,
            "ended": now.ended,
            "failure_rate": now.failure_rate,
            "ci_low": now.ci_low,
            "ci_high": now.ci_high,
            "error_rate": now.error_rate,
            "run_p50_s": now.run_p50_s,
            "run_p95_s": now.run_p95_s,
            "queue_p50_s": now.queue_p50_s,
            "queue_p95_s": now.queue_p95_s,
            "runs_change": total.runs_change,
            "failure_rate_delta": total.failure_rate_delta,
            "run_p95_change": total.run_p95_change,
            "queue_p95_change": total.queue_p95_change,
            "stuck": len(self.stuck),
            "missed": sum(one.missed for one in self.missed),
            "new_errors": self.new_causes if self.reaches_back else None,
            "regressions": len(self.regressions),
            "drifted": sum(one.level == "moved" for one in self.drift),
            "config_changes": len(self.changes),
            "age_s": max(known) if known and len(known) == len(ages) else None,
            "parts_held": sum(one.parts_ok for one in self.mirror) / parts if parts else None,
        }


FIGURES = (
    "failure_rate", "runs", "succeeded", "failed", "error", "skipped", "unended", "ended",
    "ci_low", "ci_high", "error_rate", "run_p50_s", "run_p95_s", "queue_p50_s", "queue_p95_s",
    "runs_change", "failure_rate_delta", "run_p95_change", "queue_p95_change", "stuck", "missed",
    "new_errors", "regressions", "drifted", "config_changes", "age_s", "parts_held",
)  # fmt: skip
"""The names of the headline figures."""

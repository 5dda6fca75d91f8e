"""What the questions found, a class a question: fields are named as its columns."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Cause:
    """What failed runs said last: a row of `top_errors`."""

    signature: str
    sample_message: str | None
    n: int
    pipelines: int
    first_at: datetime
    last_at: datetime
    is_new: bool
    example_execution_id: str


@dataclass(frozen=True, slots=True)
class Regression:
    """A commit that fails more, or is slower: a row of `regressions`."""

    environment: str
    pipeline_name: str
    last_good_commit_id: str
    first_bad_commit_id: str
    repository_branch: str | None
    first_bad_at: datetime
    n_before: int
    n_after: int
    failure_rate_before: float | None
    failure_rate_after: float | None
    p50_before_s: float | None
    p50_after_s: float | None
    kind: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """A run that takes far longer than normal: a row of `stuck_runs`."""

    environment: str
    execution_id: str
    created_at: datetime
    pipeline_name: str
    deployment_name: str | None
    status: str | None
    age_s: float
    normal_p95_s: float | None
    last_log_at: datetime | None


@dataclass(frozen=True, slots=True)
class Missed:
    """Runs of a schedule that did not come, or came late: rows of `missed_schedules` together."""

    environment: str
    deployment_name: str
    pipeline_name: str | None
    schedule: str
    missed: int
    first_expected_at: datetime
    last_expected_at: datetime
    next_seen_at: datetime | None
    """When one ran after the last that was missed; None: none did."""


@dataclass(frozen=True, slots=True)
class Drift:
    """An output against its past: a row of `output_drift`."""

    environment: str
    pipeline_name: str
    name: str
    n_base: int
    n_current: int
    mean_base: float | None
    mean_current: float | None
    p50_base: float | None
    p50_current: float | None
    null_rate_base: float | None
    null_rate_current: float | None
    psi: float | None
    level: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A setting of a deployment that changed: a row of `config_changes`; values are JSON."""

    environment: str
    deployment_name: str
    valid_from: datetime
    field: str
    old_value: str | None
    new_value: str | None
    updated_by: str | None
    n_before: int
    failure_rate_before: float | None
    n_after: int
    failure_rate_after: float | None


@dataclass(frozen=True, slots=True)
class Mirror:
    """How fresh and how whole the mirror of an environment is: a row of `sync_health`."""

    environment: str
    last_complete_at: datetime | None
    age_s: float | None
    last_outcome: str | None
    executions: int
    gone: int
    unsettled: int
    parts_ok: int
    parts_pending: int
    parts_error: int
    parts_denied: int
    parts_too_big: int
    parts_capped: int
    failures: int
    in_doubt: int

    @property
    def parts(self) -> int:
        """Return how many parts there are to hold."""
        lacking = self.parts_pending + self.parts_error + self.parts_denied
        return self.parts_ok + lacking + self.parts_too_big + self.parts_capped

    @property
    def held(self) -> float | None:
        """Return the share of parts that are held."""
        return self.parts_ok / self.parts if self.parts else None

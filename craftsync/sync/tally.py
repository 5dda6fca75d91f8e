"""The figures of one run while it goes on, and what it could not do."""

from datetime import datetime
from typing import NamedTuple

from craftsync.errors import Partial, Refused, worst
from craftsync.records import ObjectKind, PartKind, PartState, Whole
from craftsync.store import engine as engines
from craftsync.store.failures import FailureKey
from craftsync.sync.events import Failure, Outcome, Withheld
from craftsync.sync.job import Job


class Failed(NamedTuple):
    """A failure with what is written down beside it."""

    failure: Failure
    raw: str | None
    pipeline_name: str | None


class Tally:
    """Count what a run does; name what waits for the next one.

    Used by one thread alone, the one that saves.
    """

    def __init__(
        self, job: Job, *, run_id: int, environment_key: int, started_at: datetime
    ) -> None:
        self.job = job
        self.run_id = run_id
        self.environment_key = environment_key
        self.started_at = started_at
        self._began = job.monotonic()
        self.failures: dict[FailureKey, Failed] = {}
        self.withheld: list[Withheld] = []
        self.scopes: list[tuple[ObjectKind, str, int]] = []
        self.deployments = 0
        self.deployments_changed = 0
        self.pipelines = 0
        self.listed = 0
        self.new = 0
        self.fetched = 0
        self.running = 0
        self.gone = 0
        self.parts = 0
        self.too_big = 0

    def fail(
        self,
        kind: ObjectKind,
        object_id: str,
        part: str,
        why: str,
        *,
        raw: str | None = None,
        pipeline: str | None = None,
    ) -> None:
        """Name something that waits for the next run; `raw` is an answer kept nowhere else."""
        failure = Failure(kind, object_id, part, why)
        self.failures[FailureKey(kind, object_id, part)] = Failed(failure, raw, pipeline)
        self.job.listener(failure)

    def withhold(self, withheld: Withheld) -> None:
        """Note absences that are not believed."""
        self.withheld.append(withheld)
        self.job.listener(withheld)

    def complete(self, kind: ObjectKind, name: str, listed: int) -> None:
        """Note that a scope was listed completely."""
        self.scopes.append((kind, name, listed))

    def saw(self, whole: Whole, *, is_new: bool) -> None:
        """Count one fetched execution, and name its parts that are not held."""
        execution = whole.execution
        self.fetched += 1
        self.new += is_new
        self.running += not execution.is_over
        self.parts += 1 + (whole.lines is not None) + len(whole.files)
        for part in whole.parts:
            if part.state is PartState.TOO_BIG:
                self.too_big += 1
            elif part.state in {PartState.ERROR, PartState.DENIED, PartState.CAPPED}:
                name = f"{part.kind} {part.name}" if part.name else str(part.kind)
                why = part.error or part.state
                self.fail(
                    ObjectKind.EXECUTION,
                    execution.key.execution_id,
                    name,
                    why,
                    pipeline=execution.pipeline_name,
                )

    @property
    def parts_failed(self) -> int:
        """How many parts of executions could not be fetched."""
        return sum(key.object_kind is ObjectKind.EXECUTION for key in self.failures)

    @property
    def word(self) -> str:
        """How the run ended, in the word of `sync_runs.outcome`."""
        if self.withheld:
            return "withheld"
        return "partial" if self.failures else "complete"

    def outcome(self, *, word: str = "", error: str = "") -> Outcome:
        """Return the run's figures; `word` and `error` tell of a run that ended early."""
        codes = [Partial.exit_code] * bool(self.failures) + [Refused.exit_code] * bool(
            self.withheld
        )
        return Outcome(
            environment=self.job.environment,
            url=self.job.url,
            store=engines.place(self.job.engine.url),
            run_id=self.run_id,
            outcome=word or self.word,
            started_at=self.started_at,
            deployments=self.deployments,
            deployments_changed=self.deployments_changed,
            pipelines=self.pipelines,
            listed=self.listed,
            new=self.new,
            fetched=self.fetched,
            running=self.running,
            gone=self.gone,
            withheld=tuple(self.withheld),
            failed=tuple(failed.failure for failed in self.failures.values()),
            parts=self.parts,
            too_big=self.too_big,
            requests=self.job.platform.requests,
            bytes_received=self.job.platform.bytes_received,
            seconds=self.job.monotonic() - self._began,
            exit_code=worst(codes),
            error=error or None,
        )


def logs_held(whole: Whole) -> bool:
    """Whether an execution's log is held as far as the platform gives it."""
    return whole.state_of(PartKind.LOGS) in {
        PartState.OK,
        PartState.ABSENT,
        PartState.CAPPED,
        PartState.DENIED,
        PartState.REDACTED,
    }

"""The figures of one run while it goes on, and what it could not do."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from craftsync.errors import Partial, Refused, worst
from craftsync.records import ObjectKind, Part, PartKind, PartState, Whole
from craftsync.store import engine as engines
from craftsync.store.failures import EXECUTIONS, LISTING, FailureKey, Standing
from craftsync.store.ledger import Counts
from craftsync.sync.events import Failure, Outcome, Withheld
from craftsync.sync.job import Job
from craftsync.sync.work import FetchedAlone
from craftsync.upstream import exact

_ONCE = frozenset({PartState.DENIED, PartState.CAPPED})


class Complete(NamedTuple):
    """A scope that was listed to its end."""

    kind: ObjectKind
    name: str
    listed: int
    listing_sha256: str | None


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
        self.waiting: dict[FailureKey, Failure] = {}
        self._left_out: set[FailureKey] = set()
        self.withheld: list[Withheld] = []
        self.scopes: list[Complete] = []
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
        # What could not be read may be called what no database can hold.
        object_id, part, why = map(exact.plain, (object_id, part, why))
        pipeline = pipeline and exact.plain(pipeline)
        failure = Failure(kind, object_id, part, why)
        self.failures[FailureKey(kind, object_id, part)] = Failed(failure, raw, pipeline)
        self.job.listener(failure)

    def wait(self, execution_id: str, kind: PartKind, name: str, error: str) -> None:
        """Name a part that failed before and is left alone this time."""
        self.wait_for(of_part(execution_id, kind, name), error)

    def wait_for(self, what: FailureKey, error: str) -> None:
        """Name what failed before and is left alone this time."""
        self.waiting[what] = Failure(*what, f"{error} (left alone for a while)")

    def leave_out(self, what: FailureKey) -> None:
        """Note what failed before, and is not asked for by this run, or is no news."""
        self._left_out.add(what)

    def standing(self, before: Mapping[FailureKey, Standing]) -> set[FailureKey]:
        """Return what stands as failed, of `before` also what this run could not look into."""
        heard = {scope.name for scope in self.scopes if scope.kind is ObjectKind.PIPELINE}
        unlisted = {
            kind
            for kind in (ObjectKind.DEPLOYMENTS, ObjectKind.PIPELINES)
            if FailureKey(kind, "", LISTING) in self.failures
        }

        def is_open(what: FailureKey, pipeline: str | None) -> bool:
            match what.object_kind:
                case ObjectKind.EXECUTION:
                    unheard = FailureKey(ObjectKind.PIPELINE, pipeline or "", EXECUTIONS)
                    return unheard in self.failures or (bool(unlisted) and pipeline not in heard)
                case ObjectKind.DEPLOYMENT:
                    return ObjectKind.DEPLOYMENTS in unlisted
                case ObjectKind.PIPELINE:
                    return ObjectKind.PIPELINES in unlisted and what.part != EXECUTIONS
                case _:
                    return False

        unseen = {what for what, one in before.items() if is_open(what, one.pipeline_name)}
        return {*self.failures, *self.waiting, *self._left_out, *unseen}

    def withhold(self, withheld: Withheld) -> None:
        """Note absences that are not believed."""
        self.withheld.append(withheld)
        self.job.listener(withheld)

    def complete(
        self, kind: ObjectKind, name: str, listed: int, *, listing_sha256: str | None = None
    ) -> None:
        """Note that a scope was listed completely; its hash only where all of it is held."""
        self.scopes.append(Complete(kind, name, listed, listing_sha256))

    def unchanged(self, pipeline_name: str, listed: int, listing_sha256: str) -> None:
        """Note a listing that is to the letter the last one, of which everything is held."""
        self.listed += listed
        self.complete(ObjectKind.PIPELINE, pipeline_name, listed, listing_sha256=listing_sha256)

    def note_hash(self, pipeline_name: str, listing_sha256: str) -> None:
        """Note that the scope listed last is held whole, so that its hash may stand for it."""
        last = self.scopes[-1]
        if last.name != pipeline_name:
            raise ValueError(f"{pipeline_name} is not the scope that was listed last")
        self.scopes[-1] = last._replace(listing_sha256=listing_sha256)

    def saw(self, whole: Whole, *, is_new: bool, before: Mapping[tuple[str, str], str]) -> None:
        """Count one fetched execution, and name its parts that are not held.

        `before` are the states its parts had, by kind and name: what is denied or capped is worth
        a word only the first time.
        """
        execution = whole.execution
        self.fetched += 1
        self.new += is_new
        self.running += not execution.is_over
        self.parts += 1 + (whole.lines is not None) + len(whole.files)
        for part in whole.parts:
            self.saw_part(part, execution.key.execution_id, execution.pipeline_name, before)

    def saw_part(
        self,
        part: Part,
        execution_id: str,
        pipeline_name: str,
        before: Mapping[tuple[str, str], str],
    ) -> None:
        """Count a part that is not simply held, and name it where the next run has to try."""
        if part.state is PartState.TOO_BIG:
            self.too_big += 1
        known = before.get((part.kind, part.name)) == part.state
        if part.state is PartState.ERROR or (part.state in _ONCE and not known):
            what = of_part(execution_id, part.kind, part.name)
            self.fail(*what, part.error or part.state, pipeline=pipeline_name)

    def saw_alone(self, got: FetchedAlone, before: Mapping[tuple[str, str], str]) -> None:
        """Count a part that was fetched by itself."""
        part = got.fetched.part
        self.parts += part.state in {PartState.OK, PartState.ABSENT, PartState.REDACTED}
        self.saw_part(part, got.wanted.key.execution_id, got.wanted.pipeline_name, before)

    def counts(self) -> Counts:
        """Return the figures as the run's record holds them."""
        return Counts(
            listed=self.listed,
            fetched=self.fetched,
            unchanged=max(self.listed - self.fetched, 0),
            gone=self.gone,
            withheld=sum(one.missing for one in self.withheld),
            failed=len(self.failures) + len(self.waiting),
            requests=self.job.platform.requests,
            bytes_received=self.job.platform.bytes_received,
        )

    @property
    def word(self) -> str:
        """How the run ended, in the word of `sync_runs.outcome`."""
        if self.withheld:
            return "withheld"
        return "partial" if self.failures or self.waiting else "complete"

    def outcome(self, *, word: str = "", error: str = "") -> Outcome:
        """Return the run's figures; `word` and `error` tell of a run that ended early."""
        codes = [Partial.exit_code] * bool(self.failures or self.waiting) + [
            Refused.exit_code
        ] * bool(self.withheld)
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
            failed=(
                *(failed.failure for failed in self.failures.values()),
                *self.waiting.values(),
            ),
            parts=self.parts,
            too_big=self.too_big,
            requests=self.job.platform.requests,
            bytes_received=self.job.platform.bytes_received,
            seconds=self.job.monotonic() - self._began,
            exit_code=worst(codes),
            error=exact.plain(error) or None,
        )


def of_part(execution_id: str, kind: PartKind, name: str) -> FailureKey:
    """Return under which name a part fails."""
    return FailureKey(ObjectKind.EXECUTION, execution_id, f"{kind} {name}" if name else str(kind))


def logs_held(whole: Whole) -> bool:
    """Whether an execution's log is held as far as the platform gives it."""
    return whole.state_of(PartKind.LOGS) in {
        PartState.OK,
        PartState.ABSENT,
        PartState.CAPPED,
        PartState.DENIED,
        PartState.REDACTED,
    }

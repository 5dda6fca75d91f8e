"""Executions: what is listed is compared with what is held, a pipeline after the other.

What is missing is then fetched in parallel, and saved whole, many executions a transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from craftsync.errors import BadPayload, Missing, UpstreamFault
from craftsync.records import GoneCause, Key, ListedExecution, ObjectKind, Payload, Whole
from craftsync.store import mirror
from craftsync.store.environments import Rev
from craftsync.store.mirror import HeldExecution, Prepared
from craftsync.sync import absences
from craftsync.sync.estate import Known
from craftsync.sync.events import Listed, Saved, Withheld
from craftsync.sync.fetch import in_parallel
from craftsync.sync.job import Job
from craftsync.sync.plan import (
    CONFIRMED_A_RUN,
    ended_lately,
    is_settled,
    plan,
    shows_change,
)
from craftsync.sync.tally import Tally, logs_held
from craftsync.upstream import exact, payloads, whole

A_BATCH = 500
"""So many executions are saved in one transaction."""

_LISTINGS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """An execution to be fetched; `is_new` if the store has never held it."""

    key: Key
    pipeline_name: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Fetched:
    """An execution that is ready to be saved."""

    wanted: Wanted
    whole: Whole
    prepared: Prepared
    fetched_at: datetime


def mirror_all(job: Job, tally: Tally, known: Known) -> None:
    """Mirror the executions of all pipelines in scope."""
    wanted: list[Wanted] = []
    asked = _Asked(job)
    for name, listing in _listings(job, known.pipelines):
        if not isinstance(listing, Exception):
            wanted += _Scope(job, tally, known, asked, name).decide(listing)
        # A pipeline that nobody lists any more has no listing: that is no failure.
        elif not (isinstance(listing, Missing) and name in known.unlisted):
            tally.fail(ObjectKind.PIPELINE, name, "executions", str(listing), pipeline=name)
    for name in known.vanished:
        wanted += _Scope(job, tally, known, asked, name).decide([])
    _fetch_and_save(job, tally, wanted)


def _listings(
    job: Job, names: Sequence[str]
) -> Iterator[tuple[str, Sequence[Payload] | Exception]]:
    return in_parallel(
        job.platform.executions,
        names,
        workers=min(_LISTINGS_AT_ONCE, max(len(names), 1)),
        waiting=1,
    )


class _Asked:
    """How many absences a run has asked for one by one."""

    def __init__(self, job: Job) -> None:
        self.ask = job.platform.execution
        self.left = CONFIRMED_A_RUN

    def confirmed(self, keys: frozenset[Key]) -> tuple[set[Key], set[Key]]:
        gone, there = absences.confirmed(keys, self.ask, most=self.left)
        self.left -= len(gone) + len(there)
        return set(gone), set(there)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The executions of one pipeline."""

    job: Job
    tally: Tally
    known: Known
    asked: _Asked
    pipeline_name: str

    def decide(self, entries: Sequence[Payload]) -> list[Wanted]:
        """Compare a complete listing with the store: mark what is gone, return what to fetch."""
        listed, unreadable = self._read(entries)
        with self.job.engine.connect() as conn:
            held = {
                row.key: row
                for row in mirror.held_executions(
                    conn, self.tally.environment_key, self.pipeline_name
                )
            }
        there = {
            key: row
            for key, row in held.items()
            if not row.gone and key.execution_id not in unreadable
        }
        vanished = {key: there[key].deployment_name for key in there.keys() - listed.keys()}
        decision = plan(
            listed=listed.keys(),
            held=there.keys(),
            unsettled={key for key, row in there.items() if self._may_change(row, listed.get(key))},
            explained=(
                explained := absences.explained(
                    vanished, deployments=self.known.deployments, ask=self.asked.ask
                )
            ),
            accept_vanished=self.job.options.accept_vanished,
        )
        if decision.withheld:
            self.tally.withhold(
                Withheld(
                    "executions",
                    self.pipeline_name,
                    len(listed),
                    len(there),
                    len(decision.withheld),
                )
            )
        gone, still_there = self.asked.confirmed(decision.gone - explained)
        self._mark_gone(there, explained, GoneCause.DEPLOYMENT_DELETED)
        self._mark_gone(there, gone, GoneCause.DELETED_UPSTREAM)
        self.tally.listed += len(listed)
        self.tally.complete(ObjectKind.PIPELINE, self.pipeline_name, len(listed))
        # What a listing left out although it is there may still be going on.
        left_out = {key for key in still_there if not there[key].settled}
        wanted = sorted(decision.fetch | left_out, key=lambda key: (key.created_at, key))
        self.job.listener(Listed(self.pipeline_name, len(listed), len(wanted)))
        return [Wanted(key, self.pipeline_name, key not in held) for key in wanted]

    def _read(self, entries: Sequence[Payload]) -> tuple[dict[Key, ListedExecution], set[str]]:
        """Read a listing's entries; name those without a readable key, and leave them alone."""
        listed: dict[Key, ListedExecution] = {}
        unreadable: set[str] = set()
        for entry in entries:
            try:
                execution = payloads.listed_execution(entry, scope_pipeline=self.pipeline_name)
            except UpstreamFault as flaw:
                object_id = payloads.shown_id(entry)
                unreadable.add(object_id)
                self.tally.fail(
                    ObjectKind.EXECUTION,
                    object_id,
                    "detail",
                    str(flaw),
                    raw=self.job.redactor.execution(entry).body,
                    pipeline=self.pipeline_name,
                )
                continue
            stated = execution.pipeline_name
            if stated != self.pipeline_name and stated in self.known.pipelines:
                continue  # listed under two pipelines: it belongs to the one it names
            listed[execution.key] = execution
        return listed, unreadable

    def _may_change(self, row: HeldExecution, listed: ListedExecution | None) -> bool:
        options = self.job.options
        if not row.settled or options.full or listed is None:
            return True
        return shows_change(
            listed=(listed.status, listed.end_date), held=(row.status, row.end_date)
        ) or ended_lately(row.end_date, now=self.tally.started_at, lookback=options.lookback)

    def _mark_gone(
        self, held: Mapping[Key, HeldExecution], keys: frozenset[Key] | set[Key], cause: GoneCause
    ) -> None:
        if not keys:
            return
        with self.job.engine.begin() as conn:
            mirror.mark_gone(
                conn,
                {held[key].execution_key for key in keys},
                gone_at=self.tally.started_at,
                cause=cause,
                rev=Rev(conn, self.tally.environment_key),
            )
        self.tally.gone += len(keys)


def _fetch_and_save(job: Job, tally: Tally, wanted: Sequence[Wanted]) -> None:
    """Fetch executions in parallel, and save them in batches as they come."""
    dialect = job.engine.dialect.name

    def fetch(one: Wanted) -> Fetched:
        found = whole.fetch(
            job.platform,
            job.redactor,
            one.key.execution_id,
            scope_pipeline=one.pipeline_name,
            wants=job.options.wants,
        )
        now = job.now()
        settled = _settled(job, found, unchanged_since=now, now=now)
        prepared = mirror.prepare(found, dialect=dialect, fetched_at=now, settled=settled)
        return Fetched(one, found, prepared, now)

    batch: list[Fetched] = []
    for one, result in in_parallel(
        fetch,
        wanted,
        workers=min(job.options.workers, max(len(wanted), 1)),
        waiting=A_BATCH,
        discard=lambda fetched: fetched.whole.close(),
    ):
        if isinstance(result, Fetched):
            batch.append(result)
            if len(batch) >= A_BATCH:
                _save(job, tally, batch)
                batch = []
        elif not isinstance(result, Missing):  # deleted meanwhile: the next listing tells
            tally.fail(
                ObjectKind.EXECUTION,
                one.key.execution_id,
                "detail",
                str(result),
                raw=_body_of(result),
                pipeline=one.pipeline_name,
            )
    _save(job, tally, batch)


def _save(job: Job, tally: Tally, batch: Sequence[Fetched]) -> None:
    """Save a batch in one transaction; what is as it was at its last fetch writes nothing."""
    if not batch:
        return
    with job.engine.begin() as conn:
        known = mirror.held_content(
            conn, tally.environment_key, [one.prepared.key for one in batch]
        )
        mirror.save_executions(
            conn,
            tally.environment_key,
            [_settled_by_now(job, one, known.get(one.prepared.key)) for one in batch],
            seen_at=tally.started_at,
            rev=Rev(conn, tally.environment_key),
        )
    for one in batch:
        tally.saw(one.whole, is_new=one.wanted.is_new)
    job.listener(Saved(len(batch), tally.fetched))


def _settled_by_now(job: Job, one: Fetched, known: tuple[str, datetime] | None) -> Prepared:
    """Look again at one that only two equal fetches can settle."""
    if one.prepared.settled or known is None or known[0] != one.prepared.fetch_sha256:
        return one.prepared
    settled = _settled(job, one.whole, unchanged_since=known[1], now=one.fetched_at)
    return replace(one.prepared, settled=settled)


def _settled(job: Job, found: Whole, *, unchanged_since: datetime, now: datetime) -> bool:
    return is_settled(
        status=found.execution.status,
        end_date=found.execution.end_date,
        held=logs_held(found),
        unchanged_since=unchanged_since,
        now=now,
        settle=job.options.settle,
    )


def _body_of(flaw: Exception) -> str | None:
    """Return the answer that could not be read: it is kept with its failure, redacted as it is."""
    return exact.dumps(flaw.payload, ascii=True) if isinstance(flaw, BadPayload) else None

"""Evidence for a proof: the local copy read again, then the platform asked again.

Files are hashed from the bytes that are stored. Upstream the detail, the log and the metrics are
fetched; the bytes of a file only where the store says that there are none.
"""

import time
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import Executor
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

from craftsync.errors import Missing, UpstreamFault
from craftsync.purge import look
from craftsync.purge.job import Job
from craftsync.purge.plan import Item
from craftsync.purge.policy import Facts, Reason, hindrance, is_over
from craftsync.purge.proof import Held, Proof, Shown, Unread, prove, prove_deployment
from craftsync.records import (
    Incarnation,
    Key,
    ListedExecution,
    PartKind,
    PartState,
    Whole,
    shows_change,
)
from craftsync.store import compare, dump, erasable, files
from craftsync.store.chosen import Candidate, candidates
from craftsync.store.upsert import batches
from craftsync.store.versions import current_settings, unlike_keys
from craftsync.times import epoch_ms
from craftsync.upstream import exact, metrics

AGED_S = 5.0
"""What took longer to fetch is asked for once more: it may have changed since."""

# Of a deployment: what is compared by itself, and what changes without anybody setting it.
_NO_SETTINGS = frozenset(
    {"name", "created_at", "update_status", "execution_count", "executions_count"}
)
_FILES_REMEMBERED = 1024  # many executions have the same few files


class Copy(NamedTuple):
    """What the store holds of an execution, as it was read again."""

    facts: Facts
    content_sha256: str
    candidate: Candidate


class Examiner:
    """Examine executions from many threads.

    `kept` says of executions why their neighbours, or their age, keep them now; `named` are the
    statuses that the plan takes for an end.
    """

    def __init__(
        self, job: Job, *, kept: Mapping[Key, Reason], named: frozenset[str] = frozenset()
    ) -> None:
        self._job = job
        self._kept = kept
        self._named = named
        self._is_whole = lru_cache(_FILES_REMEMBERED)(self._read_again)
        self._asking = Lock()
        self._records: dict[str, bool] = {}

    def read(self, items: Sequence[Item]) -> list[Copy | None]:
        """Read again what the store holds of executions, many at once; None for none."""
        where = self._job.environment.key
        with self._job.reader.connect() as conn:
            found = erasable.named_executions(conn, where, {item.key for item in items})
            keys = [one.execution_key for one in found.values()]
            hashes = dump.content_hashes(conn, keys)
            beside = {
                one.execution_key: one for some in batches(keys) for one in candidates(conn, some)
            }
        copies = {
            one.key: Copy(Facts(*one), hashes[one.execution_key], beside[one.execution_key])
            for one in found.values()
        }
        return [copies.get(item.key) for item in items]

    def execution(self, item: Item, copy: Copy | None) -> Proof:
        """Prove one execution, of which `copy` was read a moment ago.

        Raises `Missing` when upstream does not have it; what else goes wrong is a flaw.
        """
        if copy is None:
            return prove(item, None, self._is_there(item))
        return prove(item, self._held(copy), self._shown(item, copy))

    def deployment(self, item: Item, pool: Executor) -> Proof:
        """Prove a deployment with all its executions; what is there is listed at the very end.

        Raises `Missing` when upstream does not have the deployment.
        """
        copies = self.read(item.executions)
        proofs = list(pool.map(self._one_of_many, item.executions, copies))
        name, platform = item.key.execution_id, self._job.platform
        is_same = look.is_the_same(platform, Incarnation(*item.key))
        listed = None
        if item.pipeline_name is not None:
            listed = look.listed_with(platform, name, item.pipeline_name, held=self._held_of)
        shown = None if listed is None else {one.key: one for one in listed}
        is_kept = self._job.protection.covers(item.pipeline_name, name)
        return prove_deployment(
            item,
            proofs,
            is_same=is_same,
            listed=None if shown is None else shown.keys(),
            going_on={one.key for one in listed or () if not is_over(one.status, self._named)},
            changed={
                copy.facts.key
                for copy in copies
                if copy and shown and _is_listed_otherwise(copy.facts, shown.get(copy.facts.key))
            },
            differs=self._settings_that_differ(name) if is_same else (),
            kept=Reason.PROTECTED if is_kept else None,
        )

    def _settings_that_differ(self, name: str) -> Sequence[str]:
        """Name what of a deployment is set otherwise upstream than it was mirrored."""
        upstream = self._job.fetcher.settings_of(name)
        with self._job.reader.connect() as conn:
            held = erasable.live_deployment(conn, self._job.environment.key, name)
            mirrored = current_settings(conn, held.deployment_key) if held else None
        return [key for key in unlike_keys(mirrored, upstream) if key not in _NO_SETTINGS]

    def _held_of(self, keys: Set[Key]) -> Mapping[Key, erasable.LiveExecution]:
        with self._job.reader.connect() as conn:
            return erasable.named_executions(conn, self._job.environment.key, keys)

    def _one_of_many(self, item: Item, copy: Copy | None) -> Proof:
        try:
            return self.execution(item, copy)
        except Missing:
            return prove(item, Held(item.content_sha256), Unread("upstream has it no more"))

    def _held(self, copy: Copy) -> Held:
        one = copy.facts
        kept = hindrance(
            one, protection=self._job.protection, named=self._named, allow=self._job.allow
        )
        with self._job.reader.connect() as conn:
            damaged = compare.damages(conn, one.execution_key, self._is_whole)
            return Held(
                copy.content_sha256,
                kept or self._kept.get(one.key),
                tuple(part for part, _ in damaged),
            )

    def _is_there(self, item: Item) -> Unread:
        """Ask for what is not held: that it is missing upstream too is worth knowing."""
        try:
            self._job.platform.execution(item.key.execution_id)
        except Missing:
            raise
        except UpstreamFault as fault:
            return Unread(_read_fault(fault))
        return Unread("upstream has it")

    def _shown(self, item: Item, copy: Copy) -> Shown | Unread:
        candidate = copy.candidate
        # A file that never came may have come since.
        with_files = PartState.ABSENT in copy.facts.states
        began = time.monotonic()
        fetcher = self._job.fetcher_of_files if with_files else self._job.fetcher
        try:
            whole = fetcher.again(
                item.key.execution_id,
                scope_pipeline=candidate.pipeline_name,
                with_metrics=candidate.metrics or self._may_record(candidate),
                lines_held=candidate.lines,
            )
        except Missing:
            raise
        except UpstreamFault as fault:
            return Unread(_read_fault(fault))
        try:
            shown = self._compared(item, candidate, whole)
            aged = time.monotonic() - began > AGED_S
            if not aged or fetcher.is_still(whole):
                return shown
        except Missing:
            raise
        except UpstreamFault as fault:
            return Unread(_read_fault(fault))
        else:
            return replace(shown, differs=(*shown.differs, "detail: it changed meanwhile"))
        finally:
            whole.close()

    def _compared(self, item: Item, candidate: Candidate, whole: Whole) -> Shown:
        there = whole.execution
        if epoch_ms(there.key.created_at) != epoch_ms(item.key.created_at):
            return Shown(there.raw.sha256, is_same=False)
        with self._job.reader.connect() as conn:
            differs = [
                f"{part}: {drift}"
                for part, drift in compare.differences(conn, candidate.execution_key, whole)
            ]
        if not candidate.metrics and self._may_record(candidate):
            if whole.state_of(PartKind.METRICS) not in (PartState.OK, PartState.ABSENT):
                differs.append("metrics: could not be read upstream")
            elif whole.metrics:
                differs.append(f"metrics: {len(whole.metrics):,} upstream, none here")
        return Shown(
            there.raw.sha256,
            is_over=is_over(there.status, self._named),
            differs=tuple(differs),
        )

    def _may_record(self, candidate: Candidate) -> bool:
        """Whether a pipeline records metrics, asked once a run: a sync asks but once a day."""
        name = candidate.pipeline_name
        with self._asking:
            if name not in self._records:
                self._records[name] = metrics.are_recorded_by(self._job.platform, name)
            return self._records[name]

    def _read_again(self, sha256: str) -> bool:
        with self._job.reader.connect() as conn:
            return files.verify(conn, sha256)


def _is_listed_otherwise(held: Facts, listed: ListedExecution | None) -> bool:
    """Whether a listing shows that an execution changed since it was held."""
    return listed is not None and shows_change(
        listed=(listed.status, listed.end_date), held=(held.status, held.end_date)
    )


def _read_fault(fault: UpstreamFault) -> str:
    return f"could not be read upstream: {exact.plain(str(fault))}"

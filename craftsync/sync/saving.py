"""Fetch in many threads, save in one: batches of whole executions, and parts that were alone.

What ends the run early does not lose what is on its way: it is saved first.
"""

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import replace
from datetime import datetime
from itertools import chain
from operator import attrgetter

from craftsync.errors import BadAnswer, Missing, UpstreamFault
from craftsync.records import Key, ListedExecution, ObjectKind, PartKind, Whole
from craftsync.store import ledger, mirror
from craftsync.store.anew import make_way
from craftsync.store.environments import Rev
from craftsync.store.mirror import Prepared
from craftsync.store.open_parts import OpenPart, part_states, save_part
from craftsync.sync.events import Saved
from craftsync.sync.fetch import in_parallel
from craftsync.sync.incarnations import LISTED_YET_404
from craftsync.sync.job import Job
from craftsync.sync.plan import is_settled
from craftsync.sync.tally import Tally, logs_held
from craftsync.sync.work import Fetched, FetchedAlone, Wanted, as_listed, size_of
from craftsync.upstream.fields import body_of

A_BATCH = 500
"""So many executions are saved in one transaction."""

A_BATCH_BYTES = 32 << 20
"""A batch is saved when its raw answers, lines and files come to so much, too."""

Item = Wanted | OpenPart
Result = Fetched | FetchedAlone


class Saver:
    """Fetches what is wanted and saves it; `recording` are the pipelines that record metrics.

    With `anew`, what is as it was at its last fetch is written all the same: what is held of it
    may be damaged.
    """

    def __init__(
        self, job: Job, tally: Tally, recording: frozenset[str], *, anew: bool = False
    ) -> None:
        self._anew = anew
        self._job = job
        self._tally = tally
        self._recording = recording
        self._dialect = job.engine.dialect.name
        self._batch: list[Result] = []
        self._bytes = 0
        self._missing: list[Item] = []

    def run(self, items: Sequence[Collection[Item]]) -> None:
        """Fetch and save all of `items`; those whose log proved incomplete, once more."""
        self._fetch(items)
        if doubtful := frozenset(self._job.fetcher.doubtful()):
            asked = chain.from_iterable(items)
            self._fetch([[one for one in asked if _brought_log_of(one, doubtful)]])
        self._look_again()

    def _fetch(self, items: Sequence[Collection[Item]]) -> None:
        count = sum(map(len, items))
        if not count:
            return
        try:
            for item, result in in_parallel(
                self._one,
                chain.from_iterable(items),
                workers=min(self._job.options.workers, count),
                waiting=self._job.options.workers,
                discard=lambda result: result.close(),
            ):
                self._take(item, result)
        finally:
            self._save()

    def _one(self, item: Item) -> Result:
        """Fetch one thing; runs in many threads."""
        job = self._job
        if isinstance(item, OpenPart):
            fetched = job.fetcher.part(item.key, item.kind, item.name)
            return FetchedAlone(item, fetched, job.now())
        found = job.fetcher.whole(
            item.key.execution_id,
            scope_pipeline=item.pipeline_name,
            with_metrics=item.pipeline_name in self._recording,
        )
        found = as_listed(found, item.key)
        now = job.now()
        settled = self._settled(found, unchanged_since=now, now=now)
        prepared = mirror.prepare(found, dialect=self._dialect, fetched_at=now, settled=settled)
        lines = None if found.lines is None else ()
        return Fetched(item, replace(found, lines=lines), prepared, now, size_of(found))

    def _take(self, item: Item, result: Result | Exception) -> None:
        if not isinstance(result, Exception):
            self._batch.append(result)
            self._bytes += result.size_bytes
            if len(self._batch) >= A_BATCH or self._bytes >= A_BATCH_BYTES:
                self._save()
        elif isinstance(result, Missing):
            self._missing.append(item)
        else:
            self._name(item, result)

    def _name(self, item: Item, flaw: Exception) -> None:
        self._tally.fail(
            ObjectKind.EXECUTION,
            item.key.execution_id,
            "detail",
            str(flaw),
            raw=body_of(flaw),
            pipeline=item.pipeline_name,
        )

    def _look_again(self) -> None:
        """List once more where something answered 404: what is listed still was not deleted."""
        missing, self._missing = self._missing, []
        for name in sorted({item.pipeline_name for item in missing}):
            mine = [item for item in missing if item.pipeline_name == name]
            try:
                entries = self._job.platform.executions(name).entries or ()
            except Missing:
                continue
            except UpstreamFault as fault:
                for item in mine:
                    self._name(item, fault)
                continue
            listed = {entry.key for entry in entries if isinstance(entry, ListedExecution)}
            for item in mine:
                if item.key in listed:
                    self._name(item, BadAnswer(LISTED_YET_404))

    def _save(self) -> None:
        """Save a batch; what is as it was at its last fetch writes nothing.

        Whole executions are one transaction, parts that came alone another.
        """
        batch, self._batch, self._bytes = self._batch, [], 0
        if not batch:
            return
        wholes = [one for one in batch if isinstance(one, Fetched)]
        alone = [one for one in batch if isinstance(one, FetchedAlone)]
        try:
            # In a transaction files are put in one order, so that no two runs wait for each other.
            if wholes:
                self._write(wholes, ())
            if alone:
                self._write((), sorted(alone, key=attrgetter("file_sha256")))
        finally:
            for one in batch:
                one.close()
        self._job.listener(Saved(len(batch), self._tally.fetched))

    def _write(self, wholes: Sequence[Fetched], alone: Sequence[FetchedAlone]) -> None:
        tally = self._tally
        with self._job.engine.begin() as conn:
            rev = Rev(conn, tally.environment_key)
            known = mirror.held_content(
                conn, tally.environment_key, [one.prepared.key for one in wholes]
            )
            if self._anew:
                held = [content.execution_key for content in known.values()]
                make_way(conn, held, [file.sha256 for one in wholes for file in one.whole.files])
            before = part_states(
                conn,
                [
                    *(
                        known[key].execution_key
                        for one in wholes
                        if (key := one.prepared.key) in known
                    ),
                    *(one.wanted.execution_key for one in alone),
                ],
            )
            mirror.save_executions(
                conn,
                tally.environment_key,
                [self._settled_by_now(one, known.get(one.prepared.key)) for one in wholes],
                seen_at=tally.started_at,
                rev=rev,
            )
            for part in alone:
                save_part(
                    conn,
                    part.wanted.execution_key,
                    part.fetched,
                    fetched_at=part.fetched_at,
                    settles=True,
                    rev=rev,
                )
            self._count(wholes, alone, known, before)
            ledger.note_counts(conn, tally.environment_key, tally.run_id, tally.counts())

    def _count(
        self,
        wholes: Iterable[Fetched],
        alone: Iterable[FetchedAlone],
        known: dict[Key, mirror.HeldContent],
        before: dict[tuple[int, str, str], str],
    ) -> None:
        states: dict[int, dict[tuple[str, str], str]] = {}
        for (key, kind, name), state in before.items():
            states.setdefault(key, {})[kind, name] = state
        for one in wholes:
            held = known.get(one.prepared.key)
            mine = states.get(held.execution_key, {}) if held else {}
            self._tally.saw(one.whole, is_new=held is None, before=mine)
        for part in alone:
            self._tally.saw_alone(part, states.get(part.wanted.execution_key, {}))

    def _settled_by_now(self, one: Fetched, known: mirror.HeldContent | None) -> Prepared:
        """Look again at one that only two equal fetches can settle."""
        prepared = one.prepared
        if prepared.settled or known is None or known.fetch_sha256 != prepared.fetch_sha256:
            return prepared
        settled = self._settled(one.whole, unchanged_since=known.fetched_at, now=one.fetched_at)
        return replace(prepared, settled=settled)

    def _settled(self, found: Whole, *, unchanged_since: datetime, now: datetime) -> bool:
        return is_settled(
            status=found.execution.status,
            end_date=found.execution.end_date,
            held=logs_held(found),
            unchanged_since=unchanged_since,
            now=now,
            settle=self._job.options.settle,
        )


def _brought_log_of(item: Item, execution_ids: Set[str]) -> bool:
    """Whether the log of one of these executions came with this item."""
    with_log = isinstance(item, Wanted) or item.kind is PartKind.LOGS
    return with_log and item.key.execution_id in execution_ids

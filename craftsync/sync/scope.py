"""The executions of one pipeline: a complete listing compared with what is held of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from craftsync.errors import BadPayload
from craftsync.records import TERMINAL, GoneCause, Key, ListedExecution, ObjectKind, PartState
from craftsync.store import audit, mirror, tombstones
from craftsync.store.environments import Rev
from craftsync.store.failures import FailureKey, Standing
from craftsync.store.mirror import HeldExecution
from craftsync.store.open_parts import OpenPart
from craftsync.store.parts import is_due
from craftsync.sync import absences
from craftsync.sync.estate import Known
from craftsync.sync.events import Listed, Withheld
from craftsync.sync.job import Job
from craftsync.sync.plan import Why, plan, why_again
from craftsync.sync.tally import Tally
from craftsync.sync.work import Packed
from craftsync.upstream import payloads

Entry = ListedExecution | BadPayload
MOST_STRAYS = 1000


@dataclass(frozen=True, slots=True)
class Decision:
    """What one scope needs. `is_quiet`: nothing is to be fetched, and nothing is missing."""

    wanted: Packed
    parts: list[OpenPart]
    is_quiet: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """One pipeline, with what the run knows when it comes to its executions.

    `strays` takes up, for all scopes, what is not held and is listed by one pipeline and names
    another: both, up to a number that is worth naming.
    """

    job: Job
    tally: Tally
    known: Known
    asked: absences.Asked
    standing: Mapping[FailureKey, Standing]
    pipeline_name: str
    open_parts: Sequence[OpenPart] = field(default=())
    strays: dict[Key, tuple[str, str]] = field(default_factory=dict)

    def decide(self, entries: Sequence[Entry]) -> Decision:
        """Compare a complete listing with the store: mark what is gone, return what to fetch."""
        listed, unreadable, elsewhere = self._read(entries)
        with self.job.engine.connect() as conn:
            key = self.tally.environment_key
            there = {
                row.key: row
                for row in mirror.held_executions(conn, key, self.pipeline_name)
                if row.key.execution_id not in unreadable
            }
            vanished = there.keys() - listed.keys()
            begun = audit.begun(conn, key) if vanished else frozenset()
            came_back = mirror.gone_among(conn, key, listed.keys() - there.keys())
            strayed = elsewhere.keys() - mirror.held_content(conn, key, elsewhere).keys()
        for one in sorted(strayed)[: MOST_STRAYS - len(self.strays)]:
            self.strays[one] = (self.pipeline_name, elsewhere[one])
        alone = self._parts_alone(there, listed)
        again = {
            key: why
            for key, row in there.items()
            if key not in alone and (why := self._why_again(row, listed.get(key)))
        }
        explained = absences.explained(
            {key: there[key].deployment_name for key in vanished},
            deployments=self.known.deployments,
            ask=self.asked.ask,
        )
        decision = plan(
            listed=listed.keys(),
            held=there.keys(),
            unsettled=again.keys(),
            explained=explained,
            begun=begun,
            accept_vanished=self.job.options.accept_vanished,
        )
        left_out = self._believe(there, listed, decision.gone, explained, decision.withheld)
        reasons = {
            key: again.get(key) or (Why.CAME_BACK if key in came_back else Why.NEW)
            for key in decision.fetch
        }
        reasons.update((key, Why.LEFT_OUT) for key in left_out)
        wanted = Packed(
            self.pipeline_name,
            ((key, reasons[key]) for key in _newest_first(reasons) if not self._rests(key)),
        )
        self.tally.listed += len(listed)
        self.tally.complete(ObjectKind.PIPELINE, self.pipeline_name, len(listed))
        self.job.listener(
            Listed(self.job.environment, self.pipeline_name, len(listed), len(wanted))
        )
        return Decision(
            wanted,
            self._due(alone),
            is_quiet=not (reasons or unreadable or vanished or strayed or self._waits(alone)),
        )

    def _read(
        self, entries: Sequence[Entry]
    ) -> tuple[dict[Key, ListedExecution], set[str], dict[Key, str]]:
        """Sort a listing's entries; name those without a readable key, and leave them alone.

        The last are those of other pipelines, by the one that they name.
        """
        listed: dict[Key, ListedExecution] = {}
        elsewhere: dict[Key, str] = {}
        unreadable: set[str] = set()
        for entry in entries:
            if isinstance(entry, BadPayload):
                object_id = payloads.shown_id(entry.payload)
                unreadable.add(object_id)
                self.tally.fail(
                    ObjectKind.EXECUTION,
                    object_id,
                    "detail",
                    str(entry),
                    raw=self.job.redactor.execution(entry.payload).body,
                    pipeline=self.pipeline_name,
                )
                continue
            stated = entry.pipeline_name
            if stated != self.pipeline_name and stated in self.known.names:
                elsewhere[entry.key] = stated
                continue  # listed under two pipelines: it belongs to the one it names
            listed[entry.key] = entry
        return listed, unreadable, elsewhere

    def _why_again(self, row: HeldExecution, listed: ListedExecution | None) -> Why | None:
        if listed is None:
            return None
        return why_again(
            settled=row.settled,
            listed=(listed.status, listed.end_date),
            held=(row.status, row.end_date),
            now=self.tally.started_at,
            lookback=self.job.options.lookback,
            full=self.job.options.full,
        )

    def _believe(
        self,
        there: Mapping[Key, HeldExecution],
        listed: Mapping[Key, ListedExecution],
        gone: Set[Key],
        explained: Set[Key],
        withheld: Set[Key],
    ) -> set[Key]:
        """Mark what is gone, say what is withheld; return what is there although not listed."""
        if withheld:
            self.tally.withhold(
                Withheld("executions", self.pipeline_name, len(listed), len(there), len(withheld))
            )
        confirmed, still_there = self.asked.confirmed(gone - explained)
        self._mark_gone(there, explained & gone, GoneCause.DEPLOYMENT_DELETED)
        self._mark_gone(there, confirmed, GoneCause.DELETED_UPSTREAM)
        return {key for key in still_there if not there[key].settled}

    def _mark_gone(
        self, held: Mapping[Key, HeldExecution], keys: Set[Key], cause: GoneCause
    ) -> None:
        if not keys:
            return
        with self.job.engine.begin() as conn:
            tombstones.mark_gone(
                conn,
                {held[key].execution_key for key in keys},
                gone_at=self.tally.started_at,
                cause=cause,
                rev=Rev(conn, self.tally.environment_key),
            )
        self.tally.gone += len(keys)

    def _parts_alone(
        self, there: Mapping[Key, HeldExecution], listed: Mapping[Key, ListedExecution]
    ) -> dict[Key, list[OpenPart]]:
        """Return the open parts of executions of which everything else is final."""
        alone: dict[Key, list[OpenPart]] = {}
        for part in self.open_parts:
            row, entry = there.get(part.key), listed.get(part.key)
            if row is None or entry is None:
                continue
            final = row.settled or self._is_final(row, part.met_at)
            settled = row._replace(settled=final)
            if final and self._why_again(settled, entry) is None:
                alone.setdefault(part.key, []).append(part)
        return alone

    def _is_final(self, row: HeldExecution, met_at: datetime) -> bool:
        if row.end_date is None or (row.status or "").lower() not in TERMINAL:
            return False
        return met_at - row.end_date >= self.job.options.settle

    def _due(self, alone: Mapping[Key, Sequence[OpenPart]]) -> list[OpenPart]:
        """Return the parts whose time has come; name those that failed and still rest."""
        due: list[OpenPart] = []
        for part in (part for parts in alone.values() for part in parts):
            if not self.job.options.asks_for(part):
                continue
            if part.next_try_at is None or is_due(part.next_try_at, self.tally.started_at):
                due.append(part)
            elif part.state is PartState.ERROR:
                self.tally.wait(part.key.execution_id, part.kind, part.name, part.error or "")
        return due

    def _waits(self, alone: Mapping[Key, Sequence[OpenPart]]) -> bool:
        asks_for = self.job.options.asks_for
        return any(asks_for(part) for parts in alone.values() for part in parts)

    def _rests(self, key: Key) -> bool:
        """Whether an execution whose detail failed again and again is left alone this time."""
        name = FailureKey(ObjectKind.EXECUTION, key.execution_id, "detail")
        stands = self.standing.get(name)
        if stands is None or is_due(stands.due_at, self.tally.started_at):
            return False
        if self.job.options.full:
            return False
        self.tally.wait_for(name, stands.error)
        return True


def _newest_first(keys: Iterable[Key]) -> list[Key]:
    """Sort by birth, the latest first, then by id: twice, for a pair each would take memory."""
    ordered = sorted(keys, key=attrgetter("execution_id"))
    ordered.sort(key=attrgetter("created_at"), reverse=True)
    return ordered


def by_pipeline(parts: Iterator[OpenPart]) -> dict[str, list[OpenPart]]:
    """Sort open parts by the pipeline of their execution."""
    found: dict[str, list[OpenPart]] = {}
    for part in parts:
        found.setdefault(part.pipeline_name, []).append(part)
    return found

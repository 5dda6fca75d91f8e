"""What a sync would do: the same listings and the same rules, and nothing written.

Nothing is asked for one by one, so what is reported as gone is what would be asked for, and what
went with its deployment counts as unexplained unless its deployment is listed newer. An execution
of which only a part is open is shown as unsettled.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from craftsync.errors import BadPayload, CraftsyncError, Missing, UpstreamFault
from craftsync.records import Incarnation, Key, ListedExecution, ObjectKind, Payload
from craftsync.store import audit, environments, estate, mirror
from craftsync.store.mirror import HeldExecution
from craftsync.sync.estate import left_over, refuse_unknown
from craftsync.sync.job import Options
from craftsync.sync.naming import require_names
from craftsync.sync.plan import Plan, Why, plan, why_again
from craftsync.upstream import payloads
from craftsync.upstream.client import Platform
from craftsync.upstream.fields import is_name
from craftsync.upstream.recognition import recognise


@dataclass(frozen=True, slots=True)
class Row:
    """One thing a sync would do, and how many requests it would take."""

    environment: str
    action: str  # fetch, gone or withheld
    kind: str
    id: str
    reason: str
    requests: int


@dataclass(frozen=True, slots=True)
class Unable:
    """One of several environments cannot be rehearsed, and why."""

    environment: str
    why: CraftsyncError


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """An environment's listings are compared with `conn`, None where there is no store yet."""

    environment: str
    url: str
    platform: Platform
    options: Options
    conn: Connection | None
    now: datetime

    def rows(self) -> Iterator[Row]:
        """Yield what a sync would do; raises what the listings raise."""
        require_names(self.conn, [self.environment])
        row = environments.find(self.conn, self.environment) if self.conn else None
        recognise(
            self.platform,
            environment=self.environment,
            url=self.url,
            known=row.upstream_id if row else None,
            accepted=self.options.accept_environment,
        )
        key = row.key if row else None
        deployments = self.platform.deployments()
        pipelines = self.platform.pipelines()
        deployments = [one for one in deployments if not payloads.is_archived(one)]
        pipelines = [one for one in pipelines if not payloads.is_archived(one)]
        listed = frozenset(name for one in pipelines if is_name(name := one["pipeline_name"]))
        names = listed | {name for one in deployments if (name := payloads.pipeline_of(one))}
        if self.conn is not None and key is not None:
            names |= left_over(self.conn, key, names)
        refuse_unknown(self.options.pipelines, names)
        deployments = [one for one in deployments if self._wanted(payloads.pipeline_of(one))]
        pipelines = [one for one in pipelines if self._wanted(one["pipeline_name"])]
        yield from self._estate(ObjectKind.DEPLOYMENT, "name", deployments, key)
        yield from self._estate(ObjectKind.PIPELINE, "pipeline_name", pipelines, key)
        for name in sorted(filter(self._wanted, names)):
            yield from self._executions(name, key, names, is_listed=name in listed)

    def _wanted(self, pipeline_name: str | None) -> bool:
        return not self.options.pipelines or pipeline_name in self.options.pipelines

    def _estate(
        self, kind: ObjectKind, name_key: str, entries: Sequence[Payload], key: int | None
    ) -> Iterator[Row]:
        listed: set[Incarnation] = set()
        for entry in entries:
            created_at = payloads.birth_of(entry)
            if created_at is not None:
                listed.add(Incarnation(entry[name_key], created_at))
        held = self._held(kind, key)
        births = {one.name: one.created_at for one in listed}
        made_again = {one for one in held if births.get(one.name, one.created_at) > one.created_at}
        decision = plan(
            listed=listed,
            held=held,
            unsettled=held if kind is ObjectKind.DEPLOYMENT else frozenset(),
            explained=made_again,
            accept_vanished=self.options.accept_vanished,
        )
        if self.options.pipelines:  # a scoped run marks no estate
            decision = Plan(decision.fetch, frozenset(), frozenset())
        for one in sorted(decision.fetch):
            why = Why.UNSETTLED if one in held else Why.NEW
            yield self._row("fetch", kind, one.name, why, 1)
        for one in sorted(decision.gone):
            asked = one not in made_again
            reason = "not_listed" if asked else "made_again"
            yield self._row("gone", kind, one.name, reason, int(asked))
        for one in sorted(decision.withheld):
            yield self._row("withheld", kind, one.name, "not_listed", 0)

    def _held(self, kind: ObjectKind, key: int | None) -> frozenset[Incarnation]:
        if self.conn is None or key is None:
            return frozenset()
        find = estate.held_deployments if kind is ObjectKind.DEPLOYMENT else estate.held_pipelines
        return frozenset(row.incarnation for row in find(self.conn, key) if not row.gone)

    def _executions(
        self, pipeline_name: str, key: int | None, names: Set[str], *, is_listed: bool
    ) -> Iterator[Row]:
        try:
            entries = self.platform.executions(pipeline_name).entries or ()
        except UpstreamFault as fault:
            if is_listed or not isinstance(fault, Missing):
                yield self._row("withheld", ObjectKind.PIPELINE, pipeline_name, str(fault), 0)
                return
            entries = ()  # nobody lists the pipeline any more
        listed = {
            one.key: one
            for one in entries
            if not isinstance(one, BadPayload)
            and (one.pipeline_name == pipeline_name or one.pipeline_name not in names)
        }
        unreadable = {
            payloads.shown_id(one.payload) for one in entries if isinstance(one, BadPayload)
        }
        there: dict[Key, HeldExecution] = {}
        came_back: set[Key] = set()
        begun: frozenset[Key] = frozenset()
        if self.conn is not None and key is not None:
            there = {
                row.key: row
                for row in mirror.held_executions(self.conn, key, pipeline_name)
                if row.key.execution_id not in unreadable
            }
            came_back = mirror.gone_among(self.conn, key, listed.keys() - there.keys())
            begun = audit.begun(self.conn, key)
        again = self._again(there, listed)
        decision = plan(
            listed=listed.keys(),
            held=there.keys(),
            unsettled=again.keys(),
            begun=begun,
            accept_vanished=self.options.accept_vanished,
        )
        kind = ObjectKind.EXECUTION
        cost = 1 + self.options.wants.logs
        for one in sorted(decision.fetch):
            reason = again.get(one) or (Why.CAME_BACK if one in came_back else Why.NEW)
            yield self._row("fetch", kind, one.execution_id, reason, cost)
        for one in sorted(decision.gone):
            yield self._row("gone", kind, one.execution_id, "not_listed", 1)
        for one in sorted(decision.withheld):
            yield self._row("withheld", kind, one.execution_id, "not_listed", 0)

    def _again(
        self, there: Mapping[Key, HeldExecution], listed: Mapping[Key, ListedExecution]
    ) -> dict[Key, Why]:
        found = {}
        for key, row in there.items():
            entry = listed.get(key)
            if entry is None:
                continue
            why = why_again(
                settled=row.settled,
                listed=(entry.status, entry.end_date),
                held=(row.status, row.end_date),
                now=self.now,
                lookback=self.options.lookback,
                full=self.options.full,
            )
            if why:
                found[key] = why
        return found

    def _row(self, action: str, kind: str, name: str, reason: str, requests: int) -> Row:
        return Row(self.environment, action, str(kind), name, str(reason), requests)

"""What is written down of a run: intents before a call, ends after it, on the disk each time.

One thread writes, a handful at once. An end that says gone leaves its tombstones in the same
transaction, so that the next sync expects what it finds.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from craftsync.purge.job import Job, Outcome
from craftsync.purge.plan import Item, Plan
from craftsync.purge.proof import Proof
from craftsync.purge.unbroken import unbroken
from craftsync.records import GoneCause, Incarnation, Key
from craftsync.store import engine as engines
from craftsync.store import erasable, estate, tombstones
from craftsync.store.audit import Audit, Try, attempts, closed_tries, open_tries
from craftsync.store.environments import Rev

NOT_SENT = "no DELETE was sent"
"""How the error of an end begins that was reached without a call."""

_CAUSE = {
    Outcome.DELETED: GoneCause.DELETED_BY_CRAFTSYNC,
    Outcome.ALREADY_GONE: GoneCause.DELETED_UPSTREAM,
}


@dataclass(frozen=True, slots=True)
class End:
    """How a try ended."""

    what: Try
    outcome: Outcome
    error: str | None = None


class Book:
    """The audit of one environment, and the tries of one plan in it."""

    def __init__(self, job: Job, plan: Plan) -> None:
        self._job = job
        self._plan = plan
        self._ids = {
            (item.kind, item.key): f"{plan.plan_id}-{number}"
            for number, item in enumerate(plan.delete, start=1)
        }
        with job.reader.connect() as conn:
            self._attempts = attempts(conn, job.environment.key, list(self._ids.values()))

    def a_try(self, item: Item, proof: Proof) -> Try:
        """Return the next try to delete an item, as it is about to be written down."""
        deletion_id = self._ids[item.kind, item.key]
        self._attempts[deletion_id] = attempt = self._attempts.get(deletion_id, 0) + 1
        return Try(
            deletion_id=deletion_id,
            attempt=attempt,
            plan_id=self._plan.plan_id,
            kind=item.kind,
            key=item.key,
            reason=self._plan.reason.value,
            requested_by=self._job.requested_by,
            requested_at=self._job.requested_at,
            proof_sha256=proof.sha256,
            execution_ids=tuple(one.key.execution_id for one in item.executions),
        )

    @property
    def plan_id(self) -> str:
        """The plan that is applied."""
        return self._plan.plan_id

    def id_of(self, item: Item) -> str:
        """Return what the audit calls the deletion of an item."""
        return self._ids[item.kind, item.key]

    def still_open(self) -> set[tuple[str, Key]]:
        """Return the kinds and keys of which the audit does not know how their tries ended."""
        with self._job.reader.connect() as conn:
            found = open_tries(conn, self._job.environment.key)
        return {(one.what.kind, one.what.key) for one in found}

    def unwritten(
        self, ends: Collection[End], untried: Collection[End]
    ) -> tuple[list[End], list[End]]:
        """Return those ends that the audit does not have: a write may have ended unseen."""
        ids = [one.what.deletion_id for one in (*ends, *untried)]
        with self._job.reader.connect() as conn:
            closed = closed_tries(conn, self._job.environment.key, ids)
        ends, untried = (
            [one for one in some if (one.what.deletion_id, one.what.attempt) not in closed]
            for some in (ends, untried)
        )
        return ends, untried

    def write(
        self,
        *,
        intents: Collection[Try] = (),
        ends: Collection[End] = (),
        untried: Collection[End] = (),
    ) -> None:
        """Write intents, ends of what was intended before, and ends of what was never asked."""
        if not (intents or ends or untried):
            return
        key, writer = self._job.environment.key, self._job.writer
        with (
            unbroken(),
            engines.store_errors(writer.url),
            engines.durable_transaction(writer) as conn,
        ):
            # What touches the mirror comes first: a revision is the first thing drawn.
            self._leave_tombstones(conn, [*ends, *untried])
            audit, now = Audit(conn, key), self._job.now()
            for one in untried:
                audit.intend(one.what, at=now)
            for one in (*ends, *untried):
                audit.close(one.what, one.outcome.value, at=now, error=one.error)
            for what in intents:
                audit.intend(what, at=now)
            audit.write()

    def _leave_tombstones(self, conn: Connection, ends: Collection[End]) -> None:
        key, now = self._job.environment.key, self._job.now()
        rev = Rev(conn, key)
        for outcome, cause in _CAUSE.items():
            mine = [one.what for one in ends if one.outcome is outcome]
            if not mine:
                continue
            gone = {what.key for what in mine if what.kind == "execution"}
            for its in (Incarnation(*what.key) for what in mine if what.kind == "deployment"):
                live = erasable.live_deployment(conn, key, its.name)
                if live is not None and live.incarnation == its:
                    estate.mark_deployments_gone(conn, [live.deployment_key], gone_at=now, rev=rev)
                gone |= {one.key for one in erasable.executions_of(conn, key, its)}
            if outcome is Outcome.DELETED:  # a sync may have come between the call and its end
                tombstones.ascribe_to_us(conn, key, gone, rev=rev)
            executions = erasable.live_keys(conn, key, gone)
            tombstones.mark_gone(conn, executions, gone_at=now, cause=cause, rev=rev)


def untried(what: Try, outcome: Outcome, error: str | None) -> End:
    """Return the end of what was looked at, and for which nothing was asked."""
    told = NOT_SENT if error is None else f"{NOT_SENT}: {error}"
    return End(what, outcome, None if outcome is Outcome.ALREADY_GONE else told)

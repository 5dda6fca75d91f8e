"""The audit of deletes: events that are inserted and never changed, each sealed into the next.

They are numbered and chained an environment. A hash covers the event and the hash before it, so
that an event that was changed, left out or put in breaks the chain at its place. The caller owns
the transaction, holds the store's lock, and makes it durable.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, func, insert, or_, select

from craftsync.records import Key, ObjectKind
from craftsync.store.models import DeleteEvent, Environment
from craftsync.store.upsert import batches, table_of
from craftsync.times import utc_text

_EVENT = table_of(DeleteEvent)
_SAID = [
    name
    for name in _EVENT.c.keys()  # noqa: SIM118 - columns, not a mapping
    if name not in ("environment_key", "chain_sha256")
]


@dataclass(frozen=True, slots=True)
class Try:
    """One try to delete one thing. `key` is its id or name, and its birth."""

    deletion_id: str
    attempt: int
    plan_id: str
    kind: str
    key: Key
    reason: str | None
    requested_by: str
    requested_at: datetime
    proof_sha256: str
    execution_ids: tuple[str, ...] = ()


class Open(NamedTuple):
    """A try of which nobody knows how it ended.

    `is_new` where that was never written down; `error` is what was written beside it.
    """

    what: Try
    is_new: bool
    error: str | None


class Head(NamedTuple):
    """The end of a chain: how many events there are, the hash of the last one ('' for none)."""

    events: int
    chain_sha256: str


class Audit:
    """What is written of the deletes in one environment, in the transaction of `connection`."""

    def __init__(self, connection: Connection, environment_key: int) -> None:
        self._connection = connection
        self._key = environment_key
        self._name = _name_of(connection, environment_key)
        self._head = head(connection, environment_key)
        self._rows: list[dict[str, Any]] = []

    def intend(self, one: Try, *, at: datetime) -> None:
        """Note what is about to be asked of the platform, before it is."""
        self._add(one, "intent", at, outcome=None, error=None)

    def close(self, one: Try, outcome: str, *, at: datetime, error: str | None = None) -> None:
        """Note how a try ended, or that nobody knows."""
        self._add(one, "outcome", at, outcome=outcome, error=error)

    def write(self) -> None:
        """Write all that was noted."""
        if self._rows:
            self._connection.execute(insert(_EVENT), self._rows)
            self._rows = []

    def _add(
        self, one: Try, event: str, at: datetime, *, outcome: str | None, error: str | None
    ) -> None:
        said = {
            "event_number": self._head.events + 1,
            "deletion_id": one.deletion_id,
            "attempt": one.attempt,
            "event": event,
            "at": at,
            "plan_id": one.plan_id,
            "kind": one.kind,
            "object_id": one.key.execution_id,
            "created_at": one.key.created_at,
            "reason": one.reason,
            "requested_by": one.requested_by,
            "requested_at": one.requested_at,
            "outcome": outcome,
            "error": error,
            "execution_ids": json.dumps(one.execution_ids) if one.execution_ids else None,
            "proof_sha256": one.proof_sha256,
        }
        chain = _link(self._name, self._head.chain_sha256, said)
        self._rows.append({"environment_key": self._key, "chain_sha256": chain, **said})
        self._head = Head(self._head.events + 1, chain)


def head(connection: Connection, environment_key: int) -> Head:
    """Return the end of an environment's chain, as it is written."""
    row = connection.execute(
        select(_EVENT.c.event_number, _EVENT.c.chain_sha256)
        .where(_EVENT.c.environment_key == environment_key)
        .order_by(_EVENT.c.event_number.desc())
    ).first()
    return Head(row.event_number, row.chain_sha256) if row else Head(0, "")


def heads(connection: Connection) -> dict[str, Head]:
    """Return the end of the chain of every environment that has one, by its name."""
    names = connection.execute(select(Environment.key, Environment.name).order_by(Environment.name))
    found = {row.name: head(connection, row.key) for row in names.all()}
    return {name: one for name, one in found.items() if one.events}


def flaws(connection: Connection, environment_key: int) -> Iterator[str]:
    """Read an environment's events through; tell where the chain is broken, the first place."""
    name, chain = _name_of(connection, environment_key), ""
    events = select(_EVENT).where(_EVENT.c.environment_key == environment_key)
    in_order = connection.execute(events.order_by(_EVENT.c.event_number))
    for number, row in enumerate(in_order, start=1):
        if row.event_number != number:
            yield f"event {number} is missing"
            return
        chain = _link(name, chain, {column: row._mapping[column] for column in _SAID})
        if row.chain_sha256 != chain:
            yield f"event {number} is not as it was written"
            return


def open_tries(connection: Connection, environment_key: int) -> list[Open]:
    """Return the deletions whose last try has no known end, the oldest first."""
    later = _EVENT.alias()
    is_open = or_(_EVENT.c.outcome.is_(None), _EVENT.c.outcome == "in_doubt")
    is_last = ~exists().where(
        later.c.environment_key == _EVENT.c.environment_key,
        later.c.deletion_id == _EVENT.c.deletion_id,
        later.c.event_number > _EVENT.c.event_number,
    )
    events = select(_EVENT).where(_EVENT.c.environment_key == environment_key, is_open, is_last)
    return [
        Open(_try_of(row), row.outcome is None, row.error)
        for row in connection.execute(events.order_by(_EVENT.c.event_number))
    ]


def begun(connection: Connection, environment_key: int) -> frozenset[Key]:
    """Return the executions, each its very incarnation, whose last delete has no known end."""
    return frozenset(
        one.what.key
        for one in open_tries(connection, environment_key)
        if one.what.kind == ObjectKind.EXECUTION
    )


def ended(connection: Connection, environment_key: int, plan_id: str) -> dict[str, str]:
    """Return the last outcome of each deletion of a plan that was tried; none of an open one."""
    events = select(_EVENT.c.deletion_id, _EVENT.c.outcome).where(
        _EVENT.c.environment_key == environment_key, _EVENT.c.plan_id == plan_id
    )
    last = {row[0]: row[1] for row in connection.execute(events.order_by(_EVENT.c.event_number))}
    return {deletion_id: outcome for deletion_id, outcome in last.items() if outcome is not None}


def closed_tries(
    connection: Connection, environment_key: int, deletion_ids: Sequence[str]
) -> set[tuple[str, int]]:
    """Return the tries of some deletions of which an end is written: their ids, which attempt."""
    closed = select(_EVENT.c.deletion_id, _EVENT.c.attempt).where(
        _EVENT.c.environment_key == environment_key, _EVENT.c.outcome.is_not(None)
    )
    return {
        (row[0], row[1])
        for some in batches(deletion_ids)
        for row in connection.execute(closed.where(_EVENT.c.deletion_id.in_(some)))
    }


def attempts(
    connection: Connection, environment_key: int, deletion_ids: Sequence[str]
) -> dict[str, int]:
    """Return how often each deletion was tried, those that were."""
    tried = select(_EVENT.c.deletion_id, func.max(_EVENT.c.attempt)).where(
        _EVENT.c.environment_key == environment_key
    )
    return {
        row[0]: row[1]
        for some in batches(deletion_ids)
        for row in connection.execute(
            tried.where(_EVENT.c.deletion_id.in_(some)).group_by(_EVENT.c.deletion_id)
        )
    }


def _try_of(row: Any) -> Try:
    return Try(
        deletion_id=row.deletion_id,
        attempt=row.attempt,
        plan_id=row.plan_id,
        kind=row.kind,
        key=Key(row.object_id, row.created_at),
        reason=row.reason,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        proof_sha256=row.proof_sha256,
        execution_ids=tuple(json.loads(row.execution_ids or "[]")),
    )


def _link(environment: str, before: str, said: dict[str, Any]) -> str:
    """Return the hash of an event that follows on `before`."""
    event = {
        name: utc_text(value) if isinstance(value, datetime) else value
        for name, value in said.items()
    }
    text = json.dumps([environment, before, event], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _name_of(connection: Connection, environment_key: int) -> str:
    return connection.execute(
        select(Environment.name).where(Environment.key == environment_key)
    ).scalar_one()

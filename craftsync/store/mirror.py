"""Save and find executions. The caller owns the transaction, the clock and the revision.

A fetch that is as the last one writes nothing. One that got less than the last does not take away
what is held: a log that could not be read, a file that was not asked for.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from craftsync.records import Key
from craftsync.store.base import driver_moment
from craftsync.store.environments import Rev, number_of
from craftsync.store.held import (
    HeldContent,
    HeldExecution,
    gone_among,
    has_live,
    held_content,
    held_executions,
    held_fetch,
)
from craftsync.store.models import Deployment, Execution
from craftsync.store.parts import count_tries
from craftsync.store.prepare import Prepared, prepare
from craftsync.store.statuses import note_statuses
from craftsync.store.upsert import batches, draw_keys, table_of, upsert_rows
from craftsync.store.wholes import replace_wholes

__all__ = [
    "HeldContent",
    "HeldExecution",
    "Prepared",
    "Saved",
    "gone_among",
    "has_live",
    "held_content",
    "held_executions",
    "held_fetch",
    "prepare",
    "save_executions",
]

_EXECUTION = table_of(Execution)
_NATURAL_KEY = ("environment_key", "execution_id", "created_at")


@dataclass(frozen=True, slots=True)
class Saved:
    """How many executions a batch wrote, and how many were as they are held."""

    written: int
    unchanged: int


class _Held(NamedTuple):
    execution_key: int
    status: str | None
    settled: bool
    gone: bool
    fetch_sha256: str
    metrics_state: str | None


def save_executions(
    connection: Connection,
    environment_key: int,
    prepared: Sequence[Prepared],
    *,
    seen_at: datetime,
    rev: int | Rev,
) -> Saved:
    """Write those whose content, settledness or absence changed; one that was gone is back.

    `seen_at` is the start of the run. All files are closed, whether or not they were new.
    """
    whole = list({one.key: one for one in prepared}.values())
    held = _held(connection, environment_key, whole)
    changed = [one for one in whole if _differs(one, held.get(one.key))]
    changed_keys = {one.key for one in changed}
    same = [(one, held[one.key]) for one in whole if one.key not in changed_keys]
    touched = [(one, old) for one, old in same if old.gone or old.settled != one.settled]
    _touch(connection, touched, rev)
    count_tries(connection, [(old.execution_key, one.parts) for one, old in same], at=seen_at)
    _write(connection, environment_key, changed, held, seen_at=seen_at, rev=rev)
    for one in prepared:
        for file in one.files:
            file.content.close()
    written = len(changed) + len(touched)
    return Saved(written, len(prepared) - written)


def _held(
    connection: Connection, environment_key: int, prepared: Sequence[Prepared]
) -> dict[Key, _Held]:
    columns = _EXECUTION.c
    statement = select(
        columns.execution_id,
        columns.created_at,
        columns.key,
        columns.status,
        columns.settled,
        columns.gone_at.is_not(None),
        columns.fetch_sha256,
        columns.metrics_state,
    ).where(columns.environment_key == environment_key)
    return {
        Key(row[0], row[1]): _Held(row[2], row[3], row[4], bool(row[5]), row[6], row[7])
        for some in batches({one.key.execution_id for one in prepared})
        for row in connection.execute(statement.where(columns.execution_id.in_(some)))
    }


def _differs(one: Prepared, held: _Held | None) -> bool:
    return held is None or held.fetch_sha256 != one.fetch_sha256


def _touch(connection: Connection, rows: Sequence[tuple[Prepared, _Held]], rev: int | Rev) -> None:
    """Write what may change around an unchanged content."""
    if not rows:
        return
    number = number_of(rev)
    connection.execute(
        update(_EXECUTION)
        .where(_EXECUTION.c.key == bindparam("its_key"))
        .values(
            settled=bindparam("its_settled"),
            gone_at=None,
            gone_cause=None,
            last_seen_at=None,
            rev=number,
        ),
        [{"its_key": old.execution_key, "its_settled": one.settled} for one, old in rows],
    )


def _write(
    connection: Connection,
    environment_key: int,
    changed: Sequence[Prepared],
    held: Mapping[Key, _Held],
    *,
    seen_at: datetime,
    rev: int | Rev,
) -> None:
    if not changed:
        return
    dialect, number = connection.dialect.name, number_of(rev)
    seen = driver_moment(seen_at, dialect)
    new = [one for one in changed if one.key not in held]
    keys = {one.key: old.execution_key for one in changed if (old := held.get(one.key))}
    old_keys = list(keys.values())
    states = {old.execution_key: old.metrics_state for old in held.values()}
    if new:
        keys |= zip(
            (one.key for one in new), draw_keys(connection, "execution", len(new)), strict=True
        )
    rows = [
        (
            keys[one.key],
            environment_key,
            one.key.execution_id,
            driver_moment(one.key.created_at, dialect),
            *one.content,
            one.logs_state,
            one.metrics_state or states.get(keys[one.key]),
            one.settled,
            one.fetched_at,
            one.fetch_sha256,
            seen,
            None,
            None,
            None,
            number,
            one.exact,
        )
        for one in changed
    ]
    keyed = [(keys[one.key], one) for one in changed]
    upsert_rows(connection, Execution, rows, key=_NATURAL_KEY, once=("first_seen_at",))
    anew = {old.execution_key for old in held.values() if not old.fetch_sha256}
    replace_wholes(connection, keyed, old_keys, at=seen_at, anew=anew)
    note_statuses(
        connection,
        {key: one.status for key, one in keyed},
        {old.execution_key: old.status for old in held.values()},
        seen_at=seen_at,
    )
    _name_last(connection, environment_key, {one.deployment_name for one in new}, number)


def _name_last(
    connection: Connection, environment_key: int, names: Set[str | None], rev: int
) -> None:
    """Let the deployments of new executions carry the revision: their newest one is another."""
    deployment = table_of(Deployment)
    for some in batches(names - {None}):
        connection.execute(
            update(deployment)
            .where(deployment.c.environment_key == environment_key, deployment.c.name.in_(some))
            .values(rev=rev)
        )

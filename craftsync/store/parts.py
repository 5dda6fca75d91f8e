"""The parts that are not plainly held: why, how often they were tried, when to try again."""

from collections.abc import Collection, Iterator, Sequence, Set
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from craftsync.records import Part as PartRecord
from craftsync.records import PartKind, PartState
from craftsync.store.base import driver_moment
from craftsync.store.models import Execution, Part
from craftsync.store.prepare import NOT_GOT
from craftsync.store.upsert import Row, batches, replace_children, table_of

FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=24)

_PART = table_of(Part)


class OpenPart(NamedTuple):
    """A part that waits to be fetched."""

    execution_key: int
    kind: PartKind
    name: str
    state: PartState
    attempts: int
    next_try_at: datetime | None


def next_try(attempts: int, *, at: datetime) -> datetime:
    """Say when a part is due again that failed `attempts` times, last in the run begun `at`."""
    doublings = min(attempts - 1, 10)  # beyond, the pause is the longest one anyway
    return at + min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def open_parts(
    connection: Connection, environment_key: int, *, pipeline_name: str | None = None
) -> Iterator[OpenPart]:
    """Give the parts in `error` or `pending` of executions that are not gone."""
    columns, execution = _PART.c, table_of(Execution).c
    statement = (
        select(
            columns.execution_key,
            columns.part,
            columns.name,
            columns.state,
            columns.attempts,
            columns.next_try_at,
        )
        .join_from(_PART, table_of(Execution), columns.execution_key == execution.key)
        .where(
            execution.environment_key == environment_key,
            execution.gone_at.is_(None),
            columns.state.in_([PartState.ERROR.value, PartState.PENDING.value]),
        )
    )
    if pipeline_name is not None:
        statement = statement.where(execution.pipeline_name == pipeline_name)
    for key, kind, name, state, attempts, due in connection.execute(statement):
        yield OpenPart(key, PartKind(kind), name, PartState(state), attempts, due)


def save_parts(
    connection: Connection,
    wholes: Sequence[tuple[int, Collection[PartRecord], Any]],
    old: Set[int],
    *,
    at: datetime,
) -> None:
    """Replace the parts of executions, rows of (key, parts, when fetched in the driver's form)."""
    tries = _tries(connection, old)
    rows: list[Row] = []
    for key, parts, fetched_at in wholes:
        for part in parts:
            attempts, due = 0, None
            if part.state is PartState.ERROR:
                attempts = tries.get((key, part.kind.value, part.name), 0) + 1
                due = driver_moment(next_try(attempts, at=at), connection.dialect.name)
            got = None if part.state in NOT_GOT else fetched_at
            what = (key, part.kind.value, part.name, part.state.value, part.error)
            rows.append((*what, attempts, due, got, part.size_bytes))
    replace_children(connection, Part, list(old), rows)


def count_tries(
    connection: Connection, wholes: Sequence[tuple[int, Collection[PartRecord]]], *, at: datetime
) -> None:
    """Count one more try of each part that failed as it did before."""
    failed = [
        (key, part.kind.value, part.name)
        for key, parts in wholes
        for part in parts
        if part.state is PartState.ERROR
    ]
    if not failed:
        return
    tries = _tries(connection, {key for key, _, _ in failed})
    rows = []
    for key, kind, name in failed:
        attempts = tries.get((key, kind, name), 0) + 1
        due = next_try(attempts, at=at)
        rows.append({"k": key, "p": kind, "n": name, "attempts": attempts, "due": due})
    connection.execute(
        update(_PART)
        .where(
            _PART.c.execution_key == bindparam("k"),
            _PART.c.part == bindparam("p"),
            _PART.c.name == bindparam("n"),
        )
        .values(attempts=bindparam("attempts"), next_try_at=bindparam("due")),
        rows,
    )


def _tries(connection: Connection, keys: Collection[int]) -> dict[tuple[int, str, str], int]:
    columns = _PART.c
    statement = select(columns.execution_key, columns.part, columns.name, columns.attempts)
    return {
        (row[0], row[1], row[2]): row[3]
        for some in batches(keys)
        for row in connection.execute(
            statement.where(columns.execution_key.in_(some), columns.attempts > 0)
        )
    }

"""The parts that are not plainly held: why, how often they were tried, when to try again."""

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from craftsync.records import Part as PartRecord
from craftsync.records import PartState
from craftsync.store.base import driver_moment
from craftsync.store.models import Execution, Part
from craftsync.store.prepare import NOT_GOT
from craftsync.store.upsert import Row, batches, replace_children, table_of, upsert_rows

FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=24)

OPEN = frozenset({PartState.ERROR, PartState.PENDING, PartState.TOO_BIG})
"""States of a part that may be asked for again."""

_PART = table_of(Part)


def pause_after(attempts: int) -> timedelta:
    """Say how long what failed `attempts` times in a row is left alone.

    Not at all after the first time, for most faults pass; then 15 minutes, doubling to 24 hours.
    """
    if attempts <= 1:
        return timedelta(0)
    doublings = min(attempts - 2, 10)  # beyond, the pause is the longest one anyway
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def next_try(attempts: int, *, at: datetime) -> datetime:
    """Say when a part is due again that failed `attempts` times, last in the run begun `at`."""
    return at + pause_after(attempts)


def is_due(at: datetime, now: datetime) -> bool:
    """Whether it is time; also where more than any pause is left, for a clock was ahead then."""
    return at <= now or at - now > LONGEST_PAUSE


def when_due(state: PartState, attempts: int, *, at: datetime) -> datetime | None:
    """Say when a part is due that a run begun `at` left in `state`; None for one that is held.

    Less `pause_after(attempts)` it tells when the part, or its execution, was asked for last.
    """
    return next_try(attempts, at=at) if state in OPEN else None


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
            attempts = 0
            if part.state is PartState.ERROR:
                attempts = tries.get((key, part.kind.value, part.name), 0) + 1
            moment = when_due(part.state, attempts, at=at)
            due = moment and driver_moment(moment, connection.dialect.name)
            got = None if part.state in NOT_GOT else fetched_at
            what = (key, part.kind.value, part.name, part.state.value, part.error)
            rows.append((*what, attempts, due, got, part.size_bytes))
    replace_children(connection, Part, list(old), rows)


def note_capped(connection: Connection, fetched: Mapping[int, Any]) -> None:
    """Note that upstream gives less of these executions' logs than is held.

    `fetched` tells when each was fetched, in the driver's form.
    """
    if not fetched:
        return
    capped = PartState.CAPPED.value
    for some in batches(fetched):
        connection.execute(
            update(Execution).where(Execution.key.in_(some)).values(logs_state=capped)
        )
    rows = [(key, "logs", "", capped, None, 0, None, at, None) for key, at in fetched.items()]
    upsert_rows(connection, Part, rows, key=("execution_key", "part", "name"))


def count_tries(
    connection: Connection, wholes: Sequence[tuple[int, Collection[PartRecord]]], *, at: datetime
) -> None:
    """Count one more try of each part that failed as it did before; note when others were met."""
    still_open = [(key, part) for key, parts in wholes for part in parts if part.state in OPEN]
    if not still_open:
        return
    tries = _tries(connection, {key for key, _ in still_open})
    rows = []
    for key, part in still_open:
        kind, name, failed = part.kind.value, part.name, part.state is PartState.ERROR
        attempts = tries.get((key, kind, name), 0) + 1 if failed else 0
        due = when_due(part.state, attempts, at=at)
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


def save_part_row(
    connection: Connection, execution_key: int, part: PartRecord, *, fetched_at: datetime
) -> None:
    """Write the row of one part that was asked for alone, at `fetched_at`."""
    dialect = connection.dialect.name
    attempts, got = 0, driver_moment(fetched_at, dialect)
    if part.state is PartState.ERROR:
        tries = _tries(connection, [execution_key])
        attempts = tries.get((execution_key, part.kind.value, part.name), 0) + 1
    moment = when_due(part.state, attempts, at=fetched_at)
    due = moment and driver_moment(moment, dialect)
    if part.state in NOT_GOT:
        got = None
    columns = _PART.c
    connection.execute(
        delete(_PART).where(
            columns.execution_key == execution_key,
            columns.part == part.kind.value,
            columns.name == part.name,
        )
    )
    what = (execution_key, part.kind.value, part.name, part.state.value, part.error)
    upsert_rows(connection, Part, [(*what, attempts, due, got, part.size_bytes)])

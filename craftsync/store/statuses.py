"""The statuses an execution was seen in: a row when first seen, and one a change."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from craftsync.store.base import driver_moment
from craftsync.store.models import StatusChange
from craftsync.store.upsert import batches, table_of, upsert_rows

_CHANGE = table_of(StatusChange)


def note_statuses(
    connection: Connection,
    now: Mapping[int, str | None],
    held: Mapping[int, str | None],
    *,
    seen_at: datetime,
) -> None:
    """Add what changed from `held` to `now`, both by the execution's key; not `held` is new."""
    moved = [key for key in now if key in held and _folded(now[key]) != _folded(held[key])]
    last = _last_positions(connection, moved)
    seen = driver_moment(seen_at, connection.dialect.name)
    changed = [(key, last.get(key, -1) + 1) for key in now if key not in held or key in last]
    rows = [(key, position, now[key], seen) for key, position in changed]
    upsert_rows(connection, StatusChange, rows)


def _folded(status: str | None) -> str | None:
    return None if status is None else status.lower()


def _last_positions(connection: Connection, keys: list[int]) -> dict[int, int]:
    columns = _CHANGE.c
    statement = select(columns.execution_key, func.max(columns.position))
    return {
        row[0]: row[1]
        for some in batches(keys)
        for row in connection.execute(
            statement.where(columns.execution_key.in_(some)).group_by(columns.execution_key)
        )
    }

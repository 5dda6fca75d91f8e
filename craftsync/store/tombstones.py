"""Say of executions that they are gone upstream, and why. Their rows and all their values stay.

The caller owns the transaction, the clock and the revision.
"""

from collections.abc import Collection, Set
from datetime import datetime

from sqlalchemy import Connection, case, select, tuple_, update

from craftsync.records import GoneCause, Key, ObjectKind
from craftsync.store.environments import Rev, number_of
from craftsync.store.models import Execution, Scope
from craftsync.store.upsert import batches, table_of

_EXECUTION = table_of(Execution)


def mark_gone(
    connection: Connection,
    execution_keys: Collection[int],
    *,
    gone_at: datetime,
    cause: GoneCause,
    rev: int | Rev,
) -> int:
    """Leave tombstones: confirmed absent upstream. The rows and all their values stay.

    Freezes `last_seen_at`, so it comes before the scope's listing is noted as complete. The next
    listing is looked through, be it as it was: one that is listed still is back. Returns how many
    were not gone before.
    """
    if not execution_keys:
        return 0
    columns, scope = _EXECUTION.c, table_of(Scope).c
    listed = (
        select(scope.last_complete_at)
        .where(
            scope.environment_key == columns.environment_key,
            scope.kind == ObjectKind.PIPELINE.value,
            scope.name == columns.pipeline_name,
        )
        .scalar_subquery()
    )
    last_seen = case((listed > columns.first_seen_at, listed), else_=columns.first_seen_at)
    count, number = 0, number_of(rev)
    for some in batches(execution_keys):
        count += connection.execute(
            update(_EXECUTION)
            .where(columns.key.in_(some), columns.gone_at.is_(None))
            .values(gone_at=gone_at, gone_cause=cause.value, last_seen_at=last_seen, rev=number)
        ).rowcount
        theirs = select(columns.environment_key, columns.pipeline_name).where(columns.key.in_(some))
        connection.execute(
            update(Scope)
            .where(
                scope.kind == ObjectKind.PIPELINE.value,
                scope.listing_sha256.is_not(None),
                tuple_(scope.environment_key, scope.name).in_(theirs),
            )
            .values(listing_sha256=None)
        )
    return count


def ascribe_to_us(
    connection: Connection, environment_key: int, keys: Set[Key], *, rev: int | Rev
) -> None:
    """Say of executions that a sync found gone that it was a delete of ours."""
    columns = _EXECUTION.c
    mine = [
        row.key
        for some in batches(sorted({key.execution_id for key in keys}))
        for row in connection.execute(
            select(columns.key, columns.execution_id, columns.created_at).where(
                columns.environment_key == environment_key,
                columns.execution_id.in_(some),
                columns.gone_cause == GoneCause.DELETED_UPSTREAM.value,
            )
        )
        if Key(row.execution_id, row.created_at) in keys
    ]
    for some in batches(mine):
        connection.execute(
            update(_EXECUTION)
            .where(columns.key.in_(some))
            .values(gone_cause=GoneCause.DELETED_BY_CRAFTSYNC.value, rev=number_of(rev))
        )

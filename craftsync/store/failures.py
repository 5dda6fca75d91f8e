"""What could not be read, as of now: a later success takes it away."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, tuple_, update

from craftsync.records import ObjectKind
from craftsync.store.models import SyncFailure
from craftsync.store.parts import pause_after
from craftsync.store.upsert import table_of

LISTING, EXECUTIONS = "listing", "executions"
"""What of a kind, or of a pipeline, failed where there was no listing to look into."""

_FAILURE = table_of(SyncFailure)


class FailureKey(NamedTuple):
    """What a failure is about; `part` is '' for the whole object."""

    object_kind: ObjectKind
    object_id: str
    part: str


def record_failure(
    connection: Connection,
    environment_key: int,
    run_id: int,
    object_kind: ObjectKind,
    object_id: str,
    part: str,
    error: str,
    *,
    at: datetime,
    raw: bytes | None = None,
    pipeline_name: str | None = None,
) -> None:
    """Name what could not be read, or that it failed again.

    `part` is '' for the whole object; `raw` is an answer that has no other place to be kept.
    `pipeline_name` tells a run over some pipelines that the failure is in its scope.
    """
    key = (environment_key, object_kind.value, object_id, part)
    changes = {"run_id": run_id, "error": error, "last_failed_at": at, "raw": raw}
    again = connection.execute(
        update(_FAILURE)
        .where(tuple_(*_FAILURE.primary_key.columns) == key)
        .values(attempts=_FAILURE.c.attempts + 1, pipeline_name=pipeline_name, **changes)
    )
    if again.rowcount == 0:
        named = dict(zip(_FAILURE.primary_key.columns.keys(), key, strict=True))
        connection.execute(
            insert(_FAILURE).values(
                attempts=1, first_failed_at=at, pipeline_name=pipeline_name, **named, **changes
            )
        )


def failures(connection: Connection, environment_key: int) -> Iterator[FailureKey]:
    """Give what is named as failed now."""
    columns = _FAILURE.c
    statement = select(columns.object_kind, columns.object_id, columns.part)
    for row in connection.execute(statement.where(columns.environment_key == environment_key)):
        yield FailureKey(ObjectKind(row[0]), row[1], row[2])


class Standing(NamedTuple):
    """A failure that stands: why, when it is worth another try, and in whose scope it is."""

    error: str
    due_at: datetime
    pipeline_name: str | None


def standing(connection: Connection, environment_key: int) -> dict[FailureKey, Standing]:
    """Return what is named as failed now, with the time of the next try."""
    columns = _FAILURE.c
    statement = select(
        columns.object_kind,
        columns.object_id,
        columns.part,
        columns.error,
        columns.attempts,
        columns.last_failed_at,
        columns.pipeline_name,
    )
    found = connection.execute(statement.where(columns.environment_key == environment_key))
    return {
        FailureKey(ObjectKind(kind), object_id, part): Standing(
            error, last_failed_at + pause_after(attempts), pipeline
        )
        for kind, object_id, part, error, attempts, last_failed_at, pipeline in found
    }


def clear_failures(
    connection: Connection,
    environment_key: int,
    *,
    keep: Collection[FailureKey],
    pipelines: Collection[str] | None = None,
) -> int:
    """Take away what no longer fails: all but `keep`; with `pipelines`, only within those.

    Returns how many were taken away.
    """
    columns = _FAILURE.c
    statement = select(columns.object_kind, columns.object_id, columns.part).where(
        columns.environment_key == environment_key
    )
    if pipelines is not None:
        names = sorted(pipelines)
        statement = statement.where(columns.pipeline_name.in_(names))
    kept = {(one.object_kind.value, one.object_id, one.part) for one in keep}
    over = [tuple(row) for row in connection.execute(statement) if tuple(row) not in kept]
    for kind, object_id, part in over:
        clear_failure(connection, environment_key, ObjectKind(kind), object_id, part)
    return len(over)


def clear_failure(
    connection: Connection,
    environment_key: int,
    object_kind: ObjectKind,
    object_id: str,
    part: str | None = None,
) -> None:
    """Take away one failure, or with `part` None all of the object."""
    columns = _FAILURE.c
    statement = delete(_FAILURE).where(
        columns.environment_key == environment_key,
        columns.object_kind == object_kind.value,
        columns.object_id == object_id,
    )
    if part is not None:
        statement = statement.where(columns.part == part)
    connection.execute(statement)

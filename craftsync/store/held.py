"""What is held of executions, as far as deciding what to fetch needs it."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from craftsync.records import Key
from craftsync.store.models import Execution
from craftsync.store.upsert import batches, table_of

_EXECUTION = table_of(Execution)


class HeldExecution(NamedTuple):
    """What the store knows of an execution, as far as deciding what to fetch needs it."""

    execution_key: int
    key: Key
    deployment_name: str | None
    status: str | None
    end_date: datetime | None
    settled: bool


def held_executions(
    connection: Connection, environment_key: int, pipeline_name: str
) -> Iterator[HeldExecution]:
    """Give the executions of a pipeline that are held and not gone.

    Of a pipeline whose deployments are made again and again, most are gone.
    """
    columns = _EXECUTION.c
    statement = (
        select(
            columns.key,
            columns.execution_id,
            columns.created_at,
            columns.deployment_name,
            columns.status,
            columns.end_date,
            columns.settled,
        )
        .where(
            columns.environment_key == environment_key,
            columns.pipeline_name == pipeline_name,
            columns.gone_at.is_(None),
        )
        .execution_options(yield_per=10_000)
    )
    one_copy: dict[str | None, str | None] = {}  # of texts that are the same in many rows
    with connection.execute(statement) as rows:
        for key, execution_id, created_at, deployment, status, end_date, settled in rows:
            yield HeldExecution(
                key,
                Key(execution_id, created_at),
                one_copy.setdefault(deployment, deployment),
                one_copy.setdefault(status, status),
                end_date,
                settled,
            )


def gone_among(connection: Connection, environment_key: int, keys: Collection[Key]) -> set[Key]:
    """Return those of `keys` that are held and marked as gone."""
    columns = _EXECUTION.c
    statement = select(columns.execution_id, columns.created_at).where(
        columns.environment_key == environment_key, columns.gone_at.is_not(None)
    )
    found = {
        Key(*row)
        for some in batches({key.execution_id for key in keys})
        for row in connection.execute(statement.where(columns.execution_id.in_(some)))
    }
    return found.intersection(keys)


def held_fetch(
    connection: Connection, execution_keys: Collection[int]
) -> dict[int, tuple[str, datetime]]:
    """Return, by surrogate key, the hash of what was fetched last and since when it is that."""
    columns = _EXECUTION.c
    found: dict[int, tuple[str, datetime]] = {}
    for some in batches(execution_keys):
        statement = select(columns.key, columns.fetch_sha256, columns.fetched_at)
        for key, sha256, fetched_at in connection.execute(statement.where(columns.key.in_(some))):
            found[key] = (sha256, fetched_at)
    return found


class HeldContent(NamedTuple):
    """What was fetched last of an execution: its hash, and since when it is that."""

    execution_key: int
    fetch_sha256: str
    fetched_at: datetime


def held_content(
    connection: Connection, environment_key: int, keys: Collection[Key]
) -> dict[Key, HeldContent]:
    """Return what was fetched last of those executions that are held."""
    columns = _EXECUTION.c
    statement = select(
        columns.execution_id,
        columns.created_at,
        columns.key,
        columns.fetch_sha256,
        columns.fetched_at,
    ).where(columns.environment_key == environment_key)
    return {
        Key(row[0], row[1]): HeldContent(*row[2:])
        for some in batches({key.execution_id for key in keys})
        for row in connection.execute(statement.where(columns.execution_id.in_(some)))
    }


def has_live(connection: Connection, environment_key: int, pipeline_name: str) -> bool:
    """Whether executions of a pipeline are held that are not gone."""
    columns = _EXECUTION.c
    statement = select(columns.key).where(
        columns.environment_key == environment_key,
        columns.pipeline_name == pipeline_name,
        columns.gone_at.is_(None),
    )
    return connection.execute(statement.limit(1)).first() is not None

"""What is held of what is there upstream, as far as deciding what to delete needs it."""

from collections.abc import Collection, Iterator, Set
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from craftsync.records import Incarnation, Key, ObjectKind, PartState
from craftsync.store.models import Deployment, Execution, IoValue, LogLine
from craftsync.store.upsert import batches, table_of

_EXECUTION, _VALUE = table_of(Execution).c, table_of(IoValue).c
_LINE, _DEPLOYMENT = table_of(LogLine).c, table_of(Deployment).c

_SLICE = 10_000  # executions read at a time


class LiveExecution(NamedTuple):
    """An execution that upstream still has; `states` are those of all its parts."""

    execution_key: int
    key: Key
    pipeline_name: str
    deployment_name: str | None
    status: str | None
    end_date: datetime | None
    settled: bool
    states: frozenset[PartState]


class LiveDeployment(NamedTuple):
    """A deployment that upstream still has."""

    deployment_key: int
    incarnation: Incarnation
    pipeline_name: str | None
    execution_rule: str | None
    status: str | None


def live_executions(
    connection: Connection, environment_key: int, *, pipelines: Collection[str] = ()
) -> Iterator[LiveExecution]:
    """Give the executions that are not gone, of some pipelines or of all."""
    wanted = _live(environment_key)
    if pipelines:
        wanted = wanted.where(_EXECUTION.pipeline_name.in_(sorted(pipelines)))
    return _read(connection, wanted)


def named_executions(
    connection: Connection, environment_key: int, keys: Collection[Key]
) -> dict[Key, LiveExecution]:
    """Return those of `keys` that are held and not gone."""
    found: dict[Key, LiveExecution] = {}
    for some in batches(sorted({key.execution_id for key in keys})):
        statement = _live(environment_key).where(_EXECUTION.execution_id.in_(some))
        found |= {one.key: one for one in _read(connection, statement) if one.key in keys}
    return found


def live_keys(connection: Connection, environment_key: int, keys: Set[Key]) -> list[int]:
    """Return the surrogate keys of those executions that are not gone."""
    columns = _EXECUTION
    statement = select(columns.key, columns.execution_id, columns.created_at).where(
        columns.environment_key == environment_key, columns.gone_at.is_(None)
    )
    return [
        row.key
        for some in batches(sorted({key.execution_id for key in keys}))
        for row in connection.execute(statement.where(columns.execution_id.in_(some)))
        if Key(row.execution_id, row.created_at) in keys
    ]


def live_keys_of(connection: Connection, environment_key: int, pipeline_name: str) -> Iterator[Key]:
    """Give the executions of a pipeline that are not gone, the newest first."""
    statement = select(_EXECUTION.execution_id, _EXECUTION.created_at).where(
        _EXECUTION.environment_key == environment_key,
        _EXECUTION.pipeline_name == pipeline_name,
        _EXECUTION.gone_at.is_(None),
    )
    statement = statement.order_by(_EXECUTION.created_at.desc())
    with connection.execute(statement.execution_options(yield_per=100)) as found:
        for row in found:
            yield Key(row[0], row[1])


def live_counts(connection: Connection, environment_key: int) -> dict[str, int]:
    """Return how many executions of each pipeline are not gone."""
    rows = connection.execute(
        select(_EXECUTION.pipeline_name, func.count())
        .where(_EXECUTION.environment_key == environment_key, _EXECUTION.gone_at.is_(None))
        .group_by(_EXECUTION.pipeline_name)
    )
    return {name: count for name, count in rows}  # noqa: C416 - rows are no pairs to mypy


def pipeline_of(connection: Connection, environment_key: int, kind: str, key: Key) -> str | None:
    """Return the pipeline of an execution or a deployment, gone or not."""
    columns, name = _EXECUTION, _EXECUTION.execution_id
    if kind == ObjectKind.DEPLOYMENT:
        columns, name = _DEPLOYMENT, _DEPLOYMENT.name
    return connection.execute(
        select(columns.pipeline_name).where(
            columns.environment_key == environment_key,
            name == key.execution_id,
            columns.created_at == key.created_at,
        )
    ).scalar_one_or_none()


def live_deployment(
    connection: Connection, environment_key: int, name: str
) -> LiveDeployment | None:
    """Return the deployment of that name that is not gone, None if there is none."""
    columns = _DEPLOYMENT
    row = connection.execute(
        select(
            columns.key,
            columns.name,
            columns.created_at,
            columns.pipeline_name,
            columns.execution_rule,
            columns.status,
        )
        .where(
            columns.environment_key == environment_key,
            columns.name == name,
            columns.gone_at.is_(None),
        )
        .order_by(columns.created_at.desc())
    ).first()
    return LiveDeployment(row[0], Incarnation(row[1], row[2]), *row[3:]) if row else None


def executions_of(
    connection: Connection, environment_key: int, deployment: Incarnation
) -> list[LiveExecution]:
    """Return the executions of a deployment's incarnation, those of a later one left out."""
    statement = _live(environment_key).where(
        _EXECUTION.deployment_name == deployment.name,
        _EXECUTION.created_at >= deployment.created_at,
    )
    later = connection.execute(
        select(func.min(_DEPLOYMENT.created_at)).where(
            _DEPLOYMENT.environment_key == environment_key,
            _DEPLOYMENT.name == deployment.name,
            _DEPLOYMENT.created_at > deployment.created_at,
        )
    ).scalar_one()
    if later is not None:
        statement = statement.where(_EXECUTION.created_at < later)
    return list(_read(connection, statement))


def sizes(connection: Connection, execution_keys: Collection[int]) -> dict[int, int]:
    """Return how many bytes of file values and log lines are held of executions."""
    found = dict.fromkeys(execution_keys, 0)
    files = func.coalesce(func.sum(_VALUE.size_bytes), 0)
    lines = func.coalesce(func.sum(func.length(_LINE.message)), 0)
    for some in batches(execution_keys):
        for column, total in ((_VALUE.execution_key, files), (_LINE.execution_key, lines)):
            statement = select(column, total).where(column.in_(some)).group_by(column)
            if column is _VALUE.execution_key:
                statement = statement.where(_VALUE.file_sha256.is_not(None))
            for key, size in connection.execute(statement):
                found[key] += int(size)  # PostgreSQL sums bigints into a numeric
    return found


def _live(environment_key: int) -> Select[tuple[object, ...]]:
    columns = _EXECUTION
    return select(
        columns.key,
        columns.execution_id,
        columns.created_at,
        columns.pipeline_name,
        columns.deployment_name,
        columns.status,
        columns.end_date,
        columns.settled,
        columns.detail_state,
        columns.logs_state,
        columns.metrics_state,
    ).where(columns.environment_key == environment_key, columns.gone_at.is_(None))


def _read(connection: Connection, statement: Select[tuple[object, ...]]) -> Iterator[LiveExecution]:
    """Read executions, a slice at a time; what many have in common is held once."""
    once: dict[Any, Any] = {}
    for rows in connection.execute(statement).partitions(_SLICE):
        odd = _value_states(connection, [row.key for row in rows])
        for row in rows:
            own = (row.detail_state, row.logs_state, row.metrics_state)
            if (states := once.get(own)) is None:
                states = once[own] = frozenset(map(PartState, {*own} - {None}))
            if row.key in odd:
                states |= odd[row.key]
            yield LiveExecution(
                row.key,
                Key(row.execution_id, row.created_at),
                once.setdefault(row.pipeline_name, row.pipeline_name),
                once.setdefault(row.deployment_name, row.deployment_name),
                once.setdefault(row.status, row.status),
                row.end_date,
                row.settled,
                states,
            )


def _value_states(
    connection: Connection, execution_keys: Collection[int]
) -> dict[int, frozenset[PartState]]:
    """Return the states of inputs and outputs, where there is one that is not plainly held."""
    found: dict[int, frozenset[PartState]] = {}
    odd = select(_VALUE.execution_key, _VALUE.state).where(_VALUE.state != PartState.OK.value)
    for some in batches(execution_keys):
        for key, state in connection.execute(odd.where(_VALUE.execution_key.in_(some)).distinct()):
            found[key] = found.get(key, frozenset()) | {PartState(state)}
    return found

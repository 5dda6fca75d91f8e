"""Which executions there are to compare with the platform, and what of each is held."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, exists, func, select

from craftsync.records import Key
from craftsync.store.models import Environment, Execution, File, IoValue, LogLine
from craftsync.store.prepare import NOT_GOT
from craftsync.store.upsert import table_of

_EXECUTION, _ENVIRONMENT = table_of(Execution).c, table_of(Environment).c
_VALUE, _LINE = table_of(IoValue).c, table_of(LogLine).c
_IN_ORDER = (_EXECUTION.created_at, _EXECUTION.execution_id, _ENVIRONMENT.name)
_HERE = _EXECUTION.environment_key == _ENVIRONMENT.key


class Candidate(NamedTuple):
    """An execution, and what of it is held that can be fetched again.

    `lines` is how many lines of its log are held; a `gone` one cannot be fetched at all.
    """

    execution_key: int
    environment: str
    key: Key
    pipeline_name: str
    gone: bool
    lines: int
    logs: bool
    files: bool
    metrics: bool


def settled(connection: Connection, environments: Collection[str]) -> tuple[int, Iterator[int]]:
    """Return how many executions are settled and not gone, and their keys in order of time."""
    wanted = (
        _ENVIRONMENT.name.in_(environments),
        _EXECUTION.settled,
        _EXECUTION.gone_at.is_(None),
    )
    both = table_of(Execution).join(table_of(Environment), _HERE)
    count = connection.execute(select(func.count()).select_from(both).where(*wanted)).scalar_one()
    keys = select(_EXECUTION.key).select_from(both).where(*wanted).order_by(*_IN_ORDER)
    return count, _streamed(connection, keys)


def _streamed(connection: Connection, keys: Select[Any]) -> Iterator[int]:
    with connection.scalars(keys.execution_options(yield_per=10_000)) as found:
        yield from found


def candidates(connection: Connection, execution_keys: Collection[int]) -> list[Candidate]:
    """Return the executions with these keys, few enough for one statement, in order of time."""
    last_line = select(func.max(_LINE.line_number)).where(_LINE.execution_key == _EXECUTION.key)
    files = exists().where(
        _VALUE.execution_key == _EXECUTION.key,
        func.lower(_VALUE.data_type) == "file",
        _VALUE.state.not_in([state.value for state in NOT_GOT]),
    )
    statement = (
        select(
            _EXECUTION.key,
            _ENVIRONMENT.name,
            _EXECUTION.execution_id,
            _EXECUTION.created_at,
            _EXECUTION.pipeline_name,
            _EXECUTION.gone_at.is_not(None),
            last_line.scalar_subquery(),
            _EXECUTION.logs_state,
            files,
            _EXECUTION.metrics_state,
        )
        .select_from(table_of(Execution).join(table_of(Environment), _HERE))
        .where(_EXECUTION.key.in_(execution_keys))
        .order_by(*_IN_ORDER)
    )
    return [
        Candidate(
            execution_key=key,
            environment=environment,
            key=Key(execution_id, created_at),
            pipeline_name=pipeline,
            gone=bool(gone),
            lines=lines or 0,
            logs=logs not in NOT_GOT,
            files=bool(with_files),
            metrics=metrics is not None and metrics not in NOT_GOT,
        )
        for (
            key,
            environment,
            execution_id,
            created_at,
            pipeline,
            gone,
            lines,
            logs,
            with_files,
            metrics,
        ) in connection.execute(statement)
    ]


def largest_file(connection: Connection) -> int:
    """Return the size of the largest file that is held, in bytes; 0 without any."""
    return connection.execute(select(func.max(table_of(File).c.size_bytes))).scalar_one() or 0

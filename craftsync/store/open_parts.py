"""Parts that wait to be fetched by themselves, and how one of them is written when it comes.

The rest of their execution is final: its detail was read a settle time after its end.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from craftsync.records import FetchedPart, Key, PartKind, PartState
from craftsync.store import files
from craftsync.store.environments import Rev
from craftsync.store.models import Execution, IoValue, Part
from craftsync.store.parts import OPEN, pause_after, save_part_row
from craftsync.store.prepare import line_row, metric_rows
from craftsync.store.upsert import batches, table_of
from craftsync.store.wholes import replace_lines, replace_metrics

_EXECUTION, _PART, _VALUE = table_of(Execution).c, table_of(Part).c, table_of(IoValue).c
_OPEN = tuple(state.value for state in OPEN)


class OpenPart(NamedTuple):
    """A part that is not held. At `met_at` it was asked for, or met with its execution, last.

    Until then at least the content of the execution was as it is held.
    """

    execution_key: int
    key: Key
    pipeline_name: str
    kind: PartKind
    name: str
    state: PartState
    next_try_at: datetime | None
    size_bytes: int | None
    error: str | None
    met_at: datetime


def open_parts(
    connection: Connection, environment_key: int, *, recording: Collection[str] = ()
) -> Iterator[OpenPart]:
    """Give the parts in `error`, `pending` or `too_big` of executions that are not gone.

    Of the pipelines in `recording`, metrics that were never asked for are pending too.
    """
    known = (_EXECUTION.key, _EXECUTION.execution_id, _EXECUTION.created_at)
    statement = (
        select(
            *known,
            _EXECUTION.pipeline_name,
            _PART.part,
            _PART.name,
            _PART.state,
            _PART.next_try_at,
            _PART.size_bytes,
            _PART.error,
            _PART.attempts,
            _EXECUTION.fetched_at,
        )
        .join_from(table_of(Part), table_of(Execution), _PART.execution_key == _EXECUTION.key)
        .where(
            _EXECUTION.environment_key == environment_key,
            _EXECUTION.gone_at.is_(None),
            _PART.state.in_(_OPEN),
        )
    )
    # Few parts are open: whose they are is asked first. In one statement SQLite may begin with the
    # executions, and go through the whole history.
    theirs = select(_PART.execution_key).where(_PART.state.in_(_OPEN)).distinct()
    for some in batches(sorted(connection.scalars(theirs))):
        for row in connection.execute(statement.where(_EXECUTION.key.in_(some))):
            key, execution_id, created_at, pipeline, kind, name, state = row[:7]
            next_try_at, size_bytes, error, attempts, fetched_at = row[7:]
            met_at = fetched_at
            if next_try_at is not None:
                met_at = max(next_try_at - pause_after(attempts), fetched_at)
            yield OpenPart(
                key,
                Key(execution_id, created_at),
                pipeline,
                PartKind(kind),
                name,
                PartState(state),
                next_try_at,
                size_bytes,
                error,
                met_at,
            )
    for some in batches(sorted(recording)):
        never_asked = select(*known, _EXECUTION.pipeline_name, _EXECUTION.fetched_at).where(
            _EXECUTION.environment_key == environment_key,
            _EXECUTION.pipeline_name.in_(some),
            _EXECUTION.metrics_state.is_(None),
            _EXECUTION.gone_at.is_(None),
        )
        for key, execution_id, created_at, pipeline, fetched_at in connection.execute(never_asked):
            yield OpenPart(
                key,
                Key(execution_id, created_at),
                pipeline,
                PartKind.METRICS,
                "",
                PartState.PENDING,
                None,
                None,
                None,
                fetched_at,
            )


def part_states(
    connection: Connection, execution_keys: Collection[int]
) -> dict[tuple[int, str, str], str]:
    """Return the states of the parts that are not plainly held, by execution, kind and name."""
    statement = select(_PART.execution_key, _PART.part, _PART.name, _PART.state)
    return {
        (row[0], row[1], row[2]): row[3]
        for some in batches(execution_keys)
        for row in connection.execute(statement.where(_PART.execution_key.in_(some)))
    }


def save_part(
    connection: Connection,
    execution_key: int,
    fetched: FetchedPart,
    *,
    fetched_at: datetime,
    settles: bool,
    rev: Rev,
) -> None:
    """Write what came of a part that was asked for alone; what did not come changes its state.

    `settles`: with its log, the execution is whole and final. A file is closed here.
    """
    part = fetched.part
    changes: dict[str, Any] = {"rev": rev.number()}
    match part.kind:
        case PartKind.LOGS:
            changes["logs_state"] = part.state.value
            if fetched.lines is not None:
                lines = {execution_key: [line_row(line) for line in fetched.lines]}
                if replace_lines(connection, lines, {execution_key}):
                    part = replace(part, state=PartState.CAPPED)
                    changes["logs_state"] = part.state.value
            if part.state not in _OPEN:
                changes["settled"] = settles
        case PartKind.METRICS:
            changes["metrics_state"] = part.state.value
            if fetched.metrics is not None:
                metrics = metric_rows(fetched.metrics, connection.dialect.name)
                replace_metrics(connection, {execution_key: metrics}, {execution_key})
        case _:
            _save_value(connection, execution_key, fetched)
    connection.execute(
        update(table_of(Execution)).where(_EXECUTION.key == execution_key).values(**changes)
    )
    save_part_row(connection, execution_key, part, fetched_at=fetched_at)


def _save_value(connection: Connection, execution_key: int, fetched: FetchedPart) -> None:
    changes: dict[str, Any] = {"state": fetched.part.state.value}
    if fetched.part.size_bytes is not None:
        changes["size_bytes"] = fetched.part.size_bytes
    if fetched.file is not None:
        changes["file_sha256"] = fetched.file.sha256
        with fetched.file.content:
            files.put(connection, fetched.file)
    connection.execute(
        update(table_of(IoValue))
        .where(
            _VALUE.execution_key == execution_key,
            _VALUE.side == fetched.part.kind.value,
            _VALUE.name == fetched.part.name,
        )
        .values(**changes)
    )

"""An execution made ready to be written: rows in the driver's form, compressed, hashed.

Pure work without the database, so that many threads do it beside the one that writes.
"""

import hashlib
import json
import marshal
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from craftsync import times
from craftsync.records import (
    FileBytes,
    Key,
    LogLine,
    Metric,
    Part,
    PartKind,
    PartState,
    Step,
    Value,
    Whole,
)
from craftsync.store.base import driver_moment
from craftsync.store.upsert import Row

_FULL = len("2025-03-02T08:20:11.259324457Z")

LEVEL = 1  # of zlib: a third more bytes than level 6, for two thirds of its time

NOT_GOT = frozenset(
    {PartState.PENDING, PartState.ERROR, PartState.DENIED, PartState.TOO_BIG, PartState.GONE}
)
"""States in which a file was not fetched this time: what is held of it stays."""

# An instant in a driver's own form is hashed as its text, the same on every engine.
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=times.utc_text, check_circular=False)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One whole execution in the form of its rows, all but the keys of ours.

    `content` are the columns from `pipeline_name` to `detail_state`. `lines` and `metrics` are
    None where nothing was got, and what is held of them stays; `not_got` are the indexes of
    `values` whose file was not.
    """

    key: Key
    settled: bool
    fetched_at: Any
    fetch_sha256: str
    status: str | None
    deployment_name: str | None
    content: Row
    logs_state: str
    metrics_state: str | None
    exact: str | None
    steps: list[Row]
    values: list[Row]
    not_got: tuple[int, ...]
    lines: list[Row] | None
    metrics: list[Row] | None
    parts: tuple[Part, ...]
    raw_sha256: str
    raw_body: bytes
    files: tuple[FileBytes, ...]


def prepare(whole: Whole, *, dialect: str, fetched_at: datetime, settled: bool) -> Prepared:
    """Make the rows of an execution for the driver of `dialect`.

    `fetch_sha256` covers everything fetched and no time of ours, so that an equal one means that
    there is nothing to write.
    """
    execution = whole.execution
    moment = _Moments(dialect)
    values = (*execution.inputs, *execution.outputs)
    content = (
        execution.pipeline_name,
        execution.deployment_name,
        execution.status,
        execution.created_by,
        moment(execution.started_at),
        moment(execution.end_date),
        execution.commit_id,
        whole.state_of(PartKind.DETAIL).value,
    )
    steps = [_step(step, moment) for step in execution.steps]
    value_rows = [_value(value) for value in values]
    lines = None if whole.lines is None else [line_row(line) for line in whole.lines]
    metrics = None if whole.metrics is None else metric_rows(whole.metrics, dialect)
    logs_state, metrics_state = _logs_state(whole), _metrics_state(whole)
    parts = tuple({(part.kind, part.name): part for part in whole.parts}.values())
    return Prepared(
        key=execution.key,
        settled=settled,
        fetched_at=moment(fetched_at),
        fetch_sha256=_hash(
            lines,
            execution.raw.sha256,
            [*content, logs_state, metrics_state, execution.exact],
            steps,
            value_rows,
            metrics,
            [(one.kind, one.name, one.state, one.size_bytes, one.error) for one in parts],
        ),
        status=execution.status,
        deployment_name=execution.deployment_name,
        content=content,
        logs_state=logs_state,
        metrics_state=metrics_state,
        exact=execution.exact,
        steps=steps,
        values=value_rows,
        not_got=tuple(
            index
            for index, value in enumerate(values)
            if value.wants_file and value.state in NOT_GOT | {PartState.ABSENT}
        ),
        lines=lines,
        metrics=metrics,
        parts=parts,
        raw_sha256=execution.raw.sha256,
        raw_body=zlib.compress(execution.raw.body, LEVEL),
        files=whole.files,
    )


class _Moments:
    """Write instants as one dialect's driver takes them."""

    __slots__ = ("_dialect",)

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def __call__(self, value: datetime | None) -> str | datetime | None:
        return driver_moment(value, self._dialect)


def _logs_state(whole: Whole) -> str:
    state = whole.state_of(PartKind.LOGS)
    if whole.lines is None and state is PartState.OK:
        return PartState.PENDING.value  # held of an earlier fetch at best, not of this one
    return state.value


def _metrics_state(whole: Whole) -> str | None:
    """Return None where metrics were not asked for, which is most pipelines' case."""
    state = whole.state_of(PartKind.METRICS)
    if whole.metrics is None and state is PartState.OK:
        return None
    return state.value


def _step(step: Step, moment: _Moments) -> Row:
    return (
        step.position,
        step.step_name,
        step.status,
        moment(step.start_date),
        moment(step.end_date),
        step.commit_id,
        step.repository_url,
        step.repository_branch,
        step.requirements_path,
        step.origin,
        step.exact,
    )


def _value(value: Value) -> Row:
    return (
        value.side.value,
        value.position,
        value.name,
        value.data_type,
        value.via,
        value.endpoint_name,
        value.environment_variable_name,
        value.datastore_path,
        value.constant_value,
        value.is_null,
        value.value,
        value.value_text,
        value.value_number,
        value.state.value,
        value.file_sha256,
        value.size_bytes,
        value.exact,
    )


def line_row(line: LogLine) -> Row:
    """Make the row of a log line, but for its execution's key."""
    number, source, timestamp, counted, stream, message, kept = line
    if timestamp is not None and counted is not None and _gives_back(timestamp, counted):
        timestamp = None
    return (number, source, counted, timestamp, stream, message, kept)


def _gives_back(timestamp: str, counted: int) -> bool:
    """Whether the count of nanoseconds gives the platform's text back."""
    # Of nine digits and a Z no other text could have been read, but for 24:00 and a leap second.
    if len(timestamp) == _FULL and timestamp[10] == "T" and timestamp[-1] == "Z":
        return timestamp[11:13] != "24" and timestamp[17:19] != "60"
    return times.nanoseconds_text(counted) == timestamp


def metric_rows(metrics: Iterable[Metric], dialect: str) -> list[Row]:
    """Make the rows; a name that is a single metric and a list too goes on counting."""
    moment = _Moments(dialect)
    taken: set[tuple[str, int]] = set()
    rows = []
    for one in metrics:
        position = one.position
        while (one.name, position) in taken:
            position += 1
        taken.add((one.name, position))
        rows.append((one.name, position, one.value, one.value_text, moment(one.created_at)))
    return rows


def _hash(lines: list[Row] | None, *fetched: Any) -> str:
    digest = hashlib.sha256(_ENCODER.encode(fetched).encode())
    # Lines are numbers and text alone: this form of them is made four times as fast.
    digest.update(marshal.dumps(lines, 2))
    return digest.hexdigest()

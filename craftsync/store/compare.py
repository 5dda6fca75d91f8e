"""What is held of an execution against what was fetched of it again: what differs, in words.

What is not held is not compared. Logs are multisets: the platform may give their lines in another
order each time.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select

from craftsync.records import Metric, ObjectKind, PartKind, PartState, Raw, Side, Step, Whole
from craftsync.store import files, models, raw
from craftsync.store.base import driver_moment
from craftsync.store.compare_values import of_side
from craftsync.store.difference import Difference, named, same, told, unread
from craftsync.store.prepare import NOT_GOT, line_row, metric_rows, prepare
from craftsync.store.upsert import table_of
from craftsync.store.versions import differing_keys

__all__ = ["DAMAGED", "Difference", "damages", "differences", "is_as_fetched"]

DAMAGED = "the stored bytes are damaged"
_NO_MATTER = datetime.min.replace(tzinfo=UTC)  # no hash has it in it

_EXECUTION, _STEP = table_of(models.Execution), table_of(models.Step)
_VALUE, _METRIC = table_of(models.IoValue), table_of(models.Metric)
_LINE = table_of(models.LogLine)
_DETAIL = ("pipeline_name", "deployment_name", "status", "created_by", "end_date")
_OF_THE_STEPS = ("started_at", "commit_id")  # made of these, and worth a word where these are alike
_OF_A_STEP = [column.name for column in _STEP.c if column.name != "execution_key"]
_OF_A_LINE = [column for column in _LINE.c if column.name not in ("execution_key", "line_number")]


def differences(connection: Connection, execution_key: int, whole: Whole) -> Iterator[Difference]:
    """Tell what differs between an execution that is held and the same one as just fetched.

    What was not asked for is not compared; what was, and could not be read, is told too.
    """
    (held,) = _rows(connection, _EXECUTION, execution_key, column="key")
    changed = []
    drifts = list(_steps(_rows(connection, _STEP, execution_key), whole.execution.steps))
    for name in _DETAIL if drifts else _DETAIL + _OF_THE_STEPS:
        here, upstream = getattr(held, name), getattr(whole.execution, name)
        if not same(here, upstream):
            changed.append(name)
            yield Difference("detail", told(name, here, upstream))
    for drift in drifts:
        changed.append("steps")
        yield Difference("detail", drift)
    values = _rows(connection, _VALUE, execution_key)
    for side in Side:
        for difference in of_side([one for one in values if one.side == side], side, whole):
            changed.append(f"{side}s")
            yield difference
    yield from _unread_keys(connection, execution_key, whole.execution.raw, changed)
    yield from _logs(connection, held, whole)
    yield from _metrics(connection, held, whole)


def is_as_fetched(connection: Connection, execution_key: int, whole: Whole) -> bool:
    """Whether upstream gives what it gave when this was saved, so that a sync writes nothing.

    What differs then was changed or damaged in the store.
    """
    (held,) = _rows(connection, _EXECUTION, execution_key, column="key")
    again = prepare(
        whole, dialect=connection.dialect.name, fetched_at=_NO_MATTER, settled=held.settled
    )
    return bool(again.fetch_sha256 == held.fetch_sha256)


def damages(
    connection: Connection, execution_key: int, is_whole: Callable[[str], bool]
) -> Iterator[Difference]:
    """Tell what is stored of an execution in other bytes than were written.

    `is_whole` reads a file again, by its hash.
    """
    if _answer(connection, execution_key) is None:
        yield Difference("detail", DAMAGED)
    for value in _rows(connection, _VALUE, execution_key):
        sha256 = value.file_sha256
        if sha256 is None:
            continue
        if not is_whole(sha256) or value.size_bytes != files.size_of(connection, sha256):
            yield Difference(f"{value.side} {value.name}", DAMAGED)


def _rows(
    connection: Connection, table: Table, key: int, *, column: str = "execution_key"
) -> Sequence[Any]:
    """Return the rows of an execution in the order of their key."""
    return connection.execute(_of_one(table, column), {"its_key": key}).all()


@cache
def _of_one(table: Table, column: str) -> Select[Any]:
    """Return the statement, made once: to make it costs more than to run it."""
    its = table.c[column] == bindparam("its_key")
    return select(table).where(its).order_by(*table.primary_key.columns)


def _steps(held: Sequence[Any], upstream: Sequence[Step]) -> Iterator[str]:
    if len(held) != len(upstream):
        yield f"steps: {len(held)} here, {len(upstream)} upstream"
        return
    for mine, theirs in zip(held, upstream, strict=True):
        for name in _OF_A_STEP:
            here, there = getattr(mine, name), getattr(theirs, name)
            if not same(here, there):
                yield f"step {theirs.step_name or theirs.position}: {told(name, here, there)}"


def _answer(connection: Connection, execution_key: int) -> Raw | None:
    """Return the platform's answer that is kept, None where its bytes are not those written."""
    try:
        kept = raw.read(connection, ObjectKind.EXECUTION, execution_key)
    except zlib.error:
        return None
    return kept if kept and sha256(kept.body).hexdigest() == kept.sha256 else None


def _unread_keys(
    connection: Connection, execution_key: int, upstream: Raw, changed: Sequence[str]
) -> Iterator[Difference]:
    """Tell what differs in the answers beside what was `changed`: keys that no column shows."""
    if raw.hash_of(connection, ObjectKind.EXECUTION, execution_key) == upstream.sha256:
        return
    kept = _answer(connection, execution_key)
    if kept is None:
        return
    keys = differing_keys(kept.body.decode(), upstream.body.decode())
    if unsaid := [key for key in keys if key not in changed]:
        yield Difference("detail", f"the answer differs in {named(unsaid)}")


def _logs(connection: Connection, held: Any, whole: Whole) -> Iterator[Difference]:
    state = whole.state_of(PartKind.LOGS)
    if held.logs_state in NOT_GOT or state is PartState.PENDING:
        return  # not held, or not asked for
    if state in NOT_GOT:
        yield Difference("logs", unread(whole, PartKind.LOGS))
        return
    if state is PartState.ABSENT and held.logs_state == state:
        return  # what is held from a time when there was a log stays
    left = Counter(line_row(line)[1:] for line in whole.lines or ())
    fewer = 0
    lines = select(*_OF_A_LINE).where(_LINE.c.execution_key == held.key)
    with connection.execute(lines.execution_options(yield_per=1000)) as found:
        for row in found:
            line = tuple(row)
            if left[line] > 0:
                left[line] -= 1
            else:
                fewer += 1
    more = left.total()
    if PartState.CAPPED in (held.logs_state, state):
        fewer = 0  # the platform gives only some of them
    if more and fewer:
        yield Difference("logs", f"{_lines(fewer)} only here, {_lines(more)} only upstream")
    elif more:
        yield Difference("logs", f"{_lines(more, 'more')} upstream")
    elif fewer:
        yield Difference("logs", f"{_lines(fewer, 'fewer')} upstream")


def _lines(count: int, way: str = "") -> str:
    return f"{count:,} {'line' if count == 1 else 'lines'} {way}".rstrip()


def _metrics(connection: Connection, held: Any, whole: Whole) -> Iterator[Difference]:
    if held.metrics_state is None or held.metrics_state in NOT_GOT:
        return
    state = whole.state_of(PartKind.METRICS)
    if whole.metrics is None and state is not PartState.ABSENT:
        if state is not PartState.OK:
            yield Difference("metrics", unread(whole, PartKind.METRICS))
        return
    if state is PartState.ABSENT and held.metrics_state == state:
        return  # what is held from a time when there were some stays
    mine = _held_metrics(connection, held.key)
    theirs = _fetched_metrics(whole.metrics or (), connection.dialect.name)
    # What came no more stays, and is no drift.
    for name in sorted(theirs):
        here, upstream = mine[name], theirs[name]
        if len(here) != len(upstream):
            yield Difference("metrics", f"{name}: {len(here):,} here, {len(upstream):,} upstream")
        elif here != upstream:
            yield Difference("metrics", f"{name} differs")


def _held_metrics(connection: Connection, execution_key: int) -> dict[str, list[Any]]:
    """Return the values of each metric, in their order."""
    found: dict[str, list[Any]] = defaultdict(list)
    for row in _rows(connection, _METRIC, execution_key):
        recorded_at = driver_moment(row.created_at, connection.dialect.name)
        found[row.name].append((row.position, row.value, row.value_text, recorded_at))
    return found


def _fetched_metrics(metrics: Sequence[Metric], dialect: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for name, *value in sorted(metric_rows(metrics, dialect), key=lambda row: row[:2]):
        found[name].append(tuple(value))
    return found

"""What is held of an execution against what was fetched of it again: what differs, in words.

Both sides are redacted. Of a value it is said that it differs, and never what it is. What is not
held is not compared. Logs are multisets: their order may be another one each time they are read.
"""

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Table, select

from craftsync import times
from craftsync.records import ObjectKind, PartKind, PartState, Raw, Side, Step, Value, Whole
from craftsync.store import raw, relations
from craftsync.store.base import driver_moment
from craftsync.store.models import Execution, IoValue, LogLine, Metric
from craftsync.store.models import Step as StepRow
from craftsync.store.prepare import NOT_GOT, line_row, metric_rows
from craftsync.store.upsert import table_of
from craftsync.store.versions import differing_keys

_EXECUTION, _STEP = table_of(Execution), table_of(StepRow)
_VALUE, _LINE, _METRIC = table_of(IoValue), table_of(LogLine), table_of(Metric)

_DETAIL = ("pipeline_name", "deployment_name", "status", "created_by", "end_date")
_SHOWN = ("position", "data_type", "via")
_UNSHOWN = (
    "endpoint_name",
    "environment_variable_name",
    "datastore_path",
    "constant_value",
    "is_null",
)
_OF_A_VALUE = ("value", "value_text", "value_number", "exact")
_PUBLIC = {
    side: {column.sql.removeprefix("v."): name for name, column in relation.fields.items()}
    for side, relation in ((Side.INPUT, relations.INPUTS), (Side.OUTPUT, relations.OUTPUTS))
}
_LONGEST = 80  # characters of a text that is shown

DAMAGED = "the stored bytes are damaged"

V = TypeVar("V", bound=Any)


class Difference(NamedTuple):
    """What differs of one part: `detail`, `input NAME`, `output NAME`, `logs`, `metrics`."""

    part: str
    drift: str


def differences(
    connection: Connection, execution_key: int, whole: Whole
) -> Iterator[Difference]:
    """Tell what differs between an execution that is held and the same one as just fetched.

    What was not asked for is not compared; what was, and could not be read, is told too.
    """
    held = _rows(connection, _EXECUTION, "key", execution_key)[0]
    there = whole.execution
    changed = [name for name in _DETAIL if not _same(getattr(held, name), getattr(there, name))]
    for name in changed:
        yield Difference("detail", _told(name, getattr(held, name), getattr(there, name)))
    for drift in _steps(_rows(connection, _STEP, "execution_key", execution_key), there.steps):
        changed.append("steps")
        yield Difference("detail", drift)
    held_values = _rows(connection, _VALUE, "execution_key", execution_key)
    for side, values in ((Side.INPUT, there.inputs), (Side.OUTPUT, there.outputs)):
        mine = [value for value in held_values if value.side == side]
        for difference in _values(mine, values, side, whole):
            changed.append(f"{side}s")
            yield difference
    kept = _answer(connection, execution_key)
    if kept is not None and kept.sha256 != there.raw.sha256:
        keys = differing_keys(kept.body.decode(), there.raw.body.decode())
        if unsaid := [key for key in keys if key not in changed]:
            yield Difference("detail", f"the answer differs in {', '.join(unsaid)}")
    yield from _logs(connection, held, whole)
    yield from _metrics(connection, held, whole)


def damages(
    connection: Connection, execution_key: int, is_whole: Callable[[str], bool]
) -> Iterator[Difference]:
    """Tell what is stored of an execution in other bytes than were written.

    `is_whole` reads a file again, by its hash.
    """
    if _answer(connection, execution_key) is None:
        yield Difference("detail", DAMAGED)
    for value in _rows(connection, _VALUE, "execution_key", execution_key):
        if value.file_sha256 is not None and not is_whole(value.file_sha256):
            yield Difference(f"{value.side} {value.name}", DAMAGED)


def _rows(connection: Connection, table: Table, column: str, key: int) -> list[Any]:
    """Return the rows of an execution in the order of their key, instants as `datetime`."""
    found = select(table).where(table.c[column] == key).order_by(*table.primary_key.columns)
    return list(connection.execute(found))


def _answer(connection: Connection, execution_key: int) -> Raw | None:
    """Return the platform's answer that is kept, None where its bytes are no longer it."""
    try:
        kept = raw.read(connection, ObjectKind.EXECUTION, execution_key)
    except zlib.error:
        return None
    return kept if kept and sha256(kept.body).hexdigest() == kept.sha256 else None


def _steps(held: list[Any], there: tuple[Step, ...]) -> Iterator[str]:
    if len(held) != len(there):
        yield f"steps: {len(held)} here, {len(there)} upstream"
        return
    for mine, step in zip(held, there, strict=True):
        for name in _STEP.c.keys()[1:]:
            here, upstream = getattr(mine, name), getattr(step, name)
            if not _same(here, upstream):
                yield f"step {step.step_name or step.position} {_told(name, here, upstream)}"


def _values(
    held: list[Any], there: tuple[Value, ...], side: Side, whole: Whole
) -> Iterator[Difference]:
    mine, theirs = _by_name(held), _by_name(there)
    for key in sorted(mine.keys() | theirs.keys()):
        part = f"{side} {key[0]}"
        if key not in theirs:
            yield Difference(part, "only here")
        elif key not in mine:
            yield Difference(part, "only upstream")
        else:
            for drift in _value(mine[key], theirs[key], whole):
                yield Difference(part, drift)


def _by_name(values: Iterable[V]) -> dict[tuple[str, int], V]:
    """Return values by their name, and how many had it before."""
    seen: Counter[str] = Counter()
    found: dict[tuple[str, int], V] = {}
    for value in values:
        found[value.name, seen[value.name]] = value
        seen[value.name] += 1
    return found


def _value(mine: Any, theirs: Value, whole: Whole) -> Iterator[str]:
    public = _PUBLIC[theirs.side]
    for name in _SHOWN + _UNSHOWN:
        here, upstream = getattr(mine, name), getattr(theirs, name)
        if not _same(here, upstream):
            word = public.get(name, name)
            yield _told(word, here, upstream) if name in _SHOWN else f"{word} differs"
    kinds = {(value.data_type or "").lower() == "file" for value in (mine, theirs)}
    if kinds == {True}:
        yield from _file(mine, theirs, whole)
    elif kinds == {False}:
        if (mine.value is None) != (theirs.value is None):
            yield "no value upstream" if theirs.value is None else "a value upstream, none here"
        elif not all(_same(getattr(mine, name), getattr(theirs, name)) for name in _OF_A_VALUE):
            yield "value differs"
        elif mine.state != theirs.state:
            yield _told("state", mine.state, theirs.state)


def _file(mine: Any, theirs: Value, whole: Whole) -> Iterator[str]:
    if mine.state in NOT_GOT or theirs.state is PartState.PENDING:
        return
    if theirs.state is PartState.TOO_BIG and mine.file_sha256 is not None:
        yield f"the file is larger upstream than the {mine.size_bytes:,} bytes here"
    elif theirs.state in NOT_GOT:
        yield _unread(whole, PartKind(theirs.side), theirs.name)
    elif mine.file_sha256 != theirs.file_sha256:
        if mine.file_sha256 is None or theirs.file_sha256 is None:
            yield "no file upstream" if mine.file_sha256 else "a file upstream, none here"
        elif mine.size_bytes == theirs.size_bytes:
            yield "the file differs"
        else:
            yield f"the file: {mine.size_bytes:,} bytes here, {theirs.size_bytes:,} upstream"


def _logs(connection: Connection, held: Any, whole: Whole) -> Iterator[Difference]:
    state = whole.state_of(PartKind.LOGS)
    if held.logs_state in NOT_GOT or state is PartState.PENDING:
        return
    if whole.lines is None:
        yield Difference("logs", _unread(whole, PartKind.LOGS))
        return
    left = Counter(line_row(line)[1:] for line in whole.lines)
    fewer = 0
    content = select(*_LINE.c.values()[2:]).where(_LINE.c.execution_key == held.key)
    for row in connection.execute(content.execution_options(yield_per=1000)):
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
    elif more or fewer:
        way = "more" if more else "fewer"
        yield Difference("logs", f"{_lines(more or fewer, way)} upstream")


def _metrics(connection: Connection, held: Any, whole: Whole) -> Iterator[Difference]:
    if held.metrics_state is None or held.metrics_state in NOT_GOT:
        return
    if whole.metrics is None:
        if whole.state_of(PartKind.METRICS) is not PartState.OK:
            yield Difference("metrics", _unread(whole, PartKind.METRICS))
        return
    dialect = connection.dialect.name
    mine: dict[str, list[Any]] = defaultdict(list)
    for row in _rows(connection, _METRIC, "execution_key", held.key):
        values = (row.value, row.value_text, driver_moment(row.created_at, dialect))
        mine[row.name].append(values)
    theirs: dict[str, list[Any]] = defaultdict(list)
    for name, _, *values in sorted(metric_rows(whole.metrics, dialect), key=lambda row: row[:2]):
        theirs[name].append(tuple(values))
    for name in sorted(mine.keys() | theirs.keys()):
        here, upstream = mine[name], theirs[name]
        if len(here) != len(upstream):
            yield Difference("metrics", f"{name}: {len(here):,} here, {len(upstream):,} upstream")
        elif here != upstream:
            yield Difference("metrics", f"{name} differs")


def _unread(whole: Whole, kind: PartKind, name: str = "") -> str:
    """Say why a part could not be read, in words that are redacted."""
    why = {(part.kind, part.name): part.error or part.state.value for part in whole.parts}
    return f"could not be read: {why.get((kind, name), '')}"


def _lines(count: int, way: str = "") -> str:
    return " ".join(filter(None, (f"{count:,}", "line" if count == 1 else "lines", way)))


def _told(name: str, here: object, upstream: object) -> str:
    shown = [_text(here), _text(upstream)]
    if max(map(len, shown)) > _LONGEST:
        return f"{name} differs"
    return f"{name}: {shown[0]} here, {shown[1]} upstream"


def _text(value: object) -> str:
    if value is None:
        return "none"
    return times.utc_text(value) if isinstance(value, datetime) else str(value)


def _same(here: object, upstream: object) -> bool:
    """Whether two cells say the same; of JSON objects the order of the keys says nothing."""
    if here == upstream:
        return True
    if not (isinstance(here, str) and isinstance(upstream, str)):
        return False
    if not (here[:1] in ("{", "[") and here[:1] == upstream[:1]):
        return False
    try:
        return bool(_parsed(here) == _parsed(upstream))
    except (ValueError, RecursionError):
        return False


def _parsed(text: str) -> Any:
    """Read JSON so that numbers are compared by their digits, and are no strings of them."""

    def number(digits: str) -> tuple[str]:
        return (digits,)

    return json.loads(text, parse_int=number, parse_float=number)

"""The parts of executions written in the place of what is held of them.

What was not got this time stays as it is held: the rows of a part that has none now, and the
file of a value that could not be fetched, or that upstream has no more.
"""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from operator import attrgetter

from sqlalchemy import Connection, select

from craftsync.records import ObjectKind
from craftsync.store import dropped, files, raw
from craftsync.store.models import IoValue, LogLine, Metric, Step
from craftsync.store.parts import note_capped, save_parts
from craftsync.store.prepare import Prepared
from craftsync.store.upsert import Row, batches, replace_children, table_of

_VALUE = table_of(IoValue)
_COLUMNS = tuple(_VALUE.c.keys())
_SIDE, _NAME = _COLUMNS.index("side"), _COLUMNS.index("name")
_KEPT = ("value", "value_text", "value_number", "file_sha256", "size_bytes")
_KEPT_AT = tuple(map(_COLUMNS.index, _KEPT))


def replace_wholes(
    connection: Connection,
    keyed: Sequence[tuple[int, Prepared]],
    old_keys: Sequence[int],
    *,
    at: datetime,
    anew: Set[int] = frozenset(),
) -> None:
    """Write the parts of executions; `old_keys` are the ones that may have some already.

    What is held of those in `anew` may be damaged.
    """
    old = set(old_keys)
    # In one order, so that no two runs wait for each other.
    for file in sorted((file for _, one in keyed for file in one.files), key=attrgetter("sha256")):
        files.put(connection, file)
    steps = [(key, *row) for key, one in keyed for row in one.steps]
    replace_children(connection, Step, old_keys, steps)
    replace_children(connection, IoValue, old_keys, _values(connection, keyed, old))
    lines = {key: one.lines for key, one in keyed if one.lines is not None}
    longer = replace_lines(connection, lines, old, anew=anew)
    metrics = {key: one.metrics for key, one in keyed if one.metrics is not None}
    replace_metrics(connection, metrics, old, anew=anew)
    save_parts(connection, [(key, one.parts, one.fetched_at) for key, one in keyed], old, at=at)
    note_capped(connection, {key: one.fetched_at for key, one in keyed if key in longer})
    answers = [
        (ObjectKind.EXECUTION.value, key, one.raw_sha256, one.raw_body) for key, one in keyed
    ]
    raw.keep(connection, answers)


def replace_lines(
    connection: Connection,
    came: Mapping[int, Sequence[Row]],
    old: Set[int],
    *,
    anew: Set[int] = frozenset(),
) -> Set[int]:
    """Write the lines of executions, of which those in `old` may have some already.

    Returns those of which more is held than came.
    """
    held = {key: rows for key, rows in came.items() if key in old}
    written = dropped.lines_to_write(connection, held, anew=anew)
    rows = {key: rows for key, rows in came.items() if key not in old} | written
    every = [(key, *row) for key, lines in rows.items() for row in lines]
    replace_children(connection, LogLine, list(written), every)
    return {key for key, lines in written.items() if len(lines) > len(came[key])}


def replace_metrics(
    connection: Connection,
    came: Mapping[int, Sequence[Row]],
    old: Set[int],
    *,
    anew: Set[int] = frozenset(),
) -> None:
    """Write the metrics of executions, of which those in `old` may have some already.

    Of those in `anew` nothing else stays.
    """
    held = {key: rows for key, rows in came.items() if key in old}
    whole = {key: rows for key, rows in held.items() if key not in anew}
    kept = dropped.metrics_to_keep(connection, whole)
    every = [(key, *row) for key, rows in came.items() for row in (*rows, *kept.get(key, ()))]
    replace_children(connection, Metric, list(held), every)


def _values(
    connection: Connection, keyed: Sequence[tuple[int, Prepared]], old: Set[int]
) -> list[Row]:
    """Make the rows of values, with the files that are held and were not got this time."""
    held = _held_files(connection, [key for key, one in keyed if key in old and one.not_got])
    rows: list[Row] = []
    for key, one in keyed:
        first = len(rows)
        rows += [(key, *row) for row in one.values]
        for index in one.not_got:
            row = rows[first + index]
            kept = held.get((key, row[_SIDE], row[_NAME]))
            if kept:
                rows[first + index] = _with(row, kept)
    return rows


def _with(row: Row, kept: Row) -> Row:
    mixed = list(row)
    for index, value in zip(_KEPT_AT, kept, strict=True):
        mixed[index] = value
    return tuple(mixed)


def _held_files(connection: Connection, keys: Sequence[int]) -> dict[tuple[int, str, str], Row]:
    columns = _VALUE.c
    statement = select(
        columns.execution_key, columns.side, columns.name, *(columns[name] for name in _KEPT)
    ).where(columns.file_sha256.is_not(None))
    return {
        (row[0], row[1], row[2]): tuple(row[3:])
        for some in batches(keys)
        for row in connection.execute(statement.where(columns.execution_key.in_(some)))
    }

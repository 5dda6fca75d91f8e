"""What upstream showed once and does not show any more: it stays, beside what came.

A log may come shorter than it is held, because the platform caps its answers or drops what is old;
a metric may come no more. What is held of them is never taken away by what came.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from sqlalchemy import Connection, func, select

from craftsync.store.base import driver_moment
from craftsync.store.models import LogLine, Metric
from craftsync.store.upsert import Row, batches, table_of

_LINE, _METRIC = table_of(LogLine), table_of(Metric)
_OF_A_LINE = [column for column in _LINE.c if column.name != "execution_key"]
_OF_A_METRIC = [
    *(_METRIC.c[name] for name in ("name", "position", "value", "value_text", "created_at"))
]
_NUMBER, _SOURCE, _AT = 0, 1, 2  # in the row of a line without its execution
_NAME = 0  # in the row of a metric without its execution


def lines_to_write(
    connection: Connection,
    came: Mapping[int, Sequence[Row]],
    *,
    anew: Set[int] = frozenset(),
) -> dict[int, Sequence[Row]]:
    """Return the lines to be written in the place of those held, by execution.

    `came` are lines that just came, of executions that may have some already, without their keys.
    What is held of those in `anew` may be damaged: of these only a longer log is looked into.
    """
    columns = _LINE.c
    statement = select(
        columns.execution_key, func.count(), func.min(columns.timestamp_ns)
    ).group_by(columns.execution_key)
    written = dict(came)
    for some in batches(came):
        for key, count, first in connection.execute(
            statement.where(columns.execution_key.in_(some))
        ):
            longer = count > len(came[key])
            if longer or (key not in anew and _begins_before(first, came[key])):
                written[key] = together(_held(connection, key), came[key])
    return written


def together(held: Sequence[Row], came: Sequence[Row]) -> Sequence[Row]:
    """Put what came in the place of what is held of the same time; what lies around it stays."""
    if not Counter(map(_content, came)) - Counter(map(_content, held)):
        return held
    times = [row[_AT] for row in came if row[_AT] is not None]
    if not times:
        return came
    first, last = min(times), max(times)
    before = [row for row in held if row[_AT] is not None and row[_AT] < first]
    after = [row for row in held if row[_AT] is not None and row[_AT] > last]
    before += _more_at(first, held, came, from_the_end=False)
    if last != first:
        after = _more_at(last, held, came, from_the_end=True) + after
    if not before and not after:
        return came
    ordered = sorted([*before, *came, *after], key=lambda row: row[_SOURCE])
    return [(number, *row[1:]) for number, row in enumerate(ordered, start=1)]


def metrics_to_keep(
    connection: Connection, came: Mapping[int, Sequence[Row]]
) -> dict[int, list[Row]]:
    """Return the metrics held of whose names none came, by execution; without their keys."""
    kept: dict[int, list[Row]] = {}
    names = {key: {row[_NAME] for row in rows} for key, rows in came.items()}
    for some in batches(came):
        statement = select(_METRIC.c.execution_key, *_OF_A_METRIC)
        for key, *row, born in connection.execute(
            statement.where(_METRIC.c.execution_key.in_(some))
        ):
            if row[_NAME] not in names[key]:
                moment = driver_moment(born, connection.dialect.name)
                kept.setdefault(key, []).append((*row, moment))
    return kept


def _begins_before(first: int | None, came: Sequence[Row]) -> bool:
    times = [row[_AT] for row in came if row[_AT] is not None]
    return first is not None and bool(times) and first < min(times)


def _held(connection: Connection, key: int) -> list[Row]:
    statement = select(*_OF_A_LINE).where(_LINE.c.execution_key == key)
    return [tuple(row) for row in connection.execute(statement.order_by(_LINE.c.line_number))]


def _content(row: Row) -> Row:
    return row[1:]


def _more_at(at: int, held: Sequence[Row], came: Sequence[Row], *, from_the_end: bool) -> list[Row]:
    """Return the lines of one instant at the edge of what came of which more are held."""
    mine = [row for row in held if row[_AT] == at]
    more = max(len(mine) - sum(row[_AT] == at for row in came), 0)
    return mine[len(mine) - more :] if from_the_end else mine[:more]

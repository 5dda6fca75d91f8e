"""What upstream showed once and does not show any more: it stays, beside what came.

A log may come shorter than it is held, because the platform caps its answers or drops what is old;
a metric may come no more. What is held of them is never taken away by what came.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from sqlalchemy import Connection, Subquery, func, select

from craftsync.store.base import driver_moment
from craftsync.store.models import LogLine, Metric
from craftsync.store.upsert import Row, batches, table_of

_LINE, _METRIC = table_of(LogLine), table_of(Metric)
_OF_A_LINE = [column for column in _LINE.c if column.name != "execution_key"]
_OF_A_METRIC = [
    *(_METRIC.c[name] for name in ("name", "position", "value", "value_text", "created_at"))
]
_SOURCE, _AT = 1, 2  # in the row of a line without its execution
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
    first = func.min(columns.timestamp_ns).label("first")
    statement = select(columns.execution_key, func.count(), first).group_by(columns.execution_key)
    written = dict(came)
    for some in batches(came):
        mine = statement.where(columns.execution_key.in_(some))
        at_first = _at_first(connection, mine.subquery())
        for key, count, begins in connection.execute(mine):
            longer = count > len(came[key])
            if longer or (key not in anew and _lacks_some(begins, at_first.get(key, 0), came[key])):
                held = _held(connection, key)
                written[key] = together(held, came[key], may_be_damaged=key in anew)
    return written


def together(
    held: Sequence[Row], came: Sequence[Row], *, may_be_damaged: bool = False
) -> Sequence[Row]:
    """Put what came in the place of what is held of the same time; what lies around it stays.

    Of the instants at the edges, and of lines without a time, as many stay as are held. Where what
    is held may be damaged, only what lies around.
    """
    if not (may_be_damaged or Counter(map(_content, came)) - Counter(map(_content, held))):
        return held
    times = [row[_AT] for row in came if row[_AT] is not None]
    first, last = (min(times), max(times)) if times else (None, None)
    before, after = [], []
    for row in held:
        at = row[_AT]
        if at is not None and (last is None or at > last):
            after.append(row)
        elif at is not None and first is not None and at < first:
            before.append(row)
    if not may_be_damaged:
        before = _more_at(None, held, came) + before
        if first is not None:
            before += _more_at(first, held, came)
        if last is not None and last != first:
            after = _more_at(last, held, came) + after
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


def _at_first(connection: Connection, firsts: Subquery) -> dict[int, int]:
    """Return how many lines are held of the first instant of each log."""
    columns = _LINE.c
    statement = (
        select(columns.execution_key, func.count())
        .join(
            firsts,
            (columns.execution_key == firsts.c.execution_key)
            & (columns.timestamp_ns == firsts.c.first),
        )
        .group_by(columns.execution_key)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def _lacks_some(first: int | None, at_first: int, came: Sequence[Row]) -> bool:
    """Whether what came begins later than what is held, or has less of its first instant."""
    times = [row[_AT] for row in came if row[_AT] is not None]
    if first is None or not times:
        return False
    return first < min(times) or (first == min(times) and at_first > times.count(first))


def _held(connection: Connection, key: int) -> list[Row]:
    statement = select(*_OF_A_LINE).where(_LINE.c.execution_key == key)
    return [tuple(row) for row in connection.execute(statement.order_by(_LINE.c.line_number))]


def _content(row: Row) -> Row:
    return row[1:]


def _more_at(at: int | None, held: Sequence[Row], came: Sequence[Row]) -> list[Row]:
    """Return the lines of one instant that are held and did not come, if more are held."""
    mine = [row for row in held if row[_AT] == at]
    theirs = [row for row in came if row[_AT] == at]
    more = len(mine) - len(theirs)
    if more <= 0:
        return []
    left = Counter(map(_content, theirs))
    other = []
    for row in mine:
        if left[_content(row)] > 0:
            left[_content(row)] -= 1
        else:
            other.append(row)
    return other[:more]

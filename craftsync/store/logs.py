"""Log lines as the platform wrote them: its own time text, and messages to the letter."""

import json
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, false, func, select

from craftsync import times
from craftsync.store.models import LogLine
from craftsync.store.upsert import table_of

_LINE = table_of(LogLine).c
_COUNTED = range(-(1 << 63), 1 << 63)  # what a database holds: the years 1677 to 2262
_SHOWN = (
    _LINE.line_number,
    _LINE.timestamp_ns,
    _LINE.timestamp_text,
    _LINE.stream,
    _LINE.message,
    _LINE.exact,
)


def log_lines(
    connection: Connection,
    execution_key: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    tail: int | None = None,
    stream: str | None = None,
    exact: bool = False,
) -> Generator[dict[str, Any]]:
    """Give `line_number, timestamp, stream, message` of a log, in the platform's order.

    `limit` takes the first lines, `tail` the last; `since` and `until` are half open, and leave
    out lines without a readable time; `stream` is compared without case. With `exact` a message may
    hold NUL and lone surrogates.
    """
    statement = select(*_SHOWN).where(_LINE.execution_key == execution_key)
    if since is not None:
        statement = statement.where(_not_before(since))
    if until is not None:
        statement = statement.where(_before(until))
    if stream is not None:
        statement = statement.where(func.lower(_LINE.stream) == func.lower(stream))
    if tail is not None:
        last = connection.execute(statement.order_by(_LINE.line_number.desc()).limit(tail)).all()
        yield from (_shown(row, exact=exact) for row in reversed(last))
        return
    yield from _from_the_first(connection, statement.limit(limit), exact=exact)


def _from_the_first(
    connection: Connection, statement: Select[Any], *, exact: bool
) -> Iterator[dict[str, Any]]:
    ordered = statement.order_by(_LINE.line_number).execution_options(yield_per=1000)
    with connection.execute(ordered) as found:
        for row in found:
            yield _shown(row, exact=exact)


def _shown(row: Any, *, exact: bool) -> dict[str, Any]:
    number, counted, said, stream, message, kept = row
    if said is None and counted is not None:
        said = times.nanoseconds_text(counted)
    if exact and kept is not None:
        message = json.loads(kept)
    return {"line_number": number, "timestamp": said, "stream": stream, "message": message}


def _not_before(moment: datetime) -> ColumnElement[bool]:
    counted = _nanoseconds(moment)
    if counted in _COUNTED:
        return _LINE.timestamp_ns >= counted
    return false() if counted > 0 else _LINE.timestamp_ns.is_not(None)


def _before(moment: datetime) -> ColumnElement[bool]:
    counted = _nanoseconds(moment)
    if counted in _COUNTED:
        return _LINE.timestamp_ns < counted
    return _LINE.timestamp_ns.is_not(None) if counted > 0 else false()


def _nanoseconds(moment: datetime) -> int:
    return (moment - times.EPOCH) // timedelta(microseconds=1) * 1000

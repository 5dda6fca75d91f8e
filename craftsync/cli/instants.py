"""Instants as they are printed: in UTC as the store writes them, or with the offset of a zone."""

from datetime import UTC, datetime, timedelta, tzinfo

from craftsync import times


def text(moment: datetime, tz: tzinfo | None = None) -> str:
    """Write an instant; a naive one, as DuckDB gives it, is in UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if tz is None:
        return times.utc_text(aware)
    return times.in_zone(aware, tz).isoformat(timespec="microseconds")


def of_cell(cell: object, tz: tzinfo | None = None) -> str:
    """Write the cell of an instant column, which SQLite gives as text in the form of the store."""
    if isinstance(cell, datetime):
        return text(cell, tz)
    if tz is None:
        return str(cell)
    try:
        return text(times.parse_utc_text(str(cell)), tz)
    except ValueError:
        return str(cell)


def of_line(said: str | None, tz: tzinfo | None = None) -> str | None:
    """Write the time of a log line in a zone, to the nanosecond; without one as it was said."""
    counted = None if said is None or tz is None else times.nanoseconds(said)
    if counted is None:
        return said
    second, fraction = divmod(counted, 1_000_000_000)
    written = times.in_zone(times.EPOCH + timedelta(seconds=second), tz).isoformat()
    return f"{written[:19]}.{fraction:09d}{written[19:]}"

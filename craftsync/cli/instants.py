"""Instants as they are printed: in UTC as the store writes them, or with the offset of a zone."""

from datetime import UTC, datetime, tzinfo

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

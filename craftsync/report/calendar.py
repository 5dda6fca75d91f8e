"""The buckets of time of a report: so few that they can be seen, cut as the questions cut them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)
_DAYS, _WEEKS = 62, 430  # days of a history up to which it is shown by day, and by week


def back(moment: datetime, length: timedelta) -> datetime:
    """Return the moment so long before; the beginning of the calendar where there is none."""
    try:
        return moment - length
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def buckets(
    since: datetime, until: datetime, *, first: datetime | None, last: datetime | None
) -> tuple[str, tuple[datetime, ...]]:
    """Return a width, `day`, `week` or `month`, and the starts of all buckets of a period.

    A long period is shown from its `first` run to its `last`; without one there is no bucket.
    """
    if first is None or last is None:
        return "day", ()
    if until - since <= _DAYS * DAY:
        return "day", tuple(_from("day", since, until))
    days = (last - first).days
    by = "day" if days < _DAYS else "week" if days < _WEEKS else "month"
    return by, tuple(_from(by, first, last + timedelta.resolution))


def _from(by: str, first: datetime, end: datetime) -> Iterator[datetime]:
    moment = _start(by, first)
    while moment < end:
        yield moment
        try:
            moment = _next(by, moment)
        except OverflowError:  # the calendar ends
            return


def _start(by: str, moment: datetime) -> datetime:
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if by == "week":
        return back(midnight, midnight.weekday() * DAY)
    return midnight.replace(day=1) if by == "month" else midnight


def _next(by: str, moment: datetime) -> datetime:
    if by == "month":
        return _start("month", moment + 31 * DAY)
    return moment + (7 if by == "week" else 1) * DAY

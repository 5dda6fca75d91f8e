"""Figures as people read them: numbers with their units, what is unknown as a dash.

The minus is a true one, and stands at the same width as a digit.
"""

from datetime import UTC, datetime, timedelta, tzinfo

from craftsync import times
from craftsync.report.figures import FEW, Compared, Figures, Trend
from craftsync.report.model import Report

NONE = "\N{EN DASH}"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SURE = 0.9995


def count(number: int) -> str:
    """Write a number of things."""
    return f"{number:,}"


def things(number: int, one: str, many: str | None = None) -> str:
    """Write a number with what it counts."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def share(rate: float | None) -> str:
    """Write a share in per cent; what is not quite nothing, or all, never looks like it."""
    if rate is None:
        return NONE
    if 0 < rate < 1 - _SURE:
        return "< 0.1 %"
    if _SURE < rate < 1:
        return "> 99.9 %"
    return f"{100 * rate:.1f} %"


def points(delta: float | None) -> str:
    """Write the difference of two shares, in points of a per cent."""
    return NONE if delta is None else _signed(f"{100 * delta:+.1f} pt")


def judged(said: str, trend: Trend) -> str:
    """Write a change that can be judged; of few runs, now or before, it says nothing."""
    return NONE if trend is Trend.UNKNOWN else said


def change(changed: float | None) -> str:
    """Write new/old - 1."""
    if changed is None:
        return NONE
    if changed >= 1:
        return f"\N{MULTIPLICATION SIGN} {changed + 1:,.1f}"
    return _signed(f"{100 * changed:+.0f} %")


def _signed(text: str) -> str:
    """Write a minus as one, and no sign before nothing."""
    figure = text.partition(" ")[0]
    return text[1:] if float(figure) == 0 else text.replace("-", "\N{MINUS SIGN}")


def seconds(length: float | None) -> str:
    """Write a length of time in the unit that fits it."""
    if length is None:
        return NONE
    size, sign = abs(length), "\N{MINUS SIGN}" if length < 0 else ""
    if size < 1:
        return f"{sign}{size:.2f} s"
    if size < 10 * _MINUTE:
        return f"{sign}{size:.1f} s"
    if size < 2 * _HOUR:
        return f"{sign}{size / _MINUTE:.1f} min"
    if size < 2 * _DAY:
        return f"{sign}{size / _HOUR:.1f} h"
    return f"{sign}{size / _DAY:,.1f} d"


def number(value: float | None) -> str:
    """Write a figure of the user's own, in four digits."""
    return NONE if value is None else f"{value:,.4g}".replace("-", "\N{MINUS SIGN}")


def moment(at: datetime | None, tz: tzinfo | None = None) -> str:
    """Write an instant to the minute."""
    return NONE if at is None else f"{times.in_zone(at, tz):%Y-%m-%d %H:%M}"


def zone(at: datetime, tz: tzinfo | None = None) -> str:
    """Name the zone that instants are written in."""
    return "UTC" if tz is None else times.in_zone(at, tz).tzname() or str(tz)


def length(period: timedelta) -> str:
    """Write how long a period is, as one would ask for it."""
    whole = round(period.total_seconds())
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if whole % size == 0 or whole >= 3 * size:
            return things(round(whole / size), unit)
    return things(whole, "second")


def rate(figures: Figures) -> str:
    """Write the failure rate, marked where it is of few runs."""
    if figures.ended == 0 or not figures.is_few:
        return share(figures.failure_rate)
    return f"{share(figures.failure_rate)} of {figures.ended}"


def interval(figures: Figures) -> str:
    """Write where the failure rate lies with 95 % of certainty."""
    return f"{share(figures.ci_low)} to {share(figures.ci_high)}"


def in_short(report: Report) -> list[str]:
    """Say in sentences what happened, what is new, and what needs somebody."""
    total, now = report.total, report.total.now
    if report.is_empty:
        return nothing(report)
    sentences = [_failing(total, length(report.length))]
    if now.error:
        were = "was an error" if now.error == 1 else "were errors"
        sentences.append(f"{now.error:,} of them {were} of the platform.")
    if now.is_few:
        sentences.append(
            f"Only {things(now.ended, 'run')} ended: a rate of fewer than {FEW} says little."
        )
    if report.compares_with_less:
        sentences.append(f"The history begins within the {length(report.length)} before.")
    if found := _needs_somebody(report):
        sentences.append(f"To look at: {', '.join(found)}.")
    return sentences


def nothing(report: Report) -> list[str]:
    """Say kindly that nothing ran, and where there is something to see."""
    extent = report.extent
    if extent.newest_at is None or extent.oldest_at is None:
        if report.pipeline_name or report.environment:
            return ["The mirror holds no execution of these. What it holds: `craftsync runs`"]
        return ["The mirror holds no execution yet. After a first `craftsync sync` it will."]
    since, until = extent.oldest_at.date(), extent.newest_at.date() + timedelta(days=1)
    return [
        "Nothing ran in this time.",
        f"The mirror holds {things(extent.held, 'execution')}, the newest of"
        f" {moment(extent.newest_at)} UTC. To see all:"
        f" `craftsync report --since {since} --until {until}`",
    ]


def _failing(total: Compared, ago: str) -> str:
    now, before = total.now, total.before
    if not now.ended:
        return f"Of {things(now.runs, 'run')} none has ended yet."
    if not now.bad:
        said = f"None of {things(now.ended, 'run')} failed"
    else:
        said = f"{now.bad:,} of {things(now.ended, 'run')} failed ({share(now.failure_rate)})"
    if not before.ended:
        return f"{said}; there is nothing from the {ago} before to compare with."
    held = f"the {ago} before ({share(before.failure_rate)} of {before.ended:,})"
    match total.failing:
        case Trend.WORSE:
            return f"{said}, more than in {held}."
        case Trend.BETTER:
            return f"{said}, fewer than in {held}."
        case Trend.SAME:
            return f"{said}, no clear change from {held}."
        case _:
            return f"{said}; the {ago} before had too few to compare with."


def _needs_somebody(report: Report) -> list[str]:
    figures = report.figures
    worse = sum(one.compared.failing is Trend.WORSE for one in report.groups)
    named = (
        (worse, "deployment that fails more", "deployments that fail more"),
        (len(report.regressions), "commit that made it worse", "commits that made it worse"),
        (int(figures["new_errors"] or 0), "new error", "new errors"),
        (len(report.stuck), "stuck run", "stuck runs"),
        (int(figures["missed"] or 0), "missed run of a schedule", "missed runs of a schedule"),
        (int(figures["drifted"] or 0), "output that moved", "outputs that moved"),
    )
    return [things(number, one, many) for number, one, many in named if number]


def span(since: datetime, until: datetime) -> str:
    """Name a period by its days, in UTC."""
    first, last = since.astimezone(UTC), until.astimezone(UTC) - timedelta.resolution
    if last < first or first.date() == last.date():
        return f"{first:%-d %B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first:%-d} {NONE} {last:%-d %B %Y}"
    year = "" if first.year == last.year else " %Y"
    return f"{first:%-d %B{year}} {NONE} {last:%-d %B %Y}"

"""The geometry of the charts of a page: where marks stand, and nothing of how they look.

Across, places are in per cent of the width, so that a chart fits any screen and its text keeps its
size; lines and areas are drawn in a box of their own, `ACROSS` wide, that is stretched. Downwards
they are pixels.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from craftsync.report import words
from craftsync.report.figures import Outcomes
from craftsync.report.model import Length, Report
from craftsync.report.scales import Tick, ceiling, grid_of

ACROSS = 1000
_TICKS = 8
_HEAT = (0.0, 0.05, 0.15, 0.35)
_GAP = 0.18  # of a bucket, between two bars


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar: what it counts, and from where how far down it reaches."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bucket: a bar of segments, and the whole column, which tells its figures."""

    x: float
    width: float
    column_x: float
    column_width: float
    title: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars and lines over one axis of time; `lines` are paths by their kind."""

    height: float
    grid: tuple[Tick, ...]
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A cell of a strip: how bad it was, from 0 to 4, or `none`."""

    x: float
    width: float
    kind: str
    title: str


def runs(report: Report, *, height: float) -> Chart:
    """Draw how many runs each bucket had, and how they ended."""
    days = report.by_bucket
    top = ceiling(max((one.ended + one.skipped for one in days), default=0), least=1)
    bars = []
    for at, one in enumerate(days):
        segments, y = [], height
        for kind in ("succeeded", "skipped", "failed", "error"):
            if (number := getattr(one, kind)) > 0:
                tall = max(height * number / top, 0.75)
                y -= tall
                segments.append(Segment(kind, round(y, 2), round(tall, 2)))
        bars.append(_bar(at, len(days), _told(report, at, one), segments))
    whole = 2 if top % 2 == 0 else 1  # there is no half a run
    grid = grid_of(top, height, lambda number: f"{number:,g}", lines=whole)
    return Chart(height, grid, ticks(report), tuple(bars))


def rates(report: Report, *, height: float) -> Chart:
    """Draw the failure rate of each bucket."""
    days = report.by_bucket
    top = ceiling(max((one.failure_rate or 0 for one in days), default=0), least=0.05)
    places = [None if one.failure_rate is None else one.failure_rate / top for one in days]
    bars = [_bar(at, len(days), _told(report, at, one), ()) for at, one in enumerate(days)]
    lines = (("area", area(places, height)), ("line", line(places, height)))
    grid = grid_of(top, height, lambda rate: f"{100 * rate:g} %")
    return Chart(height, grid, ticks(report), tuple(bars), lines)


def lengths(over_time: Sequence[Length | None], *, height: float) -> Chart:
    """Draw the middle and the slow run of each bucket."""
    top = ceiling(max((one.p95_s for one in over_time if one), default=0))
    middle = [None if one is None else max(one.p50_s, 0) / top for one in over_time]
    slow = [None if one is None else max(one.p95_s, 0) / top for one in over_time]
    lines = (
        ("between", between(middle, slow, height)),
        ("slow", line(slow, height)),
        ("middle", line(middle, height)),
    )
    return Chart(height, grid_of(top, height, _plain_seconds, lines=1), (), (), lines)


def strip(report: Report, outcomes: Sequence[Outcomes]) -> Iterator[Mark]:
    """Yield a cell for each bucket in which something ended."""
    wide = 100 / max(len(outcomes), 1)
    for at, one in enumerate(outcomes):
        if one.ended:
            yield Mark(
                round(at * wide, 3), round(wide, 3), heat(one.failure_rate), _told(report, at, one)
            )


def heat(rate: float | None) -> str:
    """Return how bad a failure rate is: from 0, none failed, to 4; `none` without a rate."""
    return "none" if rate is None else str(sum(rate > bound for bound in _HEAT))


def spark(outcomes: Sequence[Outcomes], *, height: float) -> tuple[str, str]:
    """Draw small bars: paths of what ended well, and of what did not."""
    top = max((one.ended for one in outcomes), default=0) or 1
    good, bad = [], []
    for at, one in enumerate(outcomes):
        x, wide = _box(at, len(outcomes), ACROSS)
        failed, well = height * one.bad / top, height * one.succeeded / top
        if one.succeeded:
            good.append(_rectangle(x, height - failed - well, wide, well))
        if one.bad:
            bad.append(_rectangle(x, height - max(failed, 1), wide, max(failed, 1)))
    return "".join(good), "".join(bad)


def line(places: Sequence[float | None], height: float) -> str:
    """Return the path of a line through places from 0 to 1, interrupted where there is none.

    A place alone is as wide as its bucket.
    """
    path = []
    for stretch in _stretches(places):
        points = _points(stretch, len(places), height)
        if len(points) == 1:
            (x, y), half = points[0], ACROSS / len(places) / 3
            points = [(x - half, y), (x + half, y)]
        path.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points))
    return "".join(path)


def area(places: Sequence[float | None], height: float) -> str:
    """Return the path of what lies below a line."""
    return between([None if one is None else 0.0 for one in places], places, height)


def between(low: Sequence[float | None], high: Sequence[float | None], height: float) -> str:
    """Return the path of what lies between two lines that have their places together."""
    path = []
    for upper in _stretches(high):
        lower = [(at, low[at] or 0.0) for at, _ in upper]
        around = _points(upper, len(high), height) + _points(lower, len(high), height)[::-1]
        path.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in around) + "Z")
    return "".join(path)


def ticks(report: Report) -> tuple[Tick, ...]:
    """Return the labels below a chart over the buckets."""
    number = len(report.buckets)
    step = max(1, math.ceil(number / _TICKS))
    shape = "%b %Y" if report.by == "month" else "%-d %b"
    return tuple(
        Tick(round(100 * (at + 0.5) / number, 3), f"{report.buckets[at]:{shape}}", nth % 2 == 1)
        for nth, at in enumerate(range(0, number, step))
    )


def share_of(value: float, top: float) -> float:
    """Return how far a bar reaches, in per cent; what is beyond the top ends there."""
    return round(100 * min(max(value / top, 0), 1), 2) if top > 0 else 0.0


def _told(report: Report, at: int, one: Outcomes) -> str:
    day = f"{report.buckets[at]:%-d %B %Y}"
    if report.by != "day":
        day = f"{report.by.title()} of {day}"
    failed = f", {one.bad:,} failed ({words.share(one.failure_rate)})" if one.bad else ""
    return f"{day}: {words.things(one.ended, 'run')} ended{failed}"


def _bar(at: int, number: int, title: str, segments: Sequence[Segment]) -> Bar:
    x, wide = _box(at, number, 100)
    return Bar(
        round(x, 3), round(wide, 3), round(100 * at / number, 3), round(100 / number, 3), title,
        tuple(segments),
    )  # fmt: skip


def _box(at: int, number: int, across: float) -> tuple[float, float]:
    each = across / number
    return at * each + each * _GAP / 2, each * (1 - _GAP)


def _rectangle(x: float, y: float, wide: float, tall: float) -> str:
    return f"M{x:.1f} {y:.1f}h{wide:.1f}v{tall:.1f}h{-wide:.1f}z"


def _stretches(places: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    stretch: list[tuple[int, float]] = []
    for at, place in enumerate(places):
        if place is not None:
            stretch.append((at, place))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _points(
    stretch: Sequence[tuple[int, float]], number: int, height: float
) -> list[tuple[float, float]]:
    return [(ACROSS * (at + 0.5) / number, height * (1 - place)) for at, place in stretch]


def _plain_seconds(length: float) -> str:
    return words.seconds(length).replace(".0 ", " ")

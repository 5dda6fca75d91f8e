"""The headline figures as tiles: a name, a figure, what became of it, and what to know about it."""

from dataclasses import dataclass

from craftsync.report import words
from craftsync.report.figures import Trend, change
from craftsync.report.model import Report


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure; `change` is a dash where there is nothing to compare with, or too little."""

    name: str
    figure: str
    change: str = words.NONE
    trend: Trend = Trend.SAME
    note: str = ""


def of(report: Report) -> tuple[Tile, ...]:
    """Return the tiles of a report in which something ran."""
    total, now = report.total, report.total.now
    missed = int(report.figures["missed"] or 0)
    # Of a period that the history covers in part, a number of runs says nothing.
    counted = words.NONE if report.compares_with_less else words.change(total.runs_change)
    errors = change(total.before.error, now.error)
    return (
        Tile(
            "Runs",
            words.count(now.runs),
            counted,
            note=f"{now.unended:,} not ended" if now.unended else "",
        ),
        Tile(
            "Failure rate",
            words.share(now.failure_rate),
            words.judged(words.points(total.failure_rate_delta), total.failing),
            total.failing,
            _of_few(now.ended) if now.is_few else f"95 % sure: {words.interval(now)}",
        ),
        Tile(
            "Platform errors",
            words.count(now.error),
            words.NONE if report.compares_with_less else words.change(errors),
            note=f"{words.share(now.error_rate)} of runs" if now.error else "",
        ),
        Tile(
            "Run time, p95",
            words.seconds(now.run_p95_s),
            words.judged(words.change(total.run_p95_change), total.running),
            total.running,
            f"p50 {words.seconds(now.run_p50_s)}" if now.timed else "",
        ),
        Tile(
            "Waiting time, p95",
            words.seconds(now.queue_p95_s),
            words.judged(words.change(total.queue_p95_change), total.waiting),
            total.waiting,
            f"p50 {words.seconds(now.queue_p50_s)}" if now.waited else "",
        ),
        Tile(
            "Stuck or missed",
            words.count(len(report.stuck) + missed),
            note=f"{len(report.stuck):,} stuck, {missed:,} missed",
        ),
    )


def _of_few(ended: int) -> str:
    return f"of only {words.things(ended, 'run')}"

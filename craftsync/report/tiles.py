"""The headline figures as tiles: a name, a figure, what became of it, and what to know about it."""

from dataclasses import dataclass

from craftsync.report import words
from craftsync.report.figures import Trend, change
from craftsync.report.model import Report


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure; `change` is a dash where there is nothing to compare with."""

    name: str
    figure: str
    change: str = words.NONE
    trend: Trend = Trend.SAME
    note: str = ""


def of(report: Report) -> tuple[Tile, ...]:
    """Return the tiles of a report in which something ran."""
    total, now = report.total, report.total.now
    missed = int(report.figures["missed"] or 0)
    return (
        Tile(
            "Runs",
            words.count(now.runs),
            words.change(total.runs_change),
            note=f"{now.unended:,} not ended" if now.unended else "",
        ),
        Tile(
            "Failure rate",
            words.share(now.failure_rate),
            words.points(total.failure_rate_delta),
            total.failing,
            _of_few(now.ended) if now.is_few else f"95 % sure: {words.interval(now)}",
        ),
        Tile(
            "Platform errors",
            words.count(now.error),
            words.change(change(total.before.error, now.error)),
            note=f"{words.share(now.error_rate)} of runs" if now.error else "",
        ),
        Tile(
            "Run time, p95",
            words.seconds(now.run_p95_s),
            words.change(total.run_p95_change),
            total.running,
            f"p50 {words.seconds(now.run_p50_s)}" if now.timed else "",
        ),
        Tile(
            "Waiting time, p95",
            words.seconds(now.queue_p95_s),
            words.change(total.queue_p95_change),
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

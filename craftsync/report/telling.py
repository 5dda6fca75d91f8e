"""Tells a report in text, for a terminal and for markdown: figures first, then what to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

from craftsync.report import findings_told, sparks, words
from craftsync.report.document import Cell, Column, Section, Table, Tone, quiet, toned
from craftsync.report.figures import Compared, change
from craftsync.report.model import Report


@dataclass(frozen=True, slots=True)
class Length:
    """How many rows of each table are shown."""

    groups: int = 15
    others: int = 10


def of(report: Report, *, tz: tzinfo | None = None, shown: Length | None = None) -> list[Section]:
    """Return the sections of a report; those that have nothing to say are left out."""
    rows = shown or Length()
    found = [_head(report, tz)]
    if not report.is_empty:
        found += [_headline(report), *_course(report), _groups(report, rows.groups)]
    found += [*findings_told.all_of(report, rows.others, tz), findings_told.mirror(report, tz)]
    return found


def short(report: Report, *, tz: tzinfo | None = None) -> list[Section]:
    """Return what fits below something else: what happened, and the figures."""
    found = [_head(report, tz)]
    if not report.is_empty:
        found += [_headline(report), _groups(report, 5)]
    return found


def _head(report: Report, tz: tzinfo | None) -> Section:
    span = (
        f"{words.moment(report.since, tz)} to {words.moment(report.until, tz)}"
        f" {words.zone(report.until, tz)} ({words.length(report.length)})"
    )
    whose = [one for one in (report.environment, report.pipeline_name) if one]
    return Section("", (", ".join([*whose, span]), *words.in_short(report)))


def _headline(report: Report) -> Section:
    total, now = report.total, report.total.now
    spread = f"95 % sure: {words.share(now.ci_low)} to {words.share(now.ci_high)}"
    figures = report.figures
    open_ = (
        ("stuck", len(report.stuck)),
        ("missed", int(figures["missed"] or 0)),
        ("new errors", int(figures["new_errors"] or 0)),
    )
    rows = [
        _figure("runs", words.count(now.runs), quiet(words.change(total.runs_change)),
                _unended(total)),
        _figure("failure rate", words.share(now.failure_rate),
                toned(words.points(total.failure_rate_delta), total.failing),
                spread if now.ended else ""),
        _figure("platform errors", words.count(now.error),
                quiet(words.change(_errors_change(total))), ""),
        _figure("run p95", words.seconds(now.run_p95_s),
                toned(words.change(total.run_p95_change), total.running),
                f"p50 {words.seconds(now.run_p50_s)}" if now.timed else ""),
        _figure("queue p95", words.seconds(now.queue_p95_s),
                toned(words.change(total.queue_p95_change), total.waiting),
                f"p50 {words.seconds(now.queue_p50_s)}" if now.waited else ""),
        *(
            _figure(name, words.count(number), Cell(""), "", bad=number > 0)
            for name, number in open_
        ),
    ]  # fmt: skip
    columns = (Column(""), Column("", right=True), Column("", right=True), Column("", spare=1))
    return Section("", (), Table(columns, tuple(rows)))


def _figure(
    name: str, text: str, changed: Cell, note: str, *, bad: bool = False
) -> tuple[Cell, ...]:
    return (
        Cell(name, Tone.QUIET), Cell(text, Tone.BAD if bad else Tone.PLAIN), changed,
        Cell(note, Tone.QUIET),
    )  # fmt: skip


def _unended(total: Compared) -> str:
    return f"{total.now.unended:,} not ended" if total.now.unended else ""


def _errors_change(total: Compared) -> float | None:
    return change(total.before.error, total.now.error)


def _course(report: Report) -> Iterator[Section]:
    days = report.by_bucket
    if len(days) > 1:
        runs = sparks.line([one.ended + one.skipped for one in days])
        rates = sparks.line([one.failure_rate for one in days], least_top=0.1)
        rows = (
            (Cell("runs", Tone.QUIET), Cell(runs)),
            (Cell("failure rate", Tone.QUIET), Cell(rates)),
        )
        yield Section(f"By {report.by}", (), Table((Column(""), Column("")), rows))


def _groups(report: Report, most: int) -> Section:
    several = report.environments > 1
    columns = (
        *_environment_column(several),
        Column("deployment"),
        Column("pipeline", spare=2),
        Column("runs", right=True),
        Column("failed", right=True),
        Column("change", right=True, spare=3),
        Column("trend", spare=4),
        Column("p50", right=True, spare=5),
        Column("p95", right=True),
        Column("change", right=True, spare=3),
    )
    rows = []
    for one in report.groups[:most]:
        both, now = one.compared, one.compared.now
        name = one.deployment_name or "(direct runs)"
        rate = Cell(words.rate(now), Tone.QUIET if now.is_few or not now.bad else Tone.PLAIN)
        rows.append((
            *_environment(one.environment, several),
            Cell(name),
            Cell(one.pipeline_name),
            Cell(words.count(now.runs)),
            rate,
            toned(words.points(both.failure_rate_delta), both.failing),
            Cell(sparks.line([day.failure_rate for day in one.trend], least_top=0.1)),
            Cell(words.seconds(now.run_p50_s)),
            Cell(words.seconds(now.run_p95_s)),
            toned(words.change(both.run_p95_change), both.running),
        ))  # fmt: skip
    table = Table(columns, tuple(rows), more=max(0, len(report.groups) - most))
    return Section("Deployments", (), table)


def _environment_column(several: bool) -> tuple[Column, ...]:
    return (Column("environment"),) if several else ()


def _environment(name: str, several: bool) -> tuple[Cell, ...]:
    return (Cell(name),) if several else ()

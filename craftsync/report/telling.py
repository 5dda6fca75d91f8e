"""Tells a report in text, for a terminal and for markdown: figures first, then what to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

from craftsync.report import findings_told, sparks, tiles, words
from craftsync.report.document import Cell, Column, Section, Table, Tone, quiet, toned
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


def _head(report: Report, tz: tzinfo | None) -> Section:
    span = (
        f"{words.moment(report.since, tz)} to {words.moment(report.until, tz)}"
        f" {words.zone(report.until, tz)} ({words.length(report.length)})"
    )
    whose = [one for one in (report.environment, report.pipeline_name) if one]
    return Section("", (", ".join([*whose, span]), *words.in_short(report)))


def _headline(report: Report) -> Section:
    rows = tuple(
        (
            Cell(one.name),
            Cell(one.figure),
            toned("" if one.change == words.NONE else one.change, one.trend),
            quiet(one.note),
        )
        for one in tiles.of(report)
    )
    columns = (Column(""), Column("", right=True), Column("", right=True), Column("", spare=1))
    return Section("", (), Table(columns, rows))


def _course(report: Report) -> Iterator[Section]:
    days = report.by_bucket
    if len(days) > 1:
        runs = sparks.line([one.ended + one.skipped for one in days])
        rates = sparks.line([one.failure_rate for one in days], least_top=0.1)
        rows = (
            (Cell("Runs"), Cell(runs)),
            (Cell("Failure rate"), Cell(rates)),
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
            toned(words.judged(words.points(both.failure_rate_delta), both.failing), both.failing),
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

"""Tells in text what needs somebody: causes, commits, runs that hang, outputs that moved.

What was not found is left out: a report of a calm week is short.
"""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from craftsync.report import words
from craftsync.report.document import Cell, Column, Section, Table, Tone, quiet
from craftsync.report.model import Report

_LEVELS = {"moved": Tone.BAD, "watch": Tone.PLAIN}


def all_of(report: Report, most: int, tz: tzinfo | None) -> Iterator[Section]:
    """Yield a section for each kind of finding, at most so many rows in each."""
    several = report.environments > 1
    told = (
        _causes(report, most, tz),
        _regressions(report, most, tz, several=several),
        _stuck(report, most, tz, several=several),
        _missed(report, most, tz, several=several),
        _drift(report, most, several=several),
        _changes(report, most, tz, several=several),
    )
    yield from (one for one in told if one.table and one.table.rows)


def mirror(report: Report, tz: tzinfo | None) -> Section:
    """Tell as of when and how whole the mirror is: what the report can be trusted with."""
    rows = tuple(
        (
            Cell(one.environment),
            Cell(words.moment(one.last_complete_at, tz)),
            quiet(words.NONE if one.age_s is None else words.seconds(max(one.age_s, 0))),
            Cell(one.last_outcome or words.NONE),
            Cell(words.count(one.executions)),
            Cell(words.share(one.held), Tone.PLAIN if one.held in (None, 1) else Tone.BAD),
            Cell(words.count(one.parts_pending + one.parts_error)),
            Cell(words.count(one.failures)),
        )
        for one in report.mirror
    )
    columns = (
        Column("environment"),
        Column("complete as of"),
        Column("age", spare=1),
        Column("last run", spare=2),
        Column("executions", right=True),
        Column("parts held", right=True),
        Column("to come", right=True, spare=3),
        Column("failures", right=True, spare=4),
    )
    stale: tuple[str, ...] = ()
    if report.stale is not None:
        stale = (f"Answered from {words.moment(report.as_of, tz)}: the replica is {report.stale}.",)
    return Section("The mirror", stale, Table(columns, rows))


def _table(
    columns: Sequence[Column],
    rows: Sequence[tuple[Cell, ...]],
    most: int,
    number: int | None = None,
) -> Table:
    number = len(rows) if number is None else number
    return Table(tuple(columns), tuple(rows[:most]), more=max(0, number - most))


def _where(environment: str, several: bool, *cells: Cell) -> tuple[Cell, ...]:
    return (Cell(environment), *cells) if several else cells


def _columns(several: bool, *columns: Column) -> tuple[Column, ...]:
    return (Column("environment"), *columns) if several else columns


def _causes(report: Report, most: int, tz: tzinfo | None) -> Section:
    rows = [
        (
            Cell(words.count(one.n)),
            Cell("new", Tone.BAD) if one.is_new and report.reaches_back else quiet(""),
            Cell(words.moment(one.first_at, tz)),
            Cell(one.signature),
            quiet(one.example_execution_id),
        )
        for one in report.failures
    ]
    columns = (
        Column("runs", right=True),
        Column(""),
        Column("first seen here", spare=2),
        Column("what failed runs said last"),
        Column("example", spare=1),
    )
    return Section("Failures", (), _table(columns, rows, most, report.causes))


def _regressions(report: Report, most: int, tz: tzinfo | None, *, several: bool) -> Section:
    rows = []
    for one in report.regressions:
        if one.kind == "slower":
            before, after = words.seconds(one.p50_before_s), words.seconds(one.p50_after_s)
        else:
            before = words.share(one.failure_rate_before)
            after = words.share(one.failure_rate_after)
        rows.append(
            _where(
                one.environment,
                several,
                Cell(one.pipeline_name),
                Cell(one.kind, Tone.BAD),
                Cell(before),
                Cell(after, Tone.BAD),
                quiet(words.count(one.n_after)),
                Cell(one.first_bad_commit_id[:12]),
                quiet(one.last_good_commit_id[:12]),
                Cell(words.moment(one.first_bad_at, tz)),
            )
        )
    columns = _columns(
        several,
        Column("pipeline"),
        Column(""),
        Column("before", right=True),
        Column("after", right=True),
        Column("runs", right=True, spare=2),
        Column("first bad commit"),
        Column("last good", spare=3),
        Column("since", spare=1),
    )
    return Section("Regressions", (), _table(columns, rows, most))


def _stuck(report: Report, most: int, tz: tzinfo | None, *, several: bool) -> Section:
    rows = [
        _where(
            one.environment,
            several,
            Cell(one.execution_id),
            Cell(one.pipeline_name),
            Cell(one.status or words.NONE),
            Cell(words.seconds(one.age_s), Tone.BAD),
            quiet(words.seconds(one.normal_p95_s)),
            Cell(words.moment(one.last_log_at, tz)),
        )
        for one in report.stuck
    ]
    columns = _columns(
        several,
        Column("stuck run"),
        Column("pipeline"),
        Column("status"),
        Column("age", right=True),
        Column("normal p95", right=True, spare=1),
        Column("last log line", spare=2),
    )
    return Section("Stuck", (), _table(columns, rows, most))


def _missed(report: Report, most: int, tz: tzinfo | None, *, several: bool) -> Section:
    rows = [
        _where(
            one.environment,
            several,
            Cell(one.deployment_name),
            Cell(one.schedule),
            Cell(words.count(one.missed), Tone.BAD),
            Cell(words.moment(one.first_expected_at, tz)),
            Cell(words.moment(one.last_expected_at, tz)),
            Cell(words.moment(one.next_seen_at, tz)),
        )
        for one in report.missed
    ]
    columns = _columns(
        several,
        Column("deployment"),
        Column("schedule"),
        Column("missed", right=True),
        Column("first", spare=2),
        Column("last"),
        Column("ran again", spare=1),
    )
    return Section("Missed schedules", (), _table(columns, rows, most))


def _drift(report: Report, most: int, *, several: bool) -> Section:
    told = [one for one in report.drift if one.level in _LEVELS]
    rows = [
        _where(
            one.environment,
            several,
            Cell(one.pipeline_name),
            Cell(one.name),
            Cell(one.level, _LEVELS.get(one.level, Tone.QUIET)),
            Cell(words.NONE if one.psi is None else f"{one.psi:.2f}"),
            Cell(words.number(one.mean_base)),
            Cell(words.number(one.mean_current)),
            quiet(f"{one.n_current:,} / {one.n_base:,}"),
        )
        for one in told
    ]
    columns = _columns(
        several,
        Column("pipeline"),
        Column("output"),
        Column(""),
        Column("PSI", right=True),
        Column("mean before", right=True),
        Column("mean now", right=True),
        Column("values", right=True, spare=1),
    )
    return Section("Drift of outputs", (), _table(columns, rows, most))


def _changes(report: Report, most: int, tz: tzinfo | None, *, several: bool) -> Section:
    rows = [
        _where(
            one.environment,
            several,
            Cell(words.moment(one.valid_from, tz)),
            Cell(one.deployment_name),
            Cell(one.field),
            quiet(one.old_value or words.NONE),
            Cell(one.new_value or words.NONE),
            Cell(one.updated_by or words.NONE),
            Cell(words.share(one.failure_rate_before)),
            Cell(words.share(one.failure_rate_after)),
        )
        for one in report.changes
    ]
    columns = _columns(
        several,
        Column("when"),
        Column("deployment"),
        Column("setting"),
        Column("was"),
        Column("is"),
        Column("by", spare=1),
        Column("failed before", right=True, spare=3),
        Column("failed after", right=True, spare=2),
    )
    return Section("Settings changed", (), _table(columns, rows, most))

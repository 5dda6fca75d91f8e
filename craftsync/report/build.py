"""Ask the questions, and put their answers together into one report.

What is asked of a shorter period than a month is still held against a month of history: what is
normal, what moved, which commit began it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from craftsync import times
from craftsync.query import catalog, known, overview
from craftsync.query.answers import Answer
from craftsync.report import calendar
from craftsync.report.figures import Compared, Figures, Outcomes
from craftsync.report.findings import Cause, Changed, Drift, Mirror, Missed, Regression, Stuck
from craftsync.report.model import Extent, Group, Length, Lengths, Report

if TYPE_CHECKING:
    from craftsync.query.duck import Session

MONTH = timedelta(days=30)
CAUSES = 50
_ALL = str(10**9)
_BEGINNING = "0001-01-01"
_GLOB = re.compile(r"[*?\[\\]")

T = TypeVar("T")
Row = Mapping[str, Any]


def build(
    session: "Session",
    *,
    since: datetime,
    until: datetime,
    environment: str | None = None,
    pipeline_name: str | None = None,
) -> Report:
    """Report on the executions created from `since` to before `until`.

    Raises `Usage` for an environment that was never synced, and for a pipeline that is not held.
    """
    before = calendar.back(since, until - since)
    ask = _Asker(session, environment, pipeline_name, since=since, until=until)
    values = {**ask.window, "before": _naive(before)}
    known.environment(session.connection, environment)
    known.pipeline(session.connection, pipeline_name, environment)
    (extent,) = _all(Extent, _rows(overview.extent(session.connection, values)))
    by, buckets = calendar.buckets(since, until, first=extent.first_at, last=extent.last_at)
    found = list(_rows(overview.figures(session.connection, values)))
    trends = _trends(ask("failure_rate", by=by, group="deployment_name"), buckets)
    causes = _causes(ask)
    long_since = times.utc_text(min(calendar.back(until, MONTH), before))
    return Report(
        since=since,
        until=until,
        before_since=before,
        as_of=session.as_of,
        stale=session.stale,
        environment=environment,
        pipeline_name=pipeline_name,
        extent=extent,
        total=_compared(row for row in found if row["is_total"]),
        by=by,
        buckets=buckets,
        groups=_groups((row for row in found if not row["is_total"]), trends, len(buckets)),
        lengths=_lengths(ask("durations", by=by), buckets),
        failures=causes.told,
        causes=causes.number,
        new_causes=causes.new,
        regressions=tuple(
            one
            for one in _all(Regression, ask("regressions", since=long_since))
            if one.first_bad_at >= since
        ),
        stuck=_all(Stuck, ask("stuck_runs", since=long_since)),
        missed=_missed(ask("missed_schedules")),
        drift=_drift(ask, since=since, until=until),
        changes=_all(Changed, ask("config_changes")),
        mirror=_all(Mirror, ask("sync_health", since=_BEGINNING, until="now")),
    )


class _Asker:
    """Asks named questions about one window, with one environment and pipelines or all."""

    def __init__(
        self,
        session: "Session",
        environment: str | None,
        pipeline_name: str | None,
        *,
        since: datetime,
        until: datetime,
    ) -> None:
        self._session = session
        self._asked = {"since": times.utc_text(since), "until": times.utc_text(until)}
        if environment is not None:
            self._asked["environment"] = environment
        if pipeline_name is not None:
            self._asked["pipeline_name"] = _literally(pipeline_name)
        self.window: Row = {
            "since": _naive(since),
            "until": _naive(until),
            "environment": environment,
            "pipeline_name": self._asked.get("pipeline_name", "*"),
        }

    def __call__(self, name: str, **more: str) -> Iterator[Row]:
        """Ask a question; `more` are parameters as one types them."""
        question = catalog.find(name)
        asked = {**self._asked, **more}
        return _rows(catalog.ask(self._session.connection, question, asked, self._session.now))


def _rows(answer: Answer) -> Iterator[Row]:
    names = [name for name, _ in answer.columns]
    for row in answer.rows:
        yield dict(zip(names, map(_aware, row), strict=True))


def _all(kind: type[T], rows: Iterator[Row]) -> tuple[T, ...]:
    """Read rows as `kind`, whose fields are named as their columns."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return tuple(kind(**{name: row[name] for name in names}) for row in rows)


def _compared(rows: Iterator[Row]) -> Compared:
    found = {row["is_current"]: _all(Figures, iter([row]))[0] for row in rows}
    return Compared(found.get(True, Figures()), found.get(False, Figures()))


def _group_of(row: Row) -> tuple[str, str, str | None]:
    return row["environment"], row["pipeline_name"], row["deployment_name"]


def _groups(
    rows: Iterator[Row], trends: Mapping[tuple[str, str, str | None], Sequence[Outcomes]], n: int
) -> tuple[Group, ...]:
    """Return what ran in the period or before it: most failures first, then most runs."""
    calm = (Outcomes(),) * n
    found = [
        Group(*key, compared=_compared(some), trend=tuple(trends.get(key, calm)))
        for key, some in groupby(rows, _group_of)
    ]
    return tuple(sorted(found, key=lambda one: (-one.compared.now.bad, -one.compared.now.runs)))


def _trends(
    rows: Iterator[Row], buckets: Sequence[datetime]
) -> dict[tuple[str, str, str | None], list[Outcomes]]:
    places = {bucket: at for at, bucket in enumerate(buckets)}
    trends: dict[tuple[str, str, str | None], list[Outcomes]] = {}
    for row in rows:
        trend = trends.setdefault(_group_of(row), [Outcomes()] * len(buckets))
        trend[places[row["period"]]] = _all(Outcomes, iter([row]))[0]
    return trends


def _lengths(rows: Iterator[Row], buckets: Sequence[datetime]) -> tuple[Lengths, ...]:
    """Return the run times of each pipeline over time, those with most runs first."""
    found = []
    for key, some in groupby(rows, lambda row: (row["environment"], row["pipeline_name"])):
        held = {row["period"]: Length(row["n"], row["p50_s"], row["p95_s"]) for row in some}
        found.append(Lengths(*key, tuple(held.get(bucket) for bucket in buckets)))
    return tuple(sorted(found, key=lambda one: -one.n))


class _Causes(NamedTuple):
    told: tuple[Cause, ...]
    number: int
    new: int


def _causes(ask: _Asker) -> _Causes:
    """Count all causes, and tell those of most failures: what is new is seldom among these."""
    told: list[Cause] = []
    number = new = 0
    for row in ask("top_errors", limit=_ALL):
        number, new = number + 1, new + row["is_new"]
        if number <= CAUSES:
            told += _all(Cause, iter([row]))
    return _Causes(tuple(told), number, new)


def _missed(rows: Iterator[Row]) -> tuple[Missed, ...]:
    found = []
    for _, some in groupby(rows, _schedule_of):
        missed = list(some)
        first, last = missed[0], missed[-1]
        found.append(
            Missed(
                environment=first["environment"],
                deployment_name=first["deployment_name"],
                pipeline_name=first["pipeline_name"],
                schedule=first["schedule"],
                missed=len(missed),
                first_expected_at=first["expected_at"],
                last_expected_at=last["expected_at"],
                next_seen_at=last["next_seen_at"],
            )
        )
    return tuple(found)


def _schedule_of(row: Row) -> tuple[Any, ...]:
    return row["environment"], row["deployment_name"], row["pipeline_name"], row["schedule"]


def _drift(ask: _Asker, *, since: datetime, until: datetime) -> tuple[Drift, ...]:
    """Hold the outputs of the period against those of a month before it, or of as long a time."""
    length = min(until - since, times.LONGEST)
    seconds = [f"{int(one.total_seconds())}s" for one in (length, max(length, MONTH))]
    rows = ask("output_drift", since=_BEGINNING, current=seconds[0], baseline=seconds[1])
    return tuple(one for one in _all(Drift, rows) if one.psi is not None)


def _literally(name: str) -> str:
    """Write a name as the glob that matches nothing else."""
    return _GLOB.sub(r"[\g<0>]", name)


def _aware(cell: Any) -> Any:
    return cell.replace(tzinfo=UTC) if isinstance(cell, datetime) else cell


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)

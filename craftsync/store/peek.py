"""What `status` tells, read with the standard library alone: no ORM is loaded to look at a clock.

A store on a server is read with the same SQL through SQLAlchemy, which is loaded only then.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from craftsync import times
from craftsync.store import faults, revisions, sqlite_file

Ask: TypeAlias = Callable[[str], Sequence[Sequence[Any]]]

_INSTANTS = ("last_complete_at", "failing_since", "in_doubt_since")


@dataclass(frozen=True, slots=True)
class EnvironmentFigures:
    """How fresh and how much an environment's mirror is, and what of it is in doubt."""

    environment: str
    last_complete_at: datetime | None  # the start of the last complete run
    age_s: float | None
    last_outcome: str | None
    executions: int
    gone: int
    unsettled: int
    parts: dict[str, int]
    failures: int
    in_doubt: int
    failing_since: datetime | None  # the oldest current failure, or run that was not complete
    in_doubt_since: datetime | None  # the oldest intent of a delete whose end is not known


@dataclass(frozen=True, slots=True)
class Figures:
    """What `status` shows of a store: its place, its revision, its environments by name."""

    store: str
    schema: str
    environments: tuple[EnvironmentFigures, ...]


def status(store: str | Path, *, now: datetime) -> dict[str, Any]:
    """Return the figures as what JSON has; raises what `figures` does."""
    shown = asdict(figures(store, now=now))
    shown["environments"] = list(shown["environments"])
    for one in shown["environments"]:
        for name in _INSTANTS:
            one[name] = None if one[name] is None else times.utc_text(one[name])
    return shown


def figures(store: str | Path, *, now: datetime) -> Figures:
    """Read the figures of a store, given by its path or URL; ages count to `now`.

    Raises `StoreUnusable` for one that is missing, older, newer, damaged or something else.
    """
    path = sqlite_file.path_in(store)
    if path is None:
        return _of_server(str(store), now)
    if not sqlite_file.is_there(path):
        raise faults.missing(path)
    try:
        with closing(sqlite_file.connect(path, "ro")) as connection:
            connection.execute("begin")  # one snapshot for all figures
            revision = revisions.of_connection(connection, path)
            revisions.require(revision, path)
            return _figures(lambda sql: connection.execute(sql).fetchall(), path, revision, now)
    except faults.OF_A_FILE as error:
        raise faults.explain(error, path) or error from error


def _of_server(store: str, now: datetime) -> Figures:
    from craftsync.store import engine, schema  # noqa: PLC0415 - they load SQLAlchemy

    url = engine.address(store)
    with schema.reading(url) as reader, engine.store_errors(url), reader.begin() as connection:
        place, revision = engine.place(url), schema.head()
        return _figures(lambda sql: connection.exec_driver_sql(sql).all(), place, revision, now)


def _figures(ask: Ask, store: str, revision: str | None, now: datetime) -> Figures:
    named = ask("select key, name, last_synced_at from environment order by name")
    found = []
    for key, name, synced in named:
        last = _instant(synced)
        (executions, gone, unsettled), *_ = ask(
            "select count(*), count(gone_at),"
            " count(case when not settled and gone_at is null then 1 end)"
            f" from execution where environment_key = {key}"
        )
        outcomes = ask(
            f"select outcome from sync_run where environment_key = {key}"
            " order by run_id desc limit 1"
        )
        (failures, first_failed), *_ = ask(
            f"select count(*), min(first_failed_at) from sync_failure where environment_key = {key}"
        )
        in_doubt, in_doubt_since = _in_doubt(ask, key)
        found.append(
            EnvironmentFigures(
                environment=name,
                last_complete_at=last,
                age_s=(now.astimezone(UTC) - last).total_seconds() if last else None,
                last_outcome=outcomes[0][0] if outcomes else None,
                executions=executions,
                gone=gone,
                unsettled=unsettled,
                parts=_parts(ask, key, alone=len(named) == 1),
                failures=failures,
                in_doubt=in_doubt,
                failing_since=_earliest(_instant(first_failed), _flawed_since(ask, key)),
                in_doubt_since=in_doubt_since,
            )
        )
    return Figures(store, revision or "", tuple(found))


def _parts(ask: Ask, key: int, *, alone: bool) -> dict[str, int]:
    """Count the rows of `parts` by state; inputs and outputs alone, without a join, if may be."""
    of_environment = f"environment_key = {key}"
    counted: dict[str, int] = {}
    statements = [
        f"select {part}_state, count(*) from execution where {of_environment}"
        f" and {part}_state is not null group by 1"
        for part in ("detail", "logs", "metrics")
    ]
    values = "select v.state, count(*) from io_value v"
    if not alone:
        values += f" join execution e on e.key = v.execution_key where e.{of_environment}"
    for statement in (*statements, f"{values} group by 1"):
        for state, count in ask(statement):
            counted[state] = counted.get(state, 0) + count
    return dict(sorted(counted.items()))


def _flawed_since(ask: Ask, key: int) -> datetime | None:
    """Return the start of the first run after the last complete one that reached its end flawed."""
    of_environment = f"environment_key = {key}"
    (first,), *_ = ask(
        f"select min(started_at) from sync_run where {of_environment}"
        " and outcome in ('partial', 'withheld', 'failed') and run_id > coalesce(("
        f"select max(run_id) from sync_run where {of_environment} and outcome = 'complete'), 0)"
    )
    return _instant(first)


def _in_doubt(ask: Ask, key: int) -> tuple[int, datetime | None]:
    """Count the deletes whose end is not known; return the oldest intent among them too."""
    (count, first), *_ = ask(
        "select count(*), min(d.intent_at) from deletions d"
        " join environment n on n.name = d.environment"
        f" where n.key = {key} and (d.outcome is null or d.outcome = 'in_doubt')"
    )
    return int(count), _instant(first)


def _instant(found: Any) -> datetime | None:
    """Read an instant as a database gives it: SQLite in its text."""
    return faults.moment(found) if isinstance(found, str) else found


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((one for one in instants if one is not None), default=None)

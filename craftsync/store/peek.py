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


@dataclass(frozen=True, slots=True)
class Figures:
    """What `status` shows of a store: its place, its revision, its environments by name."""

    store: str
    schema: str
    environments: tuple[EnvironmentFigures, ...]


def status(store: str | Path, *, now: datetime) -> dict[str, Any]:
    """Return the figures as `status --json` prints them; raises what `figures` does."""
    shown = asdict(figures(store, now=now))
    shown["environments"] = list(shown["environments"])
    for one in shown["environments"]:
        last = one["last_complete_at"]
        one["last_complete_at"] = None if last is None else times.utc_text(last)
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
    revision = schema.current(url)
    place = engine.place(url)
    revisions.require(revision, place)
    reader = engine.reader(url)
    try:
        with engine.store_errors(url), reader.begin() as connection:
            return _figures(lambda sql: connection.exec_driver_sql(sql).all(), place, revision, now)
    finally:
        reader.dispose()


def _figures(ask: Ask, store: str, revision: str | None, now: datetime) -> Figures:
    named = ask("select key, name, last_synced_at from environment order by name")
    found = []
    for key, name, synced in named:
        last = faults.moment(synced) if isinstance(synced, str) else synced
        (executions, gone, unsettled), *_ = ask(
            "select count(*), count(gone_at),"
            " count(case when not settled and gone_at is null then 1 end)"
            f" from execution where environment_key = {key}"
        )
        outcomes = ask(
            f"select outcome from sync_run where environment_key = {key}"
            " order by run_id desc limit 1"
        )
        (failures,), *_ = ask(f"select count(*) from sync_failure where environment_key = {key}")
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
                in_doubt=_in_doubt(ask, key),
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


def _in_doubt(ask: Ask, key: int) -> int:
    """Count the deletes whose end is not known."""
    (count,), *_ = ask(
        "select count(*) from deletions d join environment n on n.name = d.environment"
        f" where n.key = {key} and (d.outcome is null or d.outcome = 'in_doubt')"
    )
    return int(count)

"""One consistent look at a store, rows as the driver gives them: what a replica is filled from.

A SQLite store is read with the standard library alone, so that a question that finds its replica
fresh never loads SQLAlchemy.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

from craftsync.store import faults, revisions, sqlite_file

Rows: TypeAlias = list[tuple[Any, ...]]

_BATCH = 40_000  # rows; DuckDB takes many at a time in half the time of few


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an environment has come: its revision, and the token that this history drew."""

    rev: int
    token: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Which store this is, and the mark of each environment by its key."""

    store_id: str
    marks: Mapping[int, Mark]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A store in one read transaction: whatever is asked, the answers fit together."""

    dialect: str
    place: str
    batches: Callable[[str], Iterator[Rows]]

    def rows(self, sql: str) -> Rows:
        """Return all rows of a statement; for those that give few."""
        return [row for batch in self.batches(sql) for row in batch]

    def standing(self) -> Standing:
        """Tell which store this is, and how far each environment has come."""
        identity = self.rows("select store_id from store_identity")
        if len(identity) != 1:
            raise faults.UnreadableError("it does not say which store it is")
        ((store_id,),) = identity
        found = self.rows(
            "select n.key, n.rev, coalesce(r.token, '') from environment n"
            " left join revision r on r.environment_key = n.key and r.rev = n.rev"
        )
        return Standing(store_id, {key: Mark(rev, token) for key, rev, token in found})

    def months_of_change(self, environment_key: int, rev: int) -> list[str]:
        """Return the months (`2026-03`) of the executions that changed after `rev`."""
        return self._months(f"e.environment_key = {environment_key:d} and e.rev > {rev:d}")

    def months_of_new_deployments(self, environment_key: int, seen_since: str) -> list[str]:
        """Return the months of what may belong to deployments first seen at `seen_since` or later.

        An execution belongs to the newest incarnation of a name that is not younger than itself.
        """
        return self._months(
            f"d.environment_key = {environment_key:d} and d.first_seen_at >= '{seen_since}'",
            " join deployment d on d.environment_key = e.environment_key"
            " and d.name = e.deployment_name and d.created_at <= e.created_at",
        )

    def _months(self, where: str, joined: str = "") -> list[str]:
        month = "substr(e.created_at, 1, 7)"
        if self.dialect == "postgresql":
            month = "to_char(e.created_at at time zone 'UTC', 'YYYY-MM')"
        found = self.rows(f"select distinct {month} from execution e{joined} where {where}")
        return [of_month for (of_month,) in found]

    def drew(self, environment_key: int, mark: Mark) -> bool:
        """Whether this very history went through `mark`: a restored store may not have."""
        if mark.rev == 0:
            return True
        found = self.rows(
            "select token from revision"
            f" where environment_key = {environment_key:d} and rev = {mark.rev:d}"
        )
        return found == [(mark.token,)]


@contextmanager
def look(store: str | Path) -> Iterator[Snapshot]:
    """Open a store, given by its path or URL, for one consistent look.

    Raises `StoreUnusable` for one that is missing, older, newer, damaged or something else.
    """
    path = sqlite_file.path_in(store)
    if path is None:
        with _server(str(store)) as snapshot:
            yield snapshot
        return
    if not sqlite_file.is_there(path):
        raise faults.missing(path)
    try:
        with closing(sqlite_file.connect(path, "ro")) as connection:
            connection.execute("begin")
            revisions.require(revisions.of_connection(connection, path), path)

            def batches(sql: str) -> Iterator[Rows]:
                cursor = connection.execute(sql)
                while rows := cursor.fetchmany(_BATCH):
                    yield rows

            yield Snapshot("sqlite", path, batches)
    except faults.OF_A_FILE as error:
        raise faults.explain(error, path) or error from error


@contextmanager
def _server(store: str) -> Iterator[Snapshot]:
    from craftsync.store import engine, schema  # noqa: PLC0415 - they load SQLAlchemy

    url = engine.address(store)
    with schema.reading(url) as reader, engine.store_errors(url), reader.connect() as connection:
        driver: Any = connection.connection.driver_connection
        numbers = count(1)

        def batches(sql: str) -> Iterator[Rows]:
            # A cursor with a name stays on the server: never more than a batch is here.
            with driver.cursor(f"craftsync_{next(numbers)}") as cursor:
                cursor.execute(sql)
                while rows := cursor.fetchmany(_BATCH):
                    yield rows

        yield Snapshot("postgresql", engine.place(url), batches)

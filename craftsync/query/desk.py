"""A desk in DuckDB: staged tables of a store, and the public relations made of them.

Each desk has a connection and a schema of its own, so that one can be filled while relations are
made on another. The relations stand in the database attached as `replica`.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from craftsync.errors import StoreUnusable
from craftsync.query import misfits
from craftsync.store import relations, staging
from craftsync.store.relation import Relation
from craftsync.store.snapshot import Snapshot
from craftsync.store.staging import Staged

if TYPE_CHECKING:
    import duckdb

MIRRORED: tuple[Relation, ...] = tuple(one for one in relations.PUBLIC if one.carrier)
"""The relations that follow the store by revision; the others are read when a question is asked."""

KEY = "its_key"
"""A column of our own in each: the store's key of the row that carries the revision."""

_CARRIERS = {"e": "execution", "d": "deployment", "p": "pipeline"}
_INSTEAD: Mapping[str, Mapping[str, str]] = {
    "pipelines": {"last_seen_at": "p.last_seen_at"},
    "deployments": {"last_seen_at": "d.last_seen_at", "last_execution_id": "null"},
    "executions": {
        "last_seen_at": "e.last_seen_at",
        "deployment_created_at": (
            "(select max(born.created_at) from replica.deployments born"
            " where born.environment = n.name and born.deployment_name = e.deployment_name"
            " and born.created_at <= try_cast(e.created_at as timestamp))"
        ),
    },
}


def attach(file: Path) -> str:
    """Write the statement that attaches a file as `replica`."""
    return f"attach {quoted(file)} as replica"


def quoted(path: Path) -> str:
    """Write a path as text of SQL."""
    return "'" + as_text(path).replace("'", "''") + "'"


def as_text(path: Path) -> str:
    """Write a path as DuckDB takes it, which is UTF-8, whatever the system believes of names.

    Raises `StoreUnusable` for one that is none.
    """
    try:
        return os.fsencode(path).decode()
    except UnicodeDecodeError:
        raise StoreUnusable(
            f"DuckDB takes no path that is not UTF-8: {str(path)!r}.",
            hint="Keep the store, or XDG_CACHE_HOME, in a folder of another name.",
        ) from None


def hush(duck: "duckdb.DuckDBPyConnection") -> None:
    """Keep a connection from drawing a bar on stdout while it works for two seconds.

    In a notebook that cannot draw one, DuckDB refuses to be told so; nothing is drawn there.
    """
    import duckdb  # noqa: PLC0415 - heavy

    with suppress(duckdb.InvalidInputException):
        duck.execute("set enable_progress_bar = false")


class Desk:
    """Where rows of one slice lie until they are in the relations."""

    def __init__(self, duck: "duckdb.DuckDBPyConnection", name: str, snapshot: Snapshot) -> None:
        self._duck = duck.cursor()
        self._snapshot = snapshot
        hush(self._duck)
        self._duck.execute(f"create schema memory.{name}")
        self._duck.execute(f"use memory.{name}")

    def make_relations(self) -> None:
        """Make the relations, empty, each with the key of the row that carries its revision."""
        for relation in MIRRORED:
            made = relation.create_table("duckdb").replace(
                f'"{relation.name}"', f'replica."{relation.name}"', 1
            )
            self._duck.execute(made)
            self._duck.execute(f'alter table replica."{relation.name}" add column {KEY} bigint')

    def run(self, sql: str) -> None:
        """Run a statement over the staged tables and the relations."""
        self._duck.execute(sql)

    def furnish(self) -> None:
        """Make the tables that every relation asks for, empty but for the environments."""
        for table in (staging.SCOPE, *staging.ESTATE):
            self._duck.execute(table.create())
        self.stage(staging.ENVIRONMENT, "")

    def stage(self, table: Staged, where: str) -> None:
        """Read rows of a table out of the store, in place of those staged before."""
        import duckdb  # noqa: PLC0415 - heavy

        self._duck.execute(table.create())
        appender = self._duck.appender(table.name)
        for rows in self._snapshot.batches(table.select(self._snapshot.dialect, where)):
            try:
                appender.append_rows(rows)
                appender.flush()
            except duckdb.ConversionException:  # told apart when the relation is made
                appender.clear()
                for statement in table.loosen():
                    self._duck.execute(statement)
                appender = self._duck.appender(table.name)
                appender.append_rows(rows)
                appender.flush()

    def insert(self, wanted: Sequence[Relation], *, replace: bool) -> None:
        """Make relations of what is staged; with `replace` in place of the rows held of it."""
        held = {alias: replace and self._holds(alias) for alias in {r.carrier for r in wanted}}
        for relation in wanted:
            if held[relation.carrier]:
                self._duck.execute(
                    f'delete from replica."{relation.name}"'
                    f" where {KEY} in (select key from {_CARRIERS[str(relation.carrier)]})"
                )
            self._insert(relation)

    def _holds(self, alias: str | None) -> bool:
        """Whether any staged row is in the relations already."""
        table = _CARRIERS[str(alias)]
        found = self._duck.execute(
            f"select 1 from replica.{table}s where {KEY} in (select key from {table}) limit 1"
        )
        return found.fetchone() is not None

    def _insert(self, relation: Relation) -> None:
        import duckdb  # noqa: PLC0415 - heavy

        instead = _INSTEAD.get(relation.name, {})
        rows = relation.select("duckdb", private=f"{relation.carrier}.key", instead=instead)
        try:
            self._duck.execute(f'insert into replica."{relation.name}" {rows}')
        except duckdb.ConversionException as flaw:
            raise misfits.of(self._duck, relation, self._snapshot.place, instead) from flaw

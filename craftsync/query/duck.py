"""A session of DuckDB over the replica: the public relations by their names, offline, read-only.

The relations that follow the store by revision are views over the replica; the bookkeeping ones
are copied in when the session opens, and with them the time of each newest listing, from which
`last_seen_at` is computed. No file, no network, no extension and no setting is in reach after that.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import TIMEOUT_MAX, Timer
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from craftsync.errors import StoreUnusable
from craftsync.query import answers, desk, interruptible, macros, sandbox, spills
from craftsync.query.answers import Answer
from craftsync.query.replica import Following
from craftsync.store import relations
from craftsync.store.relation import Relation
from craftsync.store.snapshot import Snapshot

if TYPE_CHECKING:
    import duckdb

BOOKS: tuple[Relation, ...] = tuple(one for one in relations.PUBLIC if not one.carrier)
"""The relations of our own book-keeping, read anew for each session."""

_SEEN_BY: Mapping[str, str] = {
    "pipelines": "'pipelines' || chr(1)",
    "deployments": "'deployments' || chr(1)",
    "executions": "'pipeline' || chr(1) || pipeline_name",
}
_SCOPES = (
    "select n.name, s.kind, s.name, s.last_complete_at from scope s"
    " join environment n on n.key = s.environment_key where s.last_complete_at is not null"
)
_LAST = "last_seen_at"


class Session:
    """An open session; `as_of` is when its replica was brought up, `stale` why it is not fresh.

    `standing` is what the replica holds, whatever became of the store since; `now` is the moment
    the question is asked at.
    """

    @sandbox.held_to_memory()
    def __init__(
        self,
        following: Following,
        snapshot: Snapshot,
        *,
        now: datetime,
        memory: str,
        locked: bool = True,
    ) -> None:
        """Open a session; `snapshot` gives the book-keeping of this moment.

        One that is not `locked` may write files: it is for SQL of our own alone.

        Raises `UnreadableReplica` when the replica is damaged or gone, `StoreUnusable` for
        book-keeping that does not fit, `Refused` where `memory` does not do.
        """
        import duckdb  # noqa: PLC0415 - heavy

        self.now, self.as_of, self.stale = now, following.as_of, following.stale
        self.standing = following.standing
        spills.sweep(following.file.parent)
        self._spill = spills.new(following.file.parent)
        settings: dict[str, Any] = {
            "memory_limit": memory,
            "temp_directory": desk.as_text(self._spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self.connection = duckdb.connect(":memory:", config=settings)
        try:
            self._furnish(following, snapshot)
            if locked:
                self.connection.execute("set enable_external_access = false")
                self.connection.execute("set lock_configuration = true")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        import duckdb  # noqa: PLC0415 - heavy

        self.close()
        if isinstance(error, duckdb.OutOfMemoryException):
            raise sandbox.explained(error) from error

    def close(self) -> None:
        """Let go of the replica, and of what did not fit into memory."""
        self.connection.close()
        spills.remove(self._spill)

    def another(self) -> "duckdb.DuckDBPyConnection":
        """Return one more connection to the same relations, for a thread of its own."""
        connection = self.connection.cursor()
        desk.hush(connection)
        self._set_up(connection)
        return connection

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Answer:
        """Run one statement; rows come as they are read, so long as the session is open.

        Raises `Usage` for SQL that does not fit, `Refused` for what may not run, or takes longer
        than `timeout_s` altogether.
        """
        import duckdb  # noqa: PLC0415 - heavy

        timer = None
        if timeout_s is not None:  # of more than threads can wait nobody sees the end
            timer = Timer(min(timeout_s, TIMEOUT_MAX), self.connection.interrupt)
            timer.daemon = True
            timer.start()
        try:
            asked = self.connection
            found = interruptible.done(asked, lambda: asked.execute(sql, parameters))
            answer = answers.of(found)
        except duckdb.Error as flaw:
            if timer:
                timer.cancel()
            raise sandbox.explained(flaw) from flaw
        return Answer(answer.columns, _timed(answer.rows, timer))

    def ask_safely(self, sql: str, *, timeout_s: float | None = None) -> Answer:
        """Run SQL of a user: one SELECT or EXPLAIN; raises as `ask` does, before anything runs."""
        sandbox.admit(self.connection, sql)
        return self.ask(sql, timeout_s=timeout_s)

    def _furnish(self, following: Following, snapshot: Snapshot) -> None:
        import duckdb  # noqa: PLC0415 - heavy

        desk.hush(self.connection)
        try:
            self.connection.execute(f"{desk.attach(following.file)} (read_only)")
            for relation in desk.MIRRORED:
                self.connection.execute(_view(relation))
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as flaw:
            raise UnreadableReplica(following.file, flaw) from flaw
        for relation in BOOKS:
            self._copy(relation, snapshot)
        self._listings = _listings(snapshot)
        for macro in macros.MACROS:
            self.connection.execute(macro)
        self._set_up(self.connection)
        self.connection.execute("set python_enable_replacements = false")  # no frames of ours

    def _copy(self, relation: Relation, snapshot: Snapshot) -> None:
        import duckdb  # noqa: PLC0415 - heavy

        self.connection.execute(relation.create_table("duckdb"))
        appender = self.connection.appender(relation.name)
        for rows in snapshot.batches(relation.select(snapshot.dialect)):
            try:
                appender.append_rows(rows)
                appender.flush()
            except duckdb.ConversionException as flaw:
                raise StoreUnusable(
                    f"What the store {snapshot.place} holds in {relation.name} does not fit: {flaw}"
                ) from flaw

    def _set_up(self, connection: "duckdb.DuckDBPyConnection") -> None:
        """Set what DuckDB keeps for each connection by itself."""
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "set variable seen = (select map($1::varchar[], $2::timestamp[]))", self._listings
        )


class UnreadableReplica(StoreUnusable):
    """The replica is damaged, or somebody removed it: it can be built anew."""

    def __init__(self, file: Path, flaw: Exception) -> None:
        self.file = file
        super().__init__(
            f"The replica {file} cannot be read: {flaw}",
            hint="Ask without --no-refresh: it is built anew.",
        )


def _view(relation: Relation) -> str:
    """Write the view of a relation: its public columns, `last_seen_at` computed where it is due."""
    columns = [f'"{name}"' for name in relation.columns]
    if relation.name in _SEEN_BY:
        listed = f"getvariable('seen')[environment || chr(1) || {_SEEN_BY[relation.name]}]"
        columns[columns.index(f'"{_LAST}"')] = (
            f"coalesce({_LAST}, greatest({listed}, first_seen_at)) as {_LAST}"
        )
    return (
        f'create view "{relation.name}" as select {", ".join(columns)}'
        f' from replica."{relation.name}"'
    )


def _listings(snapshot: Snapshot) -> list[list[Any]]:
    """Read when each listing was last whole: their names, and the times beside them."""
    keys, moments = [], []
    for environment, kind, name, last in snapshot.rows(_SCOPES):
        keys.append("\x01".join((environment, kind, name)))
        moments.append(_naive(last))
    return [keys, moments]


def _timed(rows: Iterator[tuple[Any, ...]], timer: Timer | None) -> Iterator[tuple[Any, ...]]:
    """Give rows until they end; then the time is no longer of interest."""
    try:
        yield from rows
    finally:
        if timer:
            timer.cancel()


def _naive(moment: str | datetime) -> datetime:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.astimezone(UTC).replace(tzinfo=None)

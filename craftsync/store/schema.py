"""Bring a store to the schema this craftsync knows, whole or not at all.

An upgrade is one transaction: killed half-way, it rolls back by itself and the next one begins
anew. A SQLite store with data in it is copied first. Alembic is imported only to change something.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from craftsync.errors import StoreUnusable, Usage
from craftsync.resources import migrations_dir
from craftsync.store import backup, engine, faults, revisions, server_lock, sqlite_file

_IS_A_STORE = "select to_regclass(quote_ident(current_schema()) || '.store_identity') is not null"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did: from which revision (None: there was no store) to which."""

    before: str | None
    after: str
    backup: Path | None


def head() -> str:
    """Return the newest revision this craftsync knows."""
    return revisions.head()


def current(url: URL) -> str | None:
    """Return a store's revision; None where there is no store yet.

    Raises `StoreUnusable` for what is no store, or cannot be read.
    """
    path = engine.path_of(url)
    if path:
        return revisions.of_file(path)
    reader = engine.reader(url)
    try:
        return _of_server(reader)
    finally:
        reader.dispose()


def require_current(url: URL) -> None:
    """Refuse to work on a store that is missing, older or newer than this craftsync."""
    revisions.require(current(url), engine.place(url))


@contextmanager
def reading(url: URL) -> Iterator[Engine]:
    """Open a store to read it, as `require_current` refuses: on a server by one session for both.

    Where a server is far away, a session of its own for the revision costs as much as an answer.
    """
    reader = engine.reader(url)
    try:
        path = engine.path_of(url)
        revision = revisions.of_file(path) if path else _of_server(reader)
        revisions.require(revision, engine.place(url))
        yield reader
    finally:
        reader.dispose()


def upgrade(url: URL) -> Upgrade:
    """Make the store, or bring it to the newest revision; nothing where it is there already.

    To be called under the lock; on a server the schema has one of its own. Raises `StoreUnusable`
    for a newer store, and whenever the database cannot do it; the store is then as it was. Raises
    `Busy` where others are at work on a server's older store.
    """
    before = current(url)
    revisions.refuse_newer(before, engine.place(url))
    if before == head():
        return Upgrade(before, before, None)
    path = engine.path_of(url)
    if path is None:
        return _upgrade_server(url)
    kept = _back_up(path, before) if before else None
    migrator = engine.migrator(url)
    try:
        with engine.store_errors(url), migrator.begin() as connection:
            _run_revisions(connection)
    finally:
        migrator.dispose()
    return Upgrade(before, head(), kept)


def _run_revisions(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - heavy, and not needed when all is current
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except (OperationalError, ProgrammingError) as flaw:
        if flaw.orig is None or faults.explain(flaw.orig, "") is not None:
            raise
        # The database said no to what was tried with every revision that there is.
        raise faults.UnreadableError(
            f"its tables are not those of its revision ({flaw.orig})"
        ) from flaw


def _back_up(path: str, before: str) -> Path:
    """Copy a store beside itself, complete before it has its name."""
    target = Path(f"{path}.at-{before}")
    growing = Path(f"{target}.growing")
    growing.unlink(missing_ok=True)
    sqlite_file.make(str(growing))
    try:
        backup.copy_file(path, growing)
        growing.replace(target)
    except Usage as full:  # of a copy that was asked for; nobody asked for this one
        raise StoreUnusable(
            f"The store {path} is not upgraded: there is no room for the copy of it that is"
            " made before.",
            hint=full.hint,
        ) from full
    finally:
        growing.unlink(missing_ok=True)
    return target


def _of_server(reader: Engine) -> str | None:
    with engine.store_errors(reader.url), reader.connect() as connection:
        # What is read after the wait must be as of after the wait.
        connection.execution_options(isolation_level="READ COMMITTED")
        server_lock.share_schema(connection)
        return _revision_of(connection)


def _upgrade_server(url: URL) -> Upgrade:
    """Upgrade a store on a server; another process may have been faster meanwhile."""
    migrator, place = engine.migrator(url), engine.place(url)
    try:
        with engine.store_errors(url), migrator.begin() as connection:
            server_lock.own_schema(connection)
            before = _revision_of(connection)
            revisions.refuse_newer(before, place)
            if before == head():
                return Upgrade(before, before, None)
            if before is None:
                _refuse_other_encodings(connection, place)
            else:
                server_lock.wait_for_others(connection, place)
            _run_revisions(connection)
            return Upgrade(before, head(), None)
    finally:
        migrator.dispose()


def _revision_of(connection: Connection) -> str | None:
    if not connection.exec_driver_sql(_IS_A_STORE).scalar_one():
        return None
    found = connection.execute(text("select version_num from alembic_version"))
    numbers = found.scalars().all()
    if len(numbers) > 1:
        raise faults.UnreadableError("it tells more than one revision")
    return numbers[0] if numbers else None


def _refuse_other_encodings(connection: Connection, place: str) -> None:
    encoding = connection.exec_driver_sql("show server_encoding").scalar_one()
    if encoding != "UTF8":
        raise StoreUnusable(
            f"The database {place} is kept as {encoding}, which cannot hold all text.",
            hint="createdb --encoding=UTF8 --template=template0 craftsync",
        )

"""Bring a store to the schema this craftsync knows, whole or not at all.

An upgrade is one transaction: killed half-way, it rolls back by itself and the next one begins
anew. A SQLite store with data in it is copied first. Alembic is imported only to change something.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, inspect, text

from craftsync.resources import migrations_dir
from craftsync.store import backup, engine, revisions, sqlite_file


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
    return revisions.of_file(path) if path else _of_server(url)


def require_current(url: URL) -> None:
    """Refuse to work on a store that is missing, older or newer than this craftsync."""
    revisions.require(current(url), engine.place(url))


def upgrade(url: URL) -> Upgrade:
    """Make the store, or bring it to the newest revision; nothing where it is there already.

    To be called under the lock. Raises `StoreUnusable` for a newer store, and whenever the
    database cannot do it; the store is then as it was.
    """
    before = current(url)
    revisions.refuse_newer(before, engine.place(url))
    if before == head():
        return Upgrade(before, before, None)
    path = engine.path_of(url)
    kept = _back_up(path, before) if path and before else None
    _run_revisions(url)
    return Upgrade(before, head(), kept)


def _run_revisions(url: URL) -> None:
    from alembic import command  # noqa: PLC0415 - heavy, and not needed when all is current
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    migrator = engine.migrator(url)
    try:
        with engine.store_errors(url), migrator.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        migrator.dispose()


def _back_up(path: str, before: str) -> Path:
    """Copy a store beside itself, complete before it has its name."""
    target = Path(f"{path}.at-{before}")
    growing = Path(f"{target}.growing")
    growing.unlink(missing_ok=True)
    sqlite_file.make(str(growing))
    try:
        backup.copy_file(path, growing)
        growing.replace(target)
    finally:
        growing.unlink(missing_ok=True)
    return target


def _of_server(url: URL) -> str | None:
    reader = engine.reader(url)
    try:
        with engine.store_errors(url), reader.connect() as connection:
            tables = set(inspect(connection).get_table_names())
            if "store_identity" not in tables:
                return None
            found = connection.execute(text("select version_num from alembic_version"))
            return found.scalar_one_or_none()
    finally:
        reader.dispose()

"""At which revision a store is, told without SQLAlchemy or Alembic.

A store that is up to date must cost next to nothing to check: every command does.
"""

import sqlite3
from contextlib import closing
from functools import cache

from craftsync.errors import StoreUnusable
from craftsync.resources import migrations_dir
from craftsync.store import faults, sqlite_file

_OURS = "select 1 from sqlite_master where type = 'table' and name = 'store_identity'"
_ANY = "select 1 from sqlite_master where type = 'table' limit 1"
_REVISION = "select version_num from alembic_version"


@cache
def known() -> tuple[str, ...]:
    """Return the revisions this craftsync knows, oldest first."""
    files = (migrations_dir() / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def head() -> str:
    """Return the newest revision this craftsync knows."""
    return known()[-1]


def of_file(path: str) -> str | None:
    """Read a SQLite store's revision; None where there is no store yet, or an empty file.

    Raises `StoreUnusable` for a file that is something else, or cannot be read.
    """
    if not sqlite_file.is_there(path):
        return None
    try:
        with closing(sqlite_file.connect(path, "ro")) as connection:
            return of_connection(connection, path)
    except faults.OF_A_FILE as error:
        raise faults.explain(error, path) or error from error


def of_connection(connection: sqlite3.Connection, path: str) -> str | None:
    """Read the revision behind an open connection."""
    if connection.execute(_OURS).fetchone():
        found = connection.execute(_REVISION).fetchall()
        if len(found) != 1 or not isinstance(found[0][0], str):
            raise faults.damaged(path, "it does not say at which revision it is")
        return str(found[0][0])
    if connection.execute(_ANY).fetchone():
        raise faults.foreign(path)
    return None


def require(revision: str | None, place: str) -> None:
    """Refuse a store that is missing, older or newer than this craftsync."""
    if revision is None:
        raise faults.missing(place)
    refuse_newer(revision, place)
    if revision != head():
        raise StoreUnusable(
            f"The store {place} is at revision {revision}; this craftsync wants {head()}.",
            hint="craftsync db upgrade",
        )


def refuse_newer(revision: str | None, place: str) -> None:
    """Refuse a store at a revision this craftsync does not know."""
    if revision is not None and revision.startswith("copy-"):
        raise StoreUnusable(
            f"The store {place} is a copy that did not come to its end.",
            hint="Copy again, it goes on where it ended: craftsync db copy FROM TO",
        )
    if revision is not None and revision not in known():
        raise StoreUnusable(
            f"The store {place} is at revision {revision}, made by a newer craftsync.",
            hint="Upgrade craftsync: pip install --upgrade craftsync",
        )

"""Copy a SQLite store while it may be written: what is copied is one moment of it."""

import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL

from craftsync.errors import StoreUnusable, Usage
from craftsync.store import engine, faults, revisions, sqlite_file

_PAGES = 4096  # a step: between two an interrupt is answered
_OF_THE_COPY = frozenset(  # the store is only read
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
    }
)


def _nobody(share: float) -> None:
    """Tell nobody."""


def copy_store(url: URL, target: Path, *, progress: Callable[[float], None] = _nobody) -> str:
    """Copy the store at `url` into the empty file `target`; return the revision it is at.

    `progress` is told the share that is done. Raises `StoreUnusable` for a store that is missing
    or cannot be read, and for one on a server, which has a tool of its own; `Usage` where
    the copy cannot be written.
    """
    path = engine.path_of(url)
    if path is None:
        raise StoreUnusable(
            f"The store {engine.place(url)} is on a server, whose own tool copies it.",
            hint=_pg_dump(url),
        )
    revision = revisions.of_file(path)
    if revision is None:
        raise faults.missing(path)
    copy_file(path, target, progress=progress)
    return revision


def copy_file(path: str, target: Path, *, progress: Callable[[float], None] = _nobody) -> None:
    """Copy a SQLite file into the empty file `target`, as of now, whoever writes it meanwhile."""
    try:
        with (
            closing(sqlite_file.connect(path, "ro")) as source,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            # The target is a draft: what a crash leaves of it is thrown away.
            copy.execute("pragma journal_mode=off")
            # Within a read transaction no commit of a writer makes the copy begin anew.
            source.execute("begin")
            source.execute("select 1 from sqlite_master").fetchall()
            source.backup(
                copy,
                pages=_PAGES,
                progress=lambda _, left, whole: progress(1 - left / whole if whole else 1),
            )
    except faults.OF_A_FILE as error:
        if getattr(error, "sqlite_errorcode", 0) in _OF_THE_COPY:
            raise Usage(
                f"The copy cannot be written in {target.parent}: {error}.",
                hint=f"df -h {shlex.quote(str(target.parent))}",
            ) from error
        raise faults.explain(error, path) or error from error


def _pg_dump(url: URL) -> str:
    # Neither a password nor a query that may hold one.
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
    address = shlex.quote(plain.render_as_string())
    return f"pg_dump --format=custom --file=craftsync.dump {address}"

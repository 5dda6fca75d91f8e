"""What a database's error means to its user: a sentence about the store, and what to type.

Nothing here needs SQLAlchemy: `status` explains its faults without it.
"""

import os
import re
import shlex
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from craftsync import times
from craftsync.errors import BadSettings, StoreUnusable
from craftsync.store import server_faults

WHERE = server_faults.WHERE
CREATE = "craftsync sync"

_LACKS = re.compile(r"no such (table|column)|error in view|table \S+ has no column named")
_NO_FORMAT = "unsupported file format"
_NO_TEXT = "Could not decode to UTF-8"  # the driver's own word, without a code


class UnreadableError(ValueError):
    """A store does not hold what a store always holds."""


OF_A_FILE = (sqlite3.Error, UnreadableError, UnicodeDecodeError)
"""What a store in a file may raise when it is read by the standard library."""


def moment(text: str) -> datetime:
    """Read an instant that a store keeps as text."""
    try:
        return times.parse_utc_text(text)
    except (ValueError, TypeError) as flaw:
        raise UnreadableError(f"{text!r} is no instant") from flaw


def explain(error: BaseException, place: str) -> StoreUnusable | BadSettings | None:
    """Say what `error` of a driver means for the store at `place`; None where it is a bug."""
    if isinstance(error, UnreadableError):
        return damaged(place, str(error))
    if isinstance(error, UnicodeDecodeError):  # the driver's, of a text or of what SQLite says
        return damaged(place, "a text in it is no UTF-8")
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, place)
    return server_faults.explain(error, place)


def missing(place: str) -> StoreUnusable:
    """Say that there is no store yet."""
    return StoreUnusable(f"There is no store at {place}.", hint=CREATE)


def foreign(place: str) -> StoreUnusable:
    """Say that a file is something else than a store."""
    return StoreUnusable(f"{place} is not a store of craftsync.", hint=WHERE)


def hidden(place: str) -> StoreUnusable:
    """Say that this user may not read a store, or not even look whether there is one."""
    return StoreUnusable(f"The store {place} may not be read.", hint=f"ls -l {shlex.quote(place)}")


def damaged(place: str, what: str) -> StoreUnusable:
    """Say that a store is broken, and by what that was noticed."""
    return StoreUnusable(
        f"The store {place} is damaged: {what}.",
        hint="Restore a backup, or begin anew:"
        f" {shlex.join(['mv', place, place + '.damaged'])}; craftsync sync",
    )


def of_file(error: OSError, place: str) -> StoreUnusable:
    """Say why the store's file or folder could not be made."""
    reason = (error.strerror or str(error)).lower()
    folder = Path(place).parent
    return StoreUnusable(
        f"The store {place} cannot be made: {reason}.", hint=f"ls -ld {shlex.quote(str(folder))}"
    )


def _of_sqlite(error: sqlite3.Error, place: str) -> StoreUnusable | None:
    if flaw := _of_content(str(error), place):
        return damaged(place, flaw)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    if code == sqlite3.SQLITE_IOERR and Path(place).is_dir():
        return _unopened(Path(place))
    match code:
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return _unopened(Path(place))
        case sqlite3.SQLITE_NOTADB:
            return foreign(place)
        case sqlite3.SQLITE_CORRUPT:
            return damaged(place, str(error))
        case sqlite3.SQLITE_READONLY:
            return StoreUnusable(
                f"The store {place} is read-only.",
                hint=shlex.join(["ls", "-ld", place, str(Path(place).parent)]),
            )
        case sqlite3.SQLITE_FULL:
            return StoreUnusable(
                f"The disk of the store {place} is full; what was saved stays.",
                hint=f"df -h {shlex.quote(str(Path(place).parent))}",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return StoreUnusable(
                f"The store {place} is locked by another program.",
                hint=f"fuser -v {shlex.quote(place)}",
            )
        case sqlite3.SQLITE_IOERR:
            return StoreUnusable(
                f"The disk of the store {place} failed: {error}.",
                hint=f"df -h {shlex.quote(str(Path(place).parent))}",
            )
    return None


def _of_content(said: str, place: str) -> str | None:
    """Tell what is wrong with what a file holds, though as a file of SQLite it is whole."""
    if _NO_TEXT in said:
        return "a text in it is no UTF-8"
    if said == _NO_FORMAT:
        return f"it is of an {said}"
    if not _LACKS.match(said):
        return None
    try:
        return _lacking(place)
    except OF_A_FILE as worse:  # not even what it has can be read
        return str(worse)


def _lacking(path: str) -> str | None:
    """Tell what a store at this revision has and the one at `path` has not; None for nothing."""
    from craftsync.store import models, relations  # noqa: PLC0415 - they load SQLAlchemy

    with closing(sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro", uri=True)) as store:
        for table in models.Base.metadata.sorted_tables:
            there = {row[1] for row in store.execute(f'pragma table_info("{table.name}")')}
            for column in table.columns:
                if column.name not in there:
                    return f"it has no {f'{table.name}.{column.name}' if there else table.name}"
        kept = [row[1] for row in store.execute("pragma table_info(alembic_version)")]
        if "version_num" not in kept:
            return "it does not say at which revision it is"
        there = {row[0] for row in store.execute("select name from sqlite_master")}
        for name in (relation.name for relation in relations.PUBLIC):
            if name not in there:
                return f"it has no {name}"
    return None


def _unopened(path: Path) -> StoreUnusable:
    """Find out why SQLite could not open a file: it does not tell."""
    if path.is_dir():
        return StoreUnusable(f"{path} is a folder, not a store.", hint=WHERE)
    try:
        there = path.exists()
    except PermissionError:
        there = True
    if not there:
        return missing(str(path))
    if not os.access(path, os.R_OK):
        return hidden(str(path))
    # Its -wal and -shm lie beside it, and even a reader may have to make them.
    return StoreUnusable(
        f"The store {path} cannot be opened in its folder.",
        hint=f"ls -ld {shlex.quote(str(path.parent))}",
    )

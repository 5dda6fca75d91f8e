"""A SQLite store as a file: make it for its user alone, open it with the standard library."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from craftsync.store import faults

_SCHEMES = ("sqlite", "sqlite+pysqlite")
_WAIT_MS = 30_000


def path_in(store: str | Path) -> str | None:
    """Return the absolute path of a SQLite store named by a path or URL; None for another.

    A URL with a user or a host in it, or for another driver, names no file: what follows may be a
    secret.
    """
    text = str(store)
    scheme, separator, rest = text.partition("://")
    if separator:
        if scheme not in _SCHEMES or not rest.startswith("/"):
            return None
        text = rest.partition("?")[0].removeprefix("/")
    if text in ("", "-", ":memory:"):
        return None
    # A file of settings is UTF-8, whatever the system believes of the names of files.
    text = os.fsdecode(text.encode("utf-8", "surrogateescape"))
    return str(Path(text).expanduser().absolute())


def make_folder(path: str) -> None:
    """Make the folders above a file that are not there, for the user alone (0700)."""
    try:
        for folder in reversed([above for above in Path(path).parents if not above.exists()]):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise faults.of_file(error, path) from error


def make(path: str) -> None:
    """Make an empty file for the user alone, 0600 in a folder 0700, unless there is one.

    SQLite gives a store's -wal and -shm the mode of its file.
    """
    make_folder(path)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise faults.of_file(error, path) from error
    os.close(descriptor)


def is_there(path: str) -> bool:
    """Whether there is a file; raises `StoreUnusable` where this user may not look."""
    try:
        return Path(path).exists()
    except OSError as error:
        raise faults.hidden(path) from error


def connect(path: str, mode: str) -> sqlite3.Connection:
    """Open a file that is there: `mode` `ro` or `rw`. A missing one is an error, never made."""
    uri = f"file:{quote(os.fsencode(path))}?mode={mode}"
    if mode == "ro" and _cannot_change(path) and not _has_log(path):
        uri += "&immutable=1"  # else SQLite would want to make a -shm beside it
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_WAIT_MS / 1000
    )
    try:
        connection.execute(f"pragma busy_timeout={_WAIT_MS}")
    except BaseException:
        connection.close()
        raise
    return connection


def _has_log(path: str) -> bool:
    """Whether a killed process left changes beside the file: who opens it must take them in."""
    try:
        return Path(f"{os.path.realpath(path)}-wal").stat().st_size > 0
    except OSError:
        return False


def _cannot_change(path: str) -> bool:
    """Whether a file lies on a read-only file system, so that nobody writes it now."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False

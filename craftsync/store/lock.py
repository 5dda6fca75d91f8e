"""Who writes: the lock a command takes before it creates, migrates or writes a store.

In a file there is one writer; on a server one an environment, so that several are mirrored at
once. The system, or the server, lets go of a lock when its process ends, however it ends.
"""

import errno
import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import filelock
from sqlalchemy import URL

from craftsync.errors import Busy
from craftsync.store import engine, faults, server_lock, sqlite_file

_WAIT = "Wait for its end, or let cron pass over it: craftsync sync --skip-if-busy"


@contextmanager
def lock(url: URL, environments: Collection[str]) -> Iterator[None]:
    """Be the only one in this block that writes these environments of the store at `url`.

    With no names nothing is locked on a server: its schema has a lock of its own, taken by what
    changes it. Raises `Busy` at once where another process, or another thread, is at work, and
    `StoreUnusable` where the lock was lost on the way.
    """
    path = engine.path_of(url)
    if path is None:
        with engine.store_errors(url), server_lock.held(url, environments) as busy:
            if busy is not None:
                raise Busy(
                    f"Another craftsync is at work on {busy} in {engine.place(url)}.", hint=_WAIT
                )
            yield
        return
    # A store that has two names, by a link, has one lock.
    file = f"{os.path.realpath(path)}.lock"
    sqlite_file.make_folder(file)
    held = filelock.FileLock(file, mode=0o600, blocking=False)
    try:
        held.acquire()
    except filelock.Timeout:
        if not os.path.lexists(file):  # it is nobody's: it could not be made
            raise faults.of_file(OSError(errno.EACCES, os.strerror(errno.EACCES)), file) from None
        raise Busy(f"Another craftsync is at work on {path}.", hint=_WAIT) from None
    except OSError as error:
        raise faults.of_file(error, file) from error
    try:
        yield
    finally:
        held.release()


def is_held(url: URL, environment: str) -> bool:
    """Whether somebody writes an environment of the store at `url` now; nothing is made for it.

    Where a file may not be opened nobody can tell: then it is said that nobody does.
    """
    path = engine.path_of(url)
    if path is None:
        with engine.store_errors(url):
            return server_lock.is_held(url, environment)
    return is_file_held(f"{os.path.realpath(path)}.lock")


def is_file_held(file: str | os.PathLike[str]) -> bool:
    """Try the lock of a file, which is let go of at once; False where it cannot be opened."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False

"""One writer: the lock a command takes before it creates, migrates or writes a store.

The system lets go of it when its process ends, however it ends; the file beside the store stays.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import filelock
from sqlalchemy import URL

from craftsync.errors import Busy, StoreUnusable
from craftsync.store import engine, faults, sqlite_file


@contextmanager
def lock(url: URL) -> Iterator[None]:
    """Be the only writer of the store at `url` in this block.

    Raises `Busy` at once where another process, or another thread, is.
    """
    path = engine.path_of(url)
    if path is None:
        raise StoreUnusable(
            f"The store {engine.place(url)} cannot be locked: PostgreSQL is not served yet.",
            hint=faults.WHERE,
        )
    sqlite_file.make_folder(path)
    held = filelock.FileLock(f"{path}.lock", mode=0o600, blocking=False)
    try:
        held.acquire()
    except filelock.Timeout:
        raise Busy(
            f"Another craftsync is at work on {path}.",
            hint="Wait for its end, or let cron pass over it: craftsync sync --skip-if-busy",
        ) from None
    except OSError as error:
        raise faults.of_file(error, f"{path}.lock") from error
    try:
        yield
    finally:
        held.release()

"""Copy a store from one engine to the other: whole, or plainly not a store yet.

What grows says so where its revision would stand, together with what it is a copy of. So nobody
uses it before its end; a copy that was killed goes on where it ended, or begins anew when the
store it is of has changed since. The identity is carried along: it is the same store elsewhere.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, Connection, Engine, Table, func, select, update

from craftsync.errors import Refused, StoreUnusable, Usage
from craftsync.store import engine, lock, revisions, schema, tablewise
from craftsync.store.models import (
    Counter,
    DeleteEvent,
    Environment,
    Revision,
    Scope,
    StoreIdentity,
    SyncRun,
)
from craftsync.store.upsert import table_of

_UNFINISHED = re.compile(r"copy-(\w+)-([0-9a-f]{16})")
_A_COPY = "db copy"  # what is locked meanwhile: no environment is called so


@dataclass(frozen=True, slots=True)
class Copied:
    """A table that is in the copy whole; `sha256` is of both, None where it was not asked for."""

    table: str
    rows: int
    sha256: str | None


def copy(
    source: URL,
    target: URL,
    *,
    verify: bool,
    progress: Callable[[str, int], None],
) -> Iterator[Copied]:
    """Copy the store at `source` into the empty, or half copied, store at `target`.

    Gives each table when all are there; with `verify` after reading it again in both stores.
    `progress` is told of a table how many rows it has by now. Raises `Refused` where `target`
    holds something else, `Busy` where somebody writes it, `StoreUnusable` where a store cannot be
    read or written, or the copy is not what was copied.
    """
    if source == target:
        raise Usage("A store cannot be copied onto itself.", hint="Name another one.")
    schema.require_current(source)
    with lock.lock(target, [_A_COPY]), _reading(source) as reading:
        mark = f"copy-{schema.head()}-{_fingerprint(reading)}"
        _prepare(target, reading, mark)
        writer = engine.writer(target)
        try:
            with engine.store_errors(target):
                _fill(reading, writer, progress)
                _finish(writer)
        finally:
            writer.dispose()
        with _reading(target) as copied:
            for table in tablewise.TABLES:
                yield _compared(reading, copied, table, verify=verify, target=target)


@contextmanager
def _reading(url: URL) -> Iterator[Connection]:
    reader = engine.reader(url)
    try:
        with engine.store_errors(url), reader.connect() as connection:
            yield connection
    finally:
        reader.dispose()


def _fingerprint(connection: Connection) -> str:
    """Return what changes with every change of a store: its marks, its runs, its audit."""
    newest = (
        select(Environment.key, Environment.rev, Revision.token)
        .outerjoin(
            Revision,
            (Revision.environment_key == Environment.key) & (Revision.rev == Environment.rev),
        )
        .order_by(Environment.key)
    )
    runs = select(func.max(SyncRun.run_id), func.count(), func.count(SyncRun.finished_at))
    facts = [
        connection.execute(select(StoreIdentity.store_id)).all(),
        connection.execute(newest).all(),
        connection.execute(runs).all(),
        connection.execute(select(func.count()).select_from(DeleteEvent)).all(),
    ]
    return hashlib.sha256(repr([list(map(tuple, some)) for some in facts]).encode()).hexdigest()[
        :16
    ]


def _prepare(target: URL, source: Connection, mark: str) -> None:
    """Make the target one that grows into this copy; what grew into an older one is emptied."""
    found, place = schema.current(target), engine.place(target)
    half = _UNFINISHED.fullmatch(found or "")
    if half and half[1] != schema.head():
        raise Refused(
            f"{place} is half a copy at another revision, {half[1]}.",
            hint="Take it away, and copy again into a new one.",
        )
    if not half:
        schema.upgrade(target)
    if found == mark:
        return
    writer = engine.writer(target)
    try:
        with engine.store_errors(target), writer.begin() as connection:
            if half:
                _refuse_another(connection, source, place)
            else:
                _refuse_content(connection, source, place)
            for table in reversed(tablewise.TABLES):
                connection.execute(table.delete())
            connection.exec_driver_sql(f"update alembic_version set version_num = '{mark}'")
    finally:
        writer.dispose()


def _refuse_another(target: Connection, source: Connection, place: str) -> None:
    """Refuse to go on with what began as a copy of another store."""
    identity = select(StoreIdentity.store_id)
    known = target.execute(identity).scalar_one_or_none()
    if known not in (None, source.execute(identity).scalar_one()):
        raise Refused(
            f"{place} is half a copy of another store. Nothing was changed.",
            hint="Take it away, or copy into another one.",
        )


def _refuse_content(target: Connection, source: Connection, place: str) -> None:
    fresh = {table_of(StoreIdentity).name, table_of(Counter).name}
    if all(
        tablewise.count_rows(target, table) == 0
        for table in tablewise.TABLES
        if table.name not in fresh
    ):
        return
    identity = select(StoreIdentity.store_id)
    same = target.execute(identity).scalar_one() == source.execute(identity).scalar_one()
    what = "a copy of this store already" if same else "another store"
    raise Refused(
        f"{place} holds {what}. Nothing was changed.",
        hint="Copy into an empty database, or into a file that is not there.",
    )


def _fill(source: Connection, writer: Engine, progress: Callable[[str, int], None]) -> None:
    """Copy what is not there yet, a batch a transaction, in the order of the keys."""
    for table in tablewise.TABLES:
        with writer.connect() as connection:
            after = tablewise.last_key(connection, table)
            done = tablewise.count_rows(connection, table)
        for rows in tablewise.batches(source, table, after):
            with writer.begin() as connection:
                tablewise.write(connection, table, rows)
            done += len(rows)
            progress(table.name, done)


def _finish(writer: Engine) -> None:
    """Let the copy be a store: on the disk, and looked through by the next sync."""
    with engine.durable_transaction(writer) as connection:
        connection.execute(update(table_of(Scope)).values(listing_sha256=None))
        connection.exec_driver_sql(f"update alembic_version set version_num = '{revisions.head()}'")
    if writer.dialect.name != "sqlite":
        with writer.begin() as connection:
            connection.exec_driver_sql("analyze")


def _compared(
    source: Connection, copied: Connection, table: Table, *, verify: bool, target: URL
) -> Copied:
    rows = tablewise.count_rows(copied, table)
    if not verify:
        return Copied(table.name, rows, None)
    found = tablewise.count_rows(source, table), tablewise.sha256(source, table)
    if found != (rows, tablewise.sha256(copied, table)):
        raise StoreUnusable(
            f"The table {table.name} in {engine.place(target)} is not what was copied.",
            hint="Take the copy away, and copy again.",
        )
    return Copied(table.name, *found)

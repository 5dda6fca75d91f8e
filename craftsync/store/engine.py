"""Open a store: to write it, to read it, or to migrate it. No other module connects.

SQLite's driver would begin transactions behind our back and leave DDL outside of them, so each
engine says BEGIN itself. A writer begins IMMEDIATE: it waits for its turn before its first
statement, not in the middle. A reader never waits for a writer, and writes nothing at all.
"""

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from craftsync.errors import BadSettings, StoreUnusable
from craftsync.store import faults, server_session, sqlite_file

_PRAGMAS_TO_WRITE = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "journal_size_limit=67108864",
)
_AS_DURABLE_AS_ASKED = """
    select set_config(name, case reset_val when 'off' then 'on' else reset_val end, true)
    from pg_settings where name = 'synchronous_commit'
"""
_FORMS = "A path, sqlite:////path/to/history.db, or postgresql://user@host/database"


def address(store: str | Path) -> URL:
    """Read where a store is: a path, or an SQLAlchemy URL of SQLite or PostgreSQL.

    A path is made absolute. Raises `BadSettings` for anything else.
    """
    path = sqlite_file.path_in(store)
    if path is not None:
        return URL.create("sqlite", database=path)
    try:
        url = make_url(str(store))
    except (ArgumentError, ValueError):
        # The text may hold a password: it is not shown.
        raise BadSettings("The address of the store cannot be read.", hint=_FORMS) from None
    if url.get_backend_name() in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        raise BadSettings(
            "The URL of a store in a file begins with sqlite:/// and its path: it has no user, no"
            " host and no other driver.",
            hint=_FORMS,
        )
    raise BadSettings(f"A store cannot be kept in {url.drivername}.", hint=_FORMS)


def place(url: URL) -> str:
    """Return how messages name a store: its path, or its URL without what may be secret."""
    shown = url.set(drivername=url.get_backend_name(), query={})
    return path_of(url) or shown.render_as_string(hide_password=True)


def who() -> str:
    """Return what this process calls itself on a server, where its sessions are listed."""
    return f"craftsync {os.getpid()}@{socket.gethostname()}"[:63]


def path_of(url: URL) -> str | None:
    """Return the path of a SQLite store, None for one on a server."""
    return url.database if url.get_backend_name() == "sqlite" else None


def writer(url: URL) -> Engine:
    """Open a store to write it; its file is made if there is none, its schema is not."""
    return _sqlite(url, "rw", "IMMEDIATE", foreign_keys="ON")


def migrator(url: URL) -> Engine:
    """Open a store to change its schema, on connections that enforce no foreign key.

    The switch must stand at connect: in a transaction it does nothing, and rebuilding a parent
    table would then empty its children.
    """
    return _sqlite(url, "rw", "IMMEDIATE", foreign_keys="OFF")


def reader(url: URL, *, kept_open: int = 5) -> Engine:
    """Open a store to read it. A transaction is one snapshot; nothing is ever written.

    So many connections stay open for the next thread that wants one.
    """
    return _sqlite(url, "ro", "DEFERRED", foreign_keys="OFF", kept_open=kept_open)


def lock_holder(url: URL) -> Engine:
    """Open a server for a session that holds locks: it has no transaction open."""
    return _server(url, read_only=True).execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def durable_transaction(engine: Engine) -> Iterator[Connection]:
    """Run one transaction that is on the disk when it returns, with all committed before it.

    On SQLite a commit only reaches the operating system otherwise, and the setting stands outside
    the transaction: within one it may not be changed. A server may be set to be hasty, too.
    """
    with engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            with connection.begin():
                connection.exec_driver_sql(_AS_DURABLE_AS_ASKED)
                yield connection
            return
        driver: Any = connection.connection.driver_connection
        driver.execute("pragma synchronous=FULL")
        try:
            with connection.begin():
                yield connection
        finally:
            with suppress(sqlite3.ProgrammingError):  # closed by an interrupt: the next is as set
                driver.execute("pragma synchronous=NORMAL")


@contextmanager
def store_errors(url: URL | None = None) -> Iterator[None]:
    """Turn a database's errors in this block into `StoreUnusable`; a bug keeps its traceback.

    What is asked for in a URL, or by a variable of PostgreSQL's client, and cannot be, raises
    `BadSettings`.
    """
    try:
        yield
    except Exception as error:  # of a driver that may not be installed, too
        cause = error.orig if isinstance(error, DBAPIError) else error
        fault = faults.explain(cause, place(url) if url else "") if cause else None
        if fault is None:
            raise
        raise fault from error


def _sqlite(url: URL, mode: str, begin: str, *, foreign_keys: str, kept_open: int = 5) -> Engine:
    path = path_of(url)
    if path is None:
        return _server(url, read_only=mode == "ro", kept_open=kept_open)
    engine = create_engine(url, creator=_opener(path, mode, foreign_keys), pool_size=kept_open)

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(f"begin {begin}")

    return engine


def _opener(path: str, mode: str, foreign_keys: str) -> Callable[[], sqlite3.Connection]:
    def open_file() -> sqlite3.Connection:
        if mode == "rw":
            sqlite_file.make(path)
        connection = sqlite_file.connect(path, mode)
        try:
            _set_up(connection, path, mode, foreign_keys)
        except BaseException:
            connection.close()
            raise
        return connection

    return open_file


def _set_up(connection: sqlite3.Connection, path: str, mode: str, foreign_keys: str) -> None:
    connection.execute(f"pragma foreign_keys={foreign_keys}")
    if mode == "ro":
        return
    for pragma in _PRAGMAS_TO_WRITE:
        answer = connection.execute(f"pragma {pragma}").fetchone()
        if pragma.startswith("journal_mode") and answer != ("wal",):
            raise StoreUnusable(
                f"The store {path} lies where SQLite cannot keep its write-ahead log.",
                hint="Keep it on a local disk. " + faults.WHERE,
            )


def _server(url: URL, *, read_only: bool, kept_open: int = 5) -> Engine:
    try:
        server_session.refuse_what_cannot_be(url)
        engine = create_engine(
            url.difference_update_query(["options"]),
            pool_size=kept_open,
            use_native_hstore=False,  # nothing here has that type, and each start asks for it
            isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
            connect_args=server_session.arguments(url, who(), read_only=read_only),
        )
    except ModuleNotFoundError as flaw:
        raise StoreUnusable(
            f"The store {place(url)} needs a driver that is not installed: {flaw.name}.",
            hint="pip install 'craftsync[postgres]'",
        ) from flaw
    except ArgumentError:  # what it says may show what is secret
        raise BadSettings(
            "The hosts and ports in the URL of the store cannot be read.", hint=faults.WHERE
        ) from None
    event.listen(engine, "connect", server_session.bring_into_form)
    return engine

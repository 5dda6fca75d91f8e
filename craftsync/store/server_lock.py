"""Locks on a server: advisory ones, which it lets go of by itself when a session ends.

An environment's lock belongs to a session that does nothing else. The schema's belongs to the
transaction that looks at it or changes it: it is shared by all who look.
"""

import hashlib
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import SQLAlchemyError

from craftsync.errors import Busy, StoreUnusable
from craftsync.store import engine

_OURS = 0x63726166  # the first half of our locks' numbers, by which they are found again
_SCHEMA = 0
_PATIENCE_S = 10
_NEVER_IDLE = """
    select set_config(name, '0', false) from pg_settings where name = 'idle_session_timeout'
"""
_TRY = text("select pg_try_advisory_lock(:ours, :number)")
_LET_GO = text("select pg_advisory_unlock(:ours, :number)")
_OTHERS = text(
    "select count(*) from pg_locks l left join pg_stat_activity a on a.pid = l.pid"
    " where l.locktype = 'advisory' and l.granted and l.classid = :ours and l.objid <> 0"
    " and l.objsubid = 2 and l.database = (select oid from pg_database where datname ="
    " current_database()) and a.application_name is distinct from :who"
)


_HOLDERS = text(
    "select count(*) from pg_locks where locktype = 'advisory' and granted"
    " and classid::bigint = :ours and objid::bigint = :number and objsubid = 2"
    " and database = (select oid from pg_database where datname = current_database())"
)


@contextmanager
def held(url: URL, environments: Collection[str]) -> Iterator[str | None]:
    """Hold the locks of these environments in this block, or of none of them.

    Gives the name of one that another holds, or None. Raises `StoreUnusable` at the end where the
    session that held them was ended by someone else.
    """
    if not environments:
        yield None
        return
    holder = engine.lock_holder(url)
    try:
        with holder.connect() as connection:
            connection.exec_driver_sql(_NEVER_IDLE)
            taken: list[str] = []
            busy = None
            for name in sorted(environments):
                if not connection.execute(_TRY, _numbers(connection, name)).scalar_one():
                    busy = name
                    break
                taken.append(name)
            try:
                yield busy
            except BaseException:
                with suppress(SQLAlchemyError):  # the end of the session lets go too, but later
                    _let_go(connection, taken)
                raise
            if lost := _let_go(connection, taken):
                raise StoreUnusable(
                    f"The lock of {lost[0]} in {engine.place(url)} was lost on the way.",
                    hint="Connect to the server itself, not to a pool of its sessions.",
                )
    finally:
        holder.dispose()


def _let_go(connection: Connection, names: Collection[str]) -> list[str]:
    """Let go of the locks of these environments; return those that were not held any more."""
    return [
        name
        for name in names
        if not connection.execute(_LET_GO, _numbers(connection, name)).scalar_one()
    ]


def is_held(url: URL, environment: str) -> bool:
    """Whether a session holds the lock of an environment; it is looked for, not tried."""
    holder = engine.lock_holder(url)
    try:
        with holder.connect() as connection:
            numbers = _numbers(connection, environment)
            numbers["number"] %= 1 << 32  # the table shows it without its sign
            return bool(connection.execute(_HOLDERS, numbers).scalar_one())
    finally:
        holder.dispose()


def share_schema(connection: Connection) -> None:
    """Wait until nobody changes the schema, and keep it so for this transaction."""
    connection.execute(
        text("select pg_advisory_xact_lock_shared(:ours, :number)"),
        {"ours": _OURS, "number": _SCHEMA},
    )


def own_schema(connection: Connection) -> None:
    """Wait until nobody looks at the schema or changes it, and keep it so for this transaction."""
    connection.execute(
        text("select pg_advisory_xact_lock(:ours, :number)"), {"ours": _OURS, "number": _SCHEMA}
    )


def wait_for_others(connection: Connection, place: str) -> None:
    """Wait a little for the runs of other processes to end; raises `Busy` where they do not."""
    until = time.monotonic() + _PATIENCE_S
    while connection.execute(_OTHERS, {"ours": _OURS, "who": engine.who()}).scalar_one():
        if time.monotonic() > until:
            raise Busy(
                f"The schema of {place} must be upgraded, and another craftsync is at work on it.",
                hint="Wait for its end, then: craftsync db upgrade",
            )
        time.sleep(0.1)


def _numbers(connection: Connection, name: str) -> dict[str, int]:
    """Return the number of an environment's lock: of a store in another schema it is another."""
    schema = connection.exec_driver_sql("select current_schema()").scalar_one()
    digest = hashlib.sha256(f"{schema}\n{name}".encode()).digest()
    return {"ours": _OURS, "number": int.from_bytes(digest[:4], "big", signed=True) or 1}

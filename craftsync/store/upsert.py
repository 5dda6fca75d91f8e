"""One upsert for both databases, and its fast form: tuples straight to the driver.

The fast form runs the same statement, compiled once for the dialect. No column type converts
anything on its way, so its rows come in the driver's form already; one that does not is refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from itertools import chain, islice
from typing import Any, TypeAlias, TypeVar, cast

from sqlalchemy import Connection, Dialect, Insert, Table, delete, inspect, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from craftsync.store import faults
from craftsync.store.base import Base
from craftsync.store.models import Counter

Row: TypeAlias = tuple[Any, ...]
T = TypeVar("T")

_BOUND = 500  # values a statement of the fast form binds: within any SQLite's limit
_VALUES = re.compile(r"(?<= VALUES )(\([^()]*\))")

BATCH = 500  # SQLite's default limit is 32,766 bound values a statement, PostgreSQL's 65,535


def batches(items: Iterable[T], *, size: int = BATCH) -> Iterator[list[T]]:
    """Cut `items` into lists that fit into one statement's bound values."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def upsert(
    connection: Connection,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    once: Sequence[str] = (),
) -> int:
    """Insert `rows`, or bring those with the same natural `key` up to date.

    All rows have the same columns. A held row keeps its surrogate key, and its `once` columns
    (`first_seen_at`) as they were first written.
    """
    if not rows:
        return 0
    statement = _statement(model, tuple(rows[0]), tuple(key), tuple(once), connection.dialect.name)
    connection.execute(statement, list(rows))
    return len(rows)


def upsert_rows(
    connection: Connection,
    model: type[Base],
    rows: Sequence[Row],
    *,
    key: Sequence[str] = (),
    once: Sequence[str] = (),
) -> int:
    """Do the same with tuples in the driver's form, of all columns in the table's order.

    Without `key` they are inserted plainly. Raises `TypeError` for what a column type would have
    had to convert.
    """
    if not rows:
        return 0
    dialect = connection.dialect.name
    refuse_unconverted(rows, dialect)
    if dialect != "sqlite" and not key:
        copy_rows(connection, table_of(model), rows)
        return len(rows)
    done = 0
    # The driver lets go of the interpreter's lock at each step of a statement, and with many
    # threads at work it waits long to get it back: so a step writes many rows.
    most = _BOUND // len(rows[0])
    for at_once in (most, most // 5, 1):
        if at_once < 1:
            continue
        statement = _driver_sql(model, tuple(key), tuple(once), dialect, at_once)
        while len(rows) - done >= at_once:
            some = rows[done : done + at_once]
            connection.exec_driver_sql(statement, tuple(chain.from_iterable(some)))
            done += at_once
    return len(rows)


def copy_rows(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows on a server by COPY, four times as fast as by statements.

    They have all columns in the table's order, in the driver's form.
    """
    driver: Any = connection.connection.driver_connection
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    with (
        driver.cursor() as cursor,
        cursor.copy(f'copy "{table.name}" ({names}) from stdin') as copy,
    ):
        for row in rows:
            copy.write_row(row)


def refuse_unconverted(rows: Sequence[Row], dialect: str) -> None:
    """Refuse rows with a value that the driver would store in its own way, or not at all.

    Rows of one call are made by one function: the first and the last speak for all of them.
    """
    rows = (rows[0], rows[-1])
    wrong = (dict, list, date) if dialect == "sqlite" else (dict, list)
    for kind in set(map(type, chain.from_iterable(rows))):
        if issubclass(kind, wrong):
            raise TypeError(f"a {kind.__name__} is not in the form of the {dialect} driver")
        if issubclass(kind, datetime) and any(
            isinstance(value, datetime) and value.utcoffset() is None
            for row in rows
            for value in row
        ):
            raise TypeError("a datetime without a time zone is no instant")


def replace_children(
    connection: Connection, model: type[Base], parents: Sequence[int], rows: Sequence[Row]
) -> None:
    """Write `rows` in the place of all that hang on the executions `parents`.

    New parents need not be named: they have no children yet.
    """
    of_execution = table_of(model).c.execution_key
    for some in batches(parents):
        connection.execute(delete(model).where(of_execution.in_(some)))
    upsert_rows(connection, model, rows)


def draw_keys(connection: Connection, name: str, count: int) -> range:
    """Hand out `count` surrogate keys of a table that nobody had before."""
    counter = table_of(Counter)
    statement = (
        update(counter)
        .where(counter.c.name == name)
        .values(value=counter.c.value + count)
        .returning(counter.c.value)
    )
    last: int | None = connection.execute(statement).scalar_one_or_none()
    if last is None:
        raise faults.UnreadableError(f"it does not count the rows of {name}")
    return range(last - count + 1, last + 1)


def table_of(model: type[Base]) -> Table:
    """Return the table behind a model."""
    return cast("Table", inspect(model).local_table)


@cache
def _statement(
    model: type[Base],
    columns: tuple[str, ...],
    key: tuple[str, ...],
    once: tuple[str, ...],
    dialect: str,
) -> Insert:
    table = table_of(model)
    statement = insert_into(dialect, table)
    if key:
        keep = {*key, *once, *table.primary_key.columns.keys()}
        statement = statement.on_conflict_do_update(
            index_elements=list(key),
            set_={name: statement.excluded[name] for name in columns if name not in keep},
        )
    return cast("Insert", statement)


@cache
def _driver_sql(
    model: type[Base], key: tuple[str, ...], once: tuple[str, ...], dialect: str, at_once: int
) -> str:
    """Compile the statement that writes so many rows, each of all columns in the table's order."""
    columns = tuple(table_of(model).c.keys())
    statement = _statement(model, columns, key, once, dialect)
    text = str(statement.compile(dialect=_positional(dialect), column_keys=list(columns)))
    head, one_row, rest = _VALUES.split(text, maxsplit=1)
    return f"{head}{', '.join([one_row.strip()] * at_once)}{rest}"


def insert_into(dialect: str, table: Table) -> Any:
    """Begin an insert that knows what to do on a conflict, which the generic one does not."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 20 ms nobody on SQLite needs

    return postgresql.insert(table)


@cache
def _positional(dialect: str) -> Dialect:
    """Return the dialect with placeholders by position, as tuples want them."""
    if dialect == "sqlite":
        return SQLiteDialect_pysqlite(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg  # noqa: PLC0415

    return PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]

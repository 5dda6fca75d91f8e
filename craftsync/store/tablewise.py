"""The tables of a store row by row, in the order of their keys, whatever the engine.

A row read here is in one form, that of SQLite: instants are text, truths 0 and 1. So two stores of
different engines can be compared, and a row of one be written into the other.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import Boolean, Connection, LargeBinary, Table, func, select, tuple_

from craftsync import times
from craftsync.errors import StoreUnusable
from craftsync.store.base import Base, Moment
from craftsync.store.models import FileChunk, RawAnswer, Scope
from craftsync.store.upsert import Row, copy_rows, table_of

TABLES: tuple[Table, ...] = tuple(Base.metadata.sorted_tables)
"""All tables, those that others hang on first."""

Cell: TypeAlias = Callable[[Any], Any]
_ROWS = 10_000
_BIG = {table_of(FileChunk).name: 16, table_of(RawAnswer).name: 2_000}
_NOT_COMPARED = {(table_of(Scope).name, "listing_sha256")}  # it is asked for anew after a copy


def count_rows(connection: Connection, table: Table) -> int:
    """Count the rows of a table."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def last_key(connection: Connection, table: Table) -> Row | None:
    """Return the greatest key in a table, as the driver has it; None where it is empty."""
    keys = table.primary_key.columns
    newest = select(*keys).order_by(*(key.desc() for key in keys)).limit(1)
    found = connection.execute(newest).one_or_none()
    return tuple(found) if found else None


def batches(connection: Connection, table: Table, after: Row | None = None) -> Iterator[list[Row]]:
    """Give the rows of a table whose key is greater than `after`, in the order of their keys.

    Few at a time where they are big. Raises `StoreUnusable` for what no store may hold.
    """
    keys = list(table.primary_key.columns)
    wanted = select(*table.c).order_by(*keys)
    if after is not None:
        wanted = wanted.where(tuple_(*keys) > tuple_(*after, types=[key.type for key in keys]))
    at_once = _BIG.get(table.name, _ROWS)
    readers = [_reader(column.type) for column in table.c]
    streamed = wanted.execution_options(stream_results=True, yield_per=at_once)
    with connection.execute(streamed) as found:
        for some in found.partitions():
            try:
                yield [
                    tuple(read(cell) for read, cell in zip(readers, row, strict=True))
                    for row in some
                ]
            except (TypeError, ValueError) as flaw:
                raise StoreUnusable(
                    f"A row of the table {table.name} holds what does not fit: {flaw}.",
                    hint="craftsync doctor",
                ) from flaw


def write(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows read by `batches`, none of which is there."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        marks = ", ".join("?" * len(table.c))
        driver.executemany(f'insert into "{table.name}" ({names}) values ({marks})', rows)
        return
    writers = [_writer(column.type) for column in table.c]
    written = (tuple(put(cell) for put, cell in zip(writers, row, strict=True)) for row in rows)
    copy_rows(connection, table, written)


def sha256(connection: Connection, table: Table) -> str:
    """Return the hash of all rows of a table: the same on every engine for the same content."""
    digest = hashlib.sha256()
    compared = [(table.name, column.name) not in _NOT_COMPARED for column in table.c]
    for some in batches(connection, table):
        for row in some:
            shown = [cell for cell, counts in zip(row, compared, strict=True) if counts]
            digest.update(repr(shown).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def _reader(kind: Any) -> Cell:
    if isinstance(kind, Moment):
        return _moment_text
    if isinstance(kind, Boolean):
        return _truth
    return _bytes if isinstance(kind, LargeBinary) else _as_it_is


def _writer(kind: Any) -> Cell:
    """Return what writes a cell for a server, which has types for instants and truths."""
    if isinstance(kind, Moment):
        return _moment
    return _boolean if isinstance(kind, Boolean) else _as_it_is


def _moment_text(cell: datetime | None) -> str | None:
    return None if cell is None else times.utc_text(cell.astimezone(UTC))


def _moment(cell: str | None) -> datetime | None:
    return None if cell is None else times.parse_utc_text(cell)


def _truth(cell: Any) -> int | None:
    return None if cell is None else int(cell)


def _boolean(cell: int | None) -> bool | None:
    return None if cell is None else bool(cell)


def _bytes(cell: Any) -> bytes | None:
    return None if cell is None else bytes(cell)


def _as_it_is(cell: Any) -> Any:
    return cell

"""Rows into a Parquet file, by DuckDB: offline, a batch at a time."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from craftsync.cli import cells, sinks, streams
from craftsync.errors import Usage
from craftsync.query import troubles

# The kinds of columns that are not text.
_TYPES = {
    "instant": "timestamp",  # in UTC
    "boolean": "boolean",
    "integer": "bigint",
    "bigint": "bigint",
    "hugeint": "decimal(38, 0)",  # Parquet has no wider integer
    "double": "double",
    "json": "json",
}
_BATCH = 10_000


def write(
    output: Path, names: Sequence[str], kinds: Sequence[str], rows: Iterable[Sequence[object]]
) -> int:
    """Write `rows` to `output`, and return how many they were.

    Names that differ by case alone are numbered: what reads Parquet may not tell them apart. Raises
    `Usage` when it cannot be written, for no column at all, and for a value that does not fit.
    """
    import duckdb  # noqa: PLC0415 - heavy, and no other format needs it

    if not names:
        raise Usage(
            "Parquet cannot be written without a column.",
            hint="For an object with nothing in it: --format json",
        )
    columns = ", ".join(
        f"{_name(name)} {_TYPES.get(kind, 'varchar')}"
        for name, kind in zip(_told_apart(names), kinds, strict=True)
    )
    readers = [_reader(kind) for kind in kinds]
    converted = (
        [None if cell is None else read(cell) for read, cell in zip(readers, row, strict=True)]
        for row in rows
    )
    count = 0
    with TemporaryDirectory(prefix="craftsync-") as private, sinks.drafted(output) as draft:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": private,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        with duckdb.connect(config=settings) as duck:
            duck.execute("set enable_progress_bar = false")  # it would be drawn on stdout
            try:
                duck.execute(f"create table written ({columns})")
            except duckdb.Error as flaw:
                raise _cannot_write(output, flaw) from flaw
            while batch := list(islice(converted, _BATCH)):
                count += len(batch)
                try:
                    with duck.appender("written") as appender:
                        appender.append_rows(batch)
                except duckdb.Error as flaw:
                    raise _cannot_write(output, flaw) from flaw
            try:
                duck.execute(
                    f"copy written to {_literal(str(draft))}"
                    " (format parquet, compression zstd, use_tmp_file false)"
                )
            except duckdb.Error as flaw:
                raise _cannot_write(output, flaw) from flaw
    return count


def _cannot_write(output: Path, flaw: Exception) -> Usage:
    trouble = troubles.of_system(flaw)
    if trouble is not None:
        return streams.cannot_write(output, trouble)
    return Usage(f"{output} cannot be written: {flaw}")


def _reader(kind: str) -> Callable[[object], object]:
    """Return what turns a cell into what DuckDB appends to a column of this kind."""
    if kind == "instant":
        return _in_utc
    if kind == "boolean":
        return bool
    if kind in cells.NUMBERS:
        return lambda cell: cell
    text = cells.as_text(kind)
    return lambda cell: text(cell).encode("utf-8", "backslashreplace").decode()


def _in_utc(cell: object) -> object:
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        return cell.astimezone(UTC).replace(tzinfo=None)
    return cell


def _told_apart(names: Sequence[str]) -> list[str]:
    """Return names that are something, and differ by more than case."""
    taken: set[str] = set()
    told: list[str] = []
    for name in names:
        # As in text columns: no database has a NUL, and UTF-8 no half of a pair.
        clean = name.replace("\0", "\u2400").encode("utf-8", "backslashreplace").decode()
        clean = clean or "column"
        fresh, number = clean, 0
        while fresh.lower() in taken:
            number += 1
            fresh = f"{clean}_{number}"
        taken.add(fresh.lower())
        told.append(fresh)
    return told


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

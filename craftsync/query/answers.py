"""What a question gives back: columns with their kinds, and rows as they come out of DuckDB."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from craftsync.query import interruptible, sandbox

if TYPE_CHECKING:
    import duckdb

Columns = Sequence[tuple[str, str]]
"""Names of columns and their kinds, in order; SQL may give one name twice."""

_KINDS = {
    "BOOLEAN": "boolean",
    "TINYINT": "integer",
    "SMALLINT": "integer",
    "INTEGER": "integer",
    "UTINYINT": "integer",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "BIGINT": "bigint",
    "UBIGINT": "hugeint",
    "HUGEINT": "hugeint",
    "UHUGEINT": "hugeint",
    "FLOAT": "double",
    "DOUBLE": "double",
    "JSON": "json",
}
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows in the order of the question; instants are naive and mean UTC, as DuckDB holds them."""

    columns: Columns
    rows: Iterator[tuple[Any, ...]]


def of(found: "duckdb.DuckDBPyConnection") -> Answer:
    """Return the answer that a connection has just been asked for; rows are fetched in batches."""
    columns = [(name, kind_of(str(kind))) for name, kind, *_ in found.description or ()]
    return Answer(columns, _rows(found))


def kind_of(duckdb_type: str) -> str:
    """Return how a DuckDB type is printed: one of the kinds of the public relations' columns."""
    # A list first: DECIMAL(2,1)[] begins as what it is a list of.
    if duckdb_type.endswith("]") or duckdb_type.startswith(("STRUCT", "MAP")):
        return "json"
    if duckdb_type.startswith("DECIMAL"):
        return "double"
    if duckdb_type.startswith("TIMESTAMP"):
        return "instant"
    return _KINDS.get(duckdb_type, "text")


def _rows(found: "duckdb.DuckDBPyConnection") -> Iterator[tuple[Any, ...]]:
    import duckdb  # noqa: PLC0415 - heavy

    try:
        while batch := interruptible.done(found, lambda: found.fetchmany(_BATCH)):
            yield from batch
    except duckdb.Error as flaw:
        raise sandbox.explained(flaw) from flaw

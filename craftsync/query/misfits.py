"""Find the row that does not fit its column: SQLite lets a text stand in a column of numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from craftsync.errors import StoreUnusable
from craftsync.store.relation import ColumnKind, Relation, Source, duckdb_type, in_dialect

if TYPE_CHECKING:
    import duckdb

_SHOWN = 60  # characters of the value


def of(
    duck: "duckdb.DuckDBPyConnection",
    relation: Relation,
    place: str,
    instead: Mapping[str, str],
) -> StoreUnusable:
    """Return the error that names relation, row and column of the first misfit staged."""
    for source in relation.sources:
        for name, column in relation.fields.items():
            if column.kind is not ColumnKind.TEXT and name not in instead:
                found = _first(duck, relation, source, name, column.kind)
                if found:
                    return found
    return StoreUnusable(
        f"The store {place} holds a row of {relation.name} that fits none of its columns.",
        hint="craftsync doctor",
    )


def _first(
    duck: "duckdb.DuckDBPyConnection",
    relation: Relation,
    source: Source,
    name: str,
    kind: ColumnKind,
) -> StoreUnusable | None:
    raw = relation.source_sql(source, name, "duckdb")
    key = ", ".join(
        f"cast({relation.source_sql(source, one, 'duckdb')} as varchar)" for one in relation.order
    )
    where = f" and ({source.where})" if source.where else ""
    found = duck.execute(
        f"select cast({raw} as varchar), {key} from {in_dialect(source.tables, 'duckdb')}"
        f" where {raw} is not null and try_cast({raw} as {duckdb_type(kind)}) is null{where}"
        " limit 1"
    ).fetchone()
    if found is None:
        return None
    value, *keys = found
    row = ", ".join(
        f"{one} {said if said is not None else 'NULL'}"
        for one, said in zip(relation.order, keys, strict=True)
    )
    return StoreUnusable(
        f"What the store holds in {relation.name}, column {name}, is no {kind}:"
        f" {value[:_SHOWN]!r} (row {row}). Something else than craftsync wrote it.",
        hint="Ask the questions of the replica as it was: add --no-refresh",
    )

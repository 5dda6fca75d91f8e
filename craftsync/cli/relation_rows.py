"""Rows of a public relation on their way to be printed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from craftsync.cli.formats import How, Table, record, rows
from craftsync.store.relation import Relation


def print_rows(
    relation: Relation,
    found: Iterable[Mapping[str, Any]],
    how: How,
    *,
    shown: Iterable[str] = (),
) -> int:
    """Print rows of a relation; as a table only the columns `shown`, where these are named."""
    columns = relation.columns
    narrow = tuple(shown) if how["format"] == "table" else ()
    if narrow:
        columns = {name: columns[name] for name in narrow}
    return rows(columns, _cells(found, tuple(columns)), **how)


def table(relation: Relation, found: Iterable[Mapping[str, Any]]) -> Table:
    """Make an array of rows inside one object."""
    return Table(relation.columns, list(_cells(found, tuple(relation.columns))))


def one(relation: Relation, row: Mapping[str, Any]) -> dict[str, object]:
    """Make one row the start of an object."""
    return record(relation.columns, [row[name] for name in relation.columns])


def _cells(found: Iterable[Mapping[str, Any]], names: tuple[str, ...]) -> Iterator[list[Any]]:
    for row in found:
        yield [row[name] for name in names]

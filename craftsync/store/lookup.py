"""Rows of a public relation by bound conditions, in Python's types whatever the engine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from craftsync.store import faults
from craftsync.store.base import driver_moment
from craftsync.store.exact import put_back
from craftsync.store.relation import ColumnKind, Relation


@dataclass(frozen=True, slots=True)
class Found:
    """One row of a relation, and the key that its parts hang on."""

    key: int
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, and what its placeholders stand for."""

    sql: str
    bound: Mapping[str, Any]


@dataclass(slots=True)
class Conditions:
    """Conditions over a relation's aliases, their values bound; one on None is none."""

    dialect: str
    sql: list[str] = field(default_factory=list)
    bound: dict[str, Any] = field(default_factory=dict)

    def add(self, condition: str, **values: Any) -> None:
        """Add a condition with the values it names."""
        self.sql.append(condition)
        self.bound.update(values)

    def equal(self, column: str, value: Any) -> None:
        """Want `column` to be `value`."""
        if value is not None:
            name = f"b{len(self.bound)}"
            self.add(f"{column} = :{name}", **{name: self._bind(value)})

    def among(self, column: str, values: Sequence[Any]) -> None:
        """Want `column` to be one of `values`; none of them is no condition."""
        if values:
            names = {f"b{len(self.bound) + n}": value for n, value in enumerate(values)}
            self.add(f"{column} in ({', '.join(f':{name}' for name in names)})", **names)

    def within(self, column: str, since: Any, until: Any) -> None:
        """Want `column` in a half-open window."""
        for sign, value in ((">=", since), ("<", until)):
            if value is not None:
                name = f"b{len(self.bound)}"
                self.add(f"{column} {sign} :{name}", **{name: self._bind(value)})

    def _bind(self, value: Any) -> Any:
        return driver_moment(value, self.dialect) if isinstance(value, datetime) else value


def rows(
    connection: Connection,
    relation: Relation,
    conditions: Conditions,
    *,
    order: str,
    key: str = "",
    exact: str = "",
) -> Iterator[Found]:
    """Give the rows that meet all conditions.

    `key` is the alias whose key to give beside a row (else 0), `exact` the one whose exact values
    replace what the store shows.
    """
    private = [
        f"{alias}.{column} as its_{column}"
        for alias, column in ((key, "key"), (exact, "exact"))
        if alias
    ]
    sql = relation.select(connection.dialect.name, " and ".join(conditions.sql), ", ".join(private))
    sql += f" order by {order}"
    readers = [(name, _READ.get(kind, _as_it_is)) for name, kind in relation.columns.items()]
    statement = text(sql).execution_options(yield_per=1000)
    with connection.execute(statement, conditions.bound) as answer:
        for found in answer:
            row = {name: read(value) for (name, read), value in zip(readers, found, strict=False)}
            if exact:
                put_back(row, relation, found.its_exact)
            yield Found(found.its_key if key else 0, row)


def read_moment(value: Any) -> datetime | None:
    """Read an instant as the driver gives it: SQLite's is text."""
    if isinstance(value, str):
        return faults.moment(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else None


def _read_boolean(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _as_it_is(value: Any) -> Any:
    return value


_READ: Mapping[ColumnKind, Callable[[Any], Any]] = {
    ColumnKind.INSTANT: read_moment,
    ColumnKind.BOOLEAN: _read_boolean,
}

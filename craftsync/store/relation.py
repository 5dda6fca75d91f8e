"""What a public relation is: its columns, each with its kind and the SQL that gives it.

The SQL is written once. Where the engines differ it says `@word(arguments)`, and the dialect puts
its own words there: `@seconds(a, b)` from instant to instant, `@moment(n)` out of nanoseconds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from types import MappingProxyType

_MICROS = "(strftime('%s', substr({0}, 1, 19)) * 1000000 + substr({0}, 21, 6))"
_NANOS = "((({0}) % 1000000000 + 1000000000) % 1000000000)"  # of a time before 1970, too

_CUT = "(({0}) / 1000 - case when mod({0}, 1000) < 0 then 1 else 0 end)"  # microseconds

_WHOLE = "try_cast({0} as bigint)"

_MACROS = {
    "sqlite": {
        "seconds": f"({_MICROS.replace('{0}', '{1}')} - {_MICROS}) / 1000000.0",
        "moment": (
            f"strftime('%Y-%m-%dT%H:%M:%S', (({{0}}) - {_NANOS}) / 1000000000, 'unixepoch')"
            f" || printf('.%06dZ', {_NANOS} / 1000)"
        ),
    },
    "postgresql": {
        "seconds": "cast(extract(epoch from ({1} - {0})) as double precision)",
        "moment": (
            # No per cent sign here: psycopg takes it for a placeholder.
            "timestamptz '1970-01-01 00:00:00+00'"
            f" + {_CUT} / 1000000 * interval '1 second'"
            f" + mod({_CUT}, 1000000) * interval '1 microsecond'"
        ),
    },
    "duckdb": {  # over staged tables, where instants are text; what is no instant gives NULL
        "seconds": (
            "(epoch_us(try_cast({1} as timestamp)) - epoch_us(try_cast({0} as timestamp)))"
            " / 1000000.0"
        ),
        "moment": f"make_timestamp(({_WHOLE} - ({_WHOLE} % 1000 + 1000) % 1000) // 1000)",
    },
}
_MACRO = re.compile(r"@(\w+)\(([^()]*)\)")


class ColumnKind(StrEnum):
    """What a column holds, on every engine."""

    TEXT = auto()
    INSTANT = auto()
    BOOLEAN = auto()
    INTEGER = auto()
    BIGINT = auto()
    DOUBLE = auto()
    JSON = auto()


_DUCKDB = {
    ColumnKind.TEXT: "varchar",
    ColumnKind.INSTANT: "timestamp",
    ColumnKind.BOOLEAN: "boolean",
    ColumnKind.INTEGER: "integer",
    ColumnKind.BIGINT: "bigint",
    ColumnKind.DOUBLE: "double",
    ColumnKind.JSON: "json",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A public column: `sql` over the aliases of the relation's sources."""

    kind: ColumnKind
    sql: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Tables a relation's rows come from; `sql` overrides columns that differ between sources."""

    tables: str
    where: str = ""
    sql: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Relation:
    """A public relation, the same on every engine.

    `carrier` is the alias of the row whose `rev` and `key` say when this one changed: None where
    there is none. `order` is the key, in the names of the relation's own columns.
    """

    name: str
    about: str
    fields: Mapping[str, Column]
    sources: tuple[Source, ...]
    order: tuple[str, ...]
    carrier: str | None = None

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        """Return the kind of each column, in the public order."""
        return {name: column.kind for name, column in self.fields.items()}

    def select(
        self,
        dialect: str,
        where: str = "",
        private: str = "",
        instead: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Write the SELECT that gives the relation; for `duckdb`, over the staged tables.

        `where` may use the sources' aliases; `private` are further columns, for our own eyes;
        `instead` has other SQL for columns that come from elsewhere this time.
        """
        return " union all ".join(
            self._branch(source, dialect, where, private, instead) for source in self.sources
        )

    def source_sql(self, source: Source, column: str, dialect: str) -> str:
        """Write what gives a column out of one source, before it is made to fit its kind."""
        return in_dialect(source.sql.get(column, self.fields[column].sql), dialect)

    def create_view(self, dialect: str) -> str:
        """Write the statement that makes the view."""
        return f'create view "{self.name}" as {self.select(dialect)}'

    def drop_view(self) -> str:
        """Write the statement that drops the view if it is there."""
        return f'drop view if exists "{self.name}"'

    def create_table(self, dialect: str) -> str:
        """Write the statement that makes an empty table of these columns; for `duckdb` alone."""
        if dialect != "duckdb":
            raise ValueError(f"{self.name} is a view in {dialect}")
        columns = ", ".join(f'"{name}" {duckdb_type(kind)}' for name, kind in self.columns.items())
        return f'create table "{self.name}" ({columns})'

    def _branch(
        self, source: Source, dialect: str, where: str, private: str, instead: Mapping[str, str]
    ) -> str:
        given = {**source.sql, **instead}
        columns = ", ".join(
            f'{_fitted(given.get(name, column.sql), column.kind, dialect)} as "{name}"'
            for name, column in self.fields.items()
        )
        columns += f", {private}" if private else ""
        conditions = " and ".join(f"({one})" for one in (source.where, where) if one)
        statement = f"select {columns} from {source.tables}"
        return in_dialect(f"{statement} where {conditions}" if conditions else statement, dialect)


def duckdb_type(kind: ColumnKind) -> str:
    """Return the type that holds a kind in DuckDB."""
    return _DUCKDB[kind]


def _fitted(sql: str, kind: ColumnKind, dialect: str) -> str:
    """Make staged values fit their column; the databases hold them in their own types already."""
    return f"cast({sql} as {_DUCKDB[kind]})" if dialect == "duckdb" else sql


def in_dialect(sql: str, dialect: str) -> str:
    """Replace each `@word(…)` by what it is called in `dialect`."""
    macros = _MACROS[dialect]

    def replace(found: re.Match[str]) -> str:
        arguments = [argument.strip() for argument in found[2].split(",")]
        return f"({macros[found[1]].format(*arguments)})"

    return _MACRO.sub(replace, sql)


def text(sql: str, about: str = "") -> Column:
    """Declare a column of text."""
    return Column(ColumnKind.TEXT, sql, about)


def instant(sql: str, about: str = "") -> Column:
    """Declare a column of instants in UTC."""
    return Column(ColumnKind.INSTANT, sql, about)


def boolean(sql: str, about: str = "") -> Column:
    """Declare a column of truths; unknown is NULL."""
    return Column(ColumnKind.BOOLEAN, sql, about)


def integer(sql: str, about: str = "") -> Column:
    """Declare a column of small whole numbers."""
    return Column(ColumnKind.INTEGER, sql, about)


def bigint(sql: str, about: str = "") -> Column:
    """Declare a column of 64-bit whole numbers."""
    return Column(ColumnKind.BIGINT, sql, about)


def double(sql: str, about: str = "") -> Column:
    """Declare a column of floating numbers."""
    return Column(ColumnKind.DOUBLE, sql, about)


def json(sql: str, about: str = "") -> Column:
    """Declare a column of valid JSON text."""
    return Column(ColumnKind.JSON, sql, about)

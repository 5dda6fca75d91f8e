"""What some questions need done in Python before their SQL runs, by the name of the question.

A step gets the session's connection and the values that are bound, and returns those to bind
instead. It may make temporary tables; a `Fragment` among the values is SQL, which takes the place
of its name in braces. A question of the user's that has the name of one of ours needs it only where
it takes the same parameters.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from craftsync.query import commits, pairs, patterns, schedules
from craftsync.query.conditions import to_duckdb
from craftsync.query.grammar import RUNS, parse

if TYPE_CHECKING:
    import duckdb

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preparation:
    """A step, and the parameters that it takes."""

    step: Callable[["duckdb.DuckDBPyConnection", Values], Values]
    takes: Set[str]


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL that our own code wrote; it takes the place of `{name}` in the question."""

    sql: str


def _where(_: "duckdb.DuckDBPyConnection", values: Values) -> Values:
    """Write the condition of `where` as SQL over `e`; raises `Usage` that points at the place."""
    sql, bound = to_duckdb(parse(values["where"], RUNS))
    return {**values, **bound, "where": Fragment(sql)}


def _pattern(session: "duckdb.DuckDBPyConnection", values: Values) -> Values:
    """Refuse a `text` that is to be a regular expression and is none; raises `Usage`."""
    text = values["text"]
    if values["regex"] is True and isinstance(text, str):
        patterns.check(session, text, plainly="-p regex=false")
    return values


PREPARATIONS: Mapping[str, Preparation] = {
    "log_search": Preparation(_pattern, {"text", "regex"}),
    "missed_schedules": Preparation(schedules.expect, schedules.TAKES),
    "run_diff": Preparation(pairs.pick, pairs.TAKES),
    "runs_by_io": Preparation(_where, {"where"}),
    "since_commit": Preparation(commits.ran, commits.TAKES),
}

"""What some questions need done in Python before their SQL runs, by the name of the question.

A step gets the session's connection and the values that are bound, and returns those to bind
instead. It may make temporary tables; a `Fragment` among the values is SQL, which takes the place
of its name in braces.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from craftsync.query import commits, pairs, schedules

if TYPE_CHECKING:
    import duckdb

Values = Mapping[str, Any]
Preparation = Callable[["duckdb.DuckDBPyConnection", Values], Values]


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL that our own code wrote; it takes the place of `{name}` in the question."""

    sql: str


PREPARATIONS: Mapping[str, Preparation] = {
    "missed_schedules": schedules.expect,
    "run_diff": pairs.pick,
    "since_commit": commits.ran,
}

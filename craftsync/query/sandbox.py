"""What SQL a user may run: one statement that only reads. DuckDB's own parser decides.

A session is read-only, without files, network, extensions or settings; this is the lock in front
of it, so that nothing but a SELECT (or the plan of one) gets there at all.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from craftsync.errors import CraftsyncError, Refused, StoreUnusable, Usage

if TYPE_CHECKING:
    import duckdb

_HINT = "One SELECT, or EXPLAIN of one, as in: craftsync sql 'select count(*) from executions'"
_OPTION = r"""\w+(?:\s+(?:\w+|'\w+'|"\w+"))?"""
_EXPLAIN = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain(?:\s+analyze\b)?"
    # Options are words alone: what else stands there may hide a statement of another kind.
    rf"(?:\s*\(\s*{_OPTION}(?:\s*,\s*{_OPTION})*\s*\))?",
    re.I | re.S,
)


def admit(connection: "duckdb.DuckDBPyConnection", sql: str) -> None:
    """Raise `Usage` for SQL that does not parse, `Refused` for all but one SELECT or EXPLAIN."""
    import duckdb  # noqa: PLC0415 - heavy

    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as flaw:
        raise explained(flaw) from flaw
    if not statements:
        raise Usage("There is no SQL to run.", hint=_HINT)
    if len(statements) > 1:
        raise Refused(f"These are {len(statements)} statements; one may run.", hint=_HINT)
    kind = statements[0].type.name
    if kind == "EXPLAIN":
        inner = _EXPLAIN.sub("", statements[0].query, count=1)
        if inner != statements[0].query and _kinds(connection, inner) == ["SELECT"]:
            return
    if kind != "SELECT":
        raise Refused(f"A statement of kind {kind} may not run: only what reads.", hint=_HINT)


def explained(flaw: "duckdb.Error") -> CraftsyncError:
    """Return our error for DuckDB's, with its message and the place it points at."""
    import duckdb  # noqa: PLC0415 - heavy

    said = _own_words(str(flaw))
    match flaw:
        case duckdb.InterruptException():
            return Refused("The question took longer than it may.", hint="Add --timeout 5m")
        case duckdb.OutOfMemoryException() if "max_temp_directory_size" in said:
            return Refused(
                "The question needs more memory than it may have, and there is no room on the disk"
                " for what does not fit into it.",
                hint="Make room there, or ask for less: --since 7d",
            )
        case duckdb.OutOfMemoryException():
            return Refused(
                "The question needs more memory than it may have.",
                hint="CRAFTSYNC_QUERY_MEMORY=4GB, or [query] memory in the settings",
            )
        case duckdb.PermissionException():
            return Refused(said)
        case duckdb.IOException() | duckdb.FatalException() | duckdb.InternalException():
            return StoreUnusable(
                f"The replica cannot be read: {said}",
                hint="Remove the folder *.replica beside the store; the next question makes it.",
            )
        case duckdb.InvalidInputException() if "configuration has been locked" in said:
            return Refused(said)
        case _:
            return Usage(said)


@contextmanager
def held_to_memory() -> Iterator[None]:
    """Raise `Refused` where work of DuckDB's would take more memory than it may."""
    import duckdb  # noqa: PLC0415 - heavy

    try:
        yield
    except duckdb.OutOfMemoryException as flaw:
        raise explained(flaw) from flaw


def _kinds(connection: "duckdb.DuckDBPyConnection", sql: str) -> list[str]:
    import duckdb  # noqa: PLC0415 - heavy

    try:
        return [one.type.name for one in connection.extract_statements(sql)]
    except duckdb.Error:
        return []


def _own_words(said: str) -> str:
    """Return DuckDB's message, with the line that points at the place, as one text."""
    return said.strip()

"""Regular expressions of the user, which DuckDB matches by RE2."""

from typing import TYPE_CHECKING

from craftsync.errors import Usage

if TYPE_CHECKING:
    import duckdb

_SAID = "Invalid Input Error: "


def check(connection: "duckdb.DuckDBPyConnection", text: str, *, plainly: str) -> None:
    """Raise `Usage` for a text that is no regular expression; `plainly` says how to do without.

    DuckDB would say so only once there is a line to match.
    """
    import duckdb  # noqa: PLC0415 - heavy

    try:
        connection.execute("select regexp_matches('', $text)", {"text": text}).fetchall()
    except duckdb.InvalidInputException as flaw:
        reason, _, place = str(flaw).removeprefix(_SAID).partition(": ")
        at = f", at {place!r}" if place and place != text else ""
        raise Usage(
            f"{text!r} is no regular expression: {reason}{at}.",
            hint=f"To look for the text as it stands: {plainly}",
        ) from flaw

"""`craftsync diff`: two executions compared."""

from collections.abc import Iterator
from dataclasses import astuple

import click
from sqlalchemy import Connection

from craftsync import times
from craftsync.app import App
from craftsync.cli import formats, options, say
from craftsync.cli.formats import How
from craftsync.query import diff as query
from craftsync.query import runs

_COLUMNS = {
    "section": "text",
    "name": "text",
    "value_a": "text",
    "value_b": "text",
    "change": "text",
}


@click.command()
@options.app
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@click.option(
    "--last-good",
    is_flag=True,
    help="Compare A with the last one before it that succeeded, of the same deployment.",
)
@click.option("--all", "everything", is_flag=True, help="Show what is the same, too.")
@options.environment
@options.printing
def diff(
    app: App,
    *,
    first: str,
    second: str | None,
    last_good: bool,
    everything: bool,
    environment: str | None,
    how: How,
) -> None:
    """Compare two executions.

    Example: craftsync diff churn-score-91aa --last-good

    A with B, or with the last one before it that succeeded. A row a thing that differs: of the
    execution itself, its steps, inputs, outputs, metrics, and the settings of its deployment at
    that time. Files are compared by their hashes, redacted values by their fingerprints; added is
    what only B has. What is deleted upstream is compared like any other.

    Ends with 0 whether or not they differ, 2 for an unknown id (the nearest are named) or when
    there is no good one before, 8 when there is no store or it cannot be read.
    """
    if last_good == (second is not None):
        raise click.UsageError("Name two executions, or one and --last-good.")
    exact = how["format"] in {"json", "jsonl"}
    with app.reading() as conn:
        a = _find(conn, first, environment, exact=exact)
        b = (
            query.last_good(conn, a, exact=exact)
            if second is None
            else _find(conn, second, environment, exact=exact)
        )
        if second is None:
            say.note(f"Compared with {b.row['execution_id']}.")
        found = query.lines(query.whole(conn, a, exact=exact), query.whole(conn, b, exact=exact))
    shown = [line for line in found if everything or line.change is not query.Change.SAME]
    formats.rows(_COLUMNS, _cells(shown), **how)


def _find(conn: Connection, name: str, environment: str | None, *, exact: bool) -> runs.Chosen:
    chosen = runs.execution(conn, name, runs.Pick(environment), exact=exact)
    if chosen.others:
        born = times.utc_text(chosen.row["created_at"])
        say.note(f"{name} was there before; this is the newest, created at {born}.")
    return chosen


def _cells(lines: list[query.Line]) -> Iterator[tuple[object, ...]]:
    for line in lines:
        yield astuple(line)

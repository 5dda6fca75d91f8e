"""`craftsync logs`: what an execution printed."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import click

from craftsync.app import App
from craftsync.cli import choice, counts, options, sinks
from craftsync.cli.formats import How, rows
from craftsync.cli.instants import of_line
from craftsync.cli.safe_text import safe
from craftsync.query import runs as query
from craftsync.records import Window
from craftsync.store import read

_COLUMNS = {"line_number": "integer", "timestamp": "text", "stream": "text", "message": "text"}


@click.command()
@options.app
@click.argument("execution_id", metavar="ID")
@options.environment
@options.created_at
@options.window
@options.limit(None)
@click.option(
    "--tail", type=counts.Within(min=0), metavar="N", help="Only the last N lines. Default: all."
)
@click.option(
    "--stream", metavar="NAME", help="Only this stream, as stderr, in any case. Default: all."
)
@options.printing
def logs(
    app: App,
    *,
    execution_id: str,
    environment: str | None,
    created_at: datetime | None,
    window: Window,
    limit: int | None,
    tail: int | None,
    stream: str | None,
    how: How,
) -> None:
    """Print the log of an execution.

    Example: craftsync logs churn-score-8f2c --tail 20

    With --raw the messages alone, to the letter. Ends with 0, 2 for an unknown id (the nearest
    are named), 8 when there is no store or it cannot be read.
    """
    if limit is not None and tail is not None:
        raise click.UsageError("--limit and --tail exclude each other.")
    with app.reading() as conn:
        chosen = query.execution(conn, execution_id, query.Pick(environment, created_at))
        choice.tell("execution", execution_id, chosen)
        raw = how["raw"] and how["format"] == "table"
        lines = read.log_lines(
            conn,
            chosen.key,
            since=window.since,
            until=window.until,
            limit=limit,
            tail=tail,
            stream=stream,
            exact=raw or how["format"] in {"json", "jsonl"},
        )
        with closing(lines):  # while the store is open, though the reader went away
            found = lines if how["tz"] is None else _in_zone(lines, how["tz"])
            if raw:
                _print_messages(found, how["output"])
            elif how["format"] == "table":
                _print_lines(found, how["output"])
            else:
                rows(_COLUMNS, ([row[name] for name in _COLUMNS] for row in found), **how)


def _in_zone(found: Iterator[dict[str, Any]], tz: tzinfo) -> Iterator[dict[str, Any]]:
    for row in found:
        yield row | {"timestamp": of_line(row["timestamp"], tz)}


def _print_lines(found: Iterator[dict[str, Any]], output: Path | None) -> None:
    """Print time and message, made safe for a terminal."""
    with sinks.text(output) as write:
        for row in found:
            write(safe(f"{row['timestamp'] or '-'} {row['message']}") + "\n")


def _print_messages(found: Iterator[dict[str, Any]], output: Path | None) -> None:
    """Print the messages as the platform sent them, surrogates passed through."""
    with sinks.binary(output) as write:
        for row in found:
            write(f"{row['message']}\n".encode("utf-8", "surrogatepass"))

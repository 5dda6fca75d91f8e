"""`craftsync io`: inputs and outputs, one by one, as a table, and to run again."""

from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import Connection

from craftsync.app import App
from craftsync.cli import choice, formats, json_text, options, say, sinks, streams
from craftsync.cli.formats import How, Raw
from craftsync.cli.relation_rows import one
from craftsync.cli.safe_text import safe
from craftsync.errors import Partial, Usage
from craftsync.query import io as query
from craftsync.query import io_table, runs
from craftsync.query.conditions import to_store
from craftsync.query.grammar import RUNS, parse
from craftsync.records import Side, Window
from craftsync.store import io_values, relations

_NOT_AGAIN = {
    query.NotAgain.CONSTANT: "a constant",
    query.NotAgain.DATASTORE: "read from the data store",
    query.NotAgain.ENVIRONMENT_VARIABLE: "an environment variable",
    query.NotAgain.IS_NULL: "null by its mapping",
}
_MISSING = {
    query.Missing.FILE: "a file: craftsync io get",
    query.Missing.REDACTED: "redacted",
    query.Missing.NOT_HELD: "not held",
}


@click.group()
def io() -> None:
    """Get inputs and outputs: one, a table, or to run again."""


@io.command()
@options.app
@click.argument("execution_id", metavar="ID")
@click.argument("name", metavar="NAME")
@click.option(
    "--side",
    type=click.Choice(tuple(query.SIDES)),
    help="The input, or the output, of that name. Default: the one there is.",
)
@options.environment
@options.created_at
@options.printing
def get(
    app: App,
    *,
    execution_id: str,
    name: str,
    side: str | None,
    environment: str | None,
    created_at: datetime | None,
    how: How,
) -> None:
    """Print one input or output: a value as JSON, a file as its bytes.

    Example: craftsync io get churn-score-8f2c report -o report.csv

    With --format json what is known of it instead. Files are checked as they are written; none is
    written to a terminal. Ends with 0, 2 for an unknown id or name (the nearest are named), one
    that is both an input and an output, or one that has no value; 3 for one that is not held, as
    it was too big or denied; 8 when there is no store, it cannot be read or its bytes are damaged.
    """
    with app.reading() as conn:
        chosen = runs.execution(conn, execution_id, runs.Pick(environment, created_at))
        choice.tell("execution", execution_id, chosen)
        found = query.find(conn, chosen, name, side=query.SIDES[side] if side else None)
        _tell_others(found.side, name, found.others)
        if how["format"] != "table":
            relation = relations.BY_NAME[f"{found.side}s"]
            about = one(relation, found.row)
            formats.one({"side": found.side.value, **about}, **how)
            return
        query.require_held(found)
        if found.is_file:
            _write_file(conn, found, how["output"])
        else:
            _write_value(found, how["output"])


def _tell_others(side: Side, name: str, others: int) -> None:
    if others:
        called = f"are called {name}" if name else "have no name"
        say.warning(f"{others + 1:,} {side.value}s {called}: this is the first.")


def _write_file(conn: Connection, found: query.Value, output: Path | None) -> None:
    if output is None and streams.is_terminal():
        size = found.row["size_bytes"]
        raise Usage(
            f"{found.row['name']} is a file of {size:,} bytes, and no text for a terminal.",
            hint="Add -o FILE, or send it into a file or a pipe.",
        )
    with sinks.binary(output) as write:
        for chunk in query.content(conn, found):
            write(chunk)


def _write_value(found: query.Value, output: Path | None) -> None:
    if found.row["value_state"] == "redacted":
        say.warning(f"{found.row['name']} is redacted: this is its fingerprint.")
    text = found.row["value"]
    if output is None and streams.is_terminal():
        text = safe(text)
    if output is None and not streams.speaks_unicode():
        text = json_text.in_ascii(text)
    with sinks.text(output) as write:
        write(f"{text}\n")


@io.command()
@options.app
@click.argument("pipeline", metavar="PIPELINE")
@click.option(
    "--side",
    type=click.Choice([*query.SIDES, "both"]),
    default="both",
    help="Only inputs, or only outputs. Default: both.",
)
@options.environment
@options.statuses
@options.window
@options.where
@options.printing
def table(
    app: App,
    *,
    pipeline: str,
    side: str,
    environment: str | None,
    statuses: tuple[str, ...],
    window: Window,
    where: str | None,
    how: How,
) -> None:
    """Print one row a run of a pipeline, one column an input or output.

    Example: craftsync io table churn-score --status succeeded -o runs.parquet --format parquet

    Columns are called in_NAME and out_NAME, odd characters in them _, and have one type where all
    values agree, else they are JSON. A file is its SHA-256. not_ok tells the state of what is not
    held. Ends with 0, 2 for an unknown pipeline (the nearest are named) or a condition that cannot
    be read, 8 when there is no store or it cannot be read.
    """
    condition = None if where is None else parse(where, RUNS)
    with app.reading() as conn:
        runs.known_environment(conn, environment)
        runs.known_names(conn, "pipeline", [pipeline], environment=environment)
        choice.warn_of_unknown_statuses(conn, statuses, environment)
        found = io_table.table(
            lambda: io_values.runs_with_values(
                conn,
                pipeline,
                environment=environment,
                statuses=statuses,
                window=window,
                where=None if condition is None else to_store(condition, conn.dialect.name),
                sides=[query.SIDES[side]] if side in query.SIDES else list(query.SIDES.values()),
                exact=how["format"] in {"json", "jsonl"},
            )
        )
        formats.rows(found.columns, found.rows, **how)


@io.command()
@options.app
@click.argument("execution_id", metavar="ID")
@options.environment
@options.created_at
@options.printing
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    app: App,
    *,
    execution_id: str,
    environment: str | None,
    created_at: datetime | None,
    how: How,
) -> None:
    """Print the inputs that the caller gave as one JSON object, ready to be given again.

    Example: craftsync io replay churn-score-8f2c -o inputs.json

    Every digit is kept; inputs of an endpoint have the endpoint's names. What the platform gives
    by itself (constants, the data store, environment variables) is named on stderr. Ends with 0; 3
    when an input that the caller gave is a file, redacted or not held, which is named and left
    out; 2 for an unknown id (the nearest are named), 8 when there is no store or it cannot be read.
    """
    with app.reading() as conn:
        chosen = runs.execution(conn, execution_id, runs.Pick(environment, created_at))
        choice.tell("execution", execution_id, chosen)
        found = query.replay(conn, chosen)
    if how["format"] == "table":
        how["format"] = "json"
    formats.one({name: Raw(value) for name, value in found.inputs.items()}, **how)
    for name, others in found.others.items():
        _tell_others(Side.INPUT, name, others)
    for name, why in found.not_again.items():
        say.note(f"Left out: {name}, {_NOT_AGAIN[why]}. The platform gives it again.")
    for name, missing in found.missing.items():
        say.problem(f"Left out: {name}, {_MISSING[missing]}.")
    ctx.exit(Partial.exit_code if found.missing else 0)

"""`craftsync sql`: any SELECT over the public relations."""

import sys
from datetime import timedelta
from itertools import islice
from pathlib import Path

import click

from craftsync.app import App
from craftsync.cli import asking, options, sinks
from craftsync.cli.formats import How, rows
from craftsync.cli.safe_text import safe
from craftsync.errors import Usage
from craftsync.query.answers import Answer

_PLAN = ["explain_key", "explain_value"]


@click.command()
@options.app
@click.argument("statement", required=False, metavar="SQL")
@click.option(
    "-f",
    "--file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read the SQL from here; - is standard input. Default: the argument, else stdin.",
)
@options.duration("--timeout", help="Give up after so long, with 4. Default: no limit.")
@options.limit(None)
@asking.no_refresh
@options.printing
def sql(
    app: App,
    *,
    statement: str | None,
    file: Path | None,
    timeout: timedelta | None,
    limit: int | None,
    no_refresh: bool,
    how: How,
) -> None:
    """Ask anything of the history, in SQL.

    One SELECT over the public relations, or EXPLAIN of one, in the SQL of DuckDB. Nothing can be
    changed by it, no file or network is in its reach. docs/relations.md lists the relations.

    Example: craftsync sql "select status, count(*) from executions group by 1 order by 1"

    Ends with 0, 2 for SQL that does not fit (with the place), 4 for what may not run, takes
    too long or too much memory, 8 when there is no store or it cannot be read.
    """
    if timeout is not None and not timeout:
        raise click.BadParameter(
            "no question is answered in no time. Without --timeout there is no limit.",
            param_hint="--timeout",
        )
    text = _read(statement, file)
    timeout_s = None if timeout is None else timeout.total_seconds()
    with app.asking(refresh=not no_refresh) as session:
        asking.tell_if_stale(session)
        answer = session.ask_safely(text, timeout_s=timeout_s)
        if how["format"] == "table" and [name for name, _ in answer.columns] == _PLAN:
            _print_plan(answer, how["output"])
            return
        rows(answer.columns, islice(answer.rows, limit), **how)


def _print_plan(answer: Answer, output: Path | None) -> None:
    """Print a drawing of many lines as it is, where a table would have one cell."""
    with sinks.text(output) as write:
        for _, drawing in answer.rows:
            write("".join(f"{safe(line)}\n" for line in str(drawing).splitlines()))


def _read(statement: str | None, file: Path | None) -> str:
    """Return the SQL from the one place where it stands."""
    if statement is not None and file is not None:
        raise click.UsageError("The SQL is either an argument or in a file, not both.")
    if statement not in (None, "-"):
        return str(statement)
    try:
        if file in (None, Path("-")):
            if sys.stdin is None or sys.stdin.isatty():
                raise click.UsageError("There is no SQL: it is an argument, in -f FILE, or piped.")
            text = sys.stdin.buffer.read()
        else:
            text = Path(str(file)).read_bytes()
    except OSError as flaw:
        raise Usage(f"{file} cannot be read: {flaw.strerror}.") from flaw
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Usage("The SQL is not UTF-8.") from None

"""`craftsync search`: text in all log lines."""

import click

from craftsync.app import App
from craftsync.cli import asking, counts, options, sinks
from craftsync.cli.formats import How, rows
from craftsync.cli.instants import of_cell
from craftsync.cli.safe_text import safe
from craftsync.query import search as query
from craftsync.query.answers import Answer
from craftsync.records import Window

_SHOWN = ("execution_id", "line_number", "timestamp", "message")


@click.command()
@options.app
@click.argument("text")
@click.option("--regex", is_flag=True, help="TEXT is a regular expression (RE2). Default: text.")
@click.option("--ignore-case", is_flag=True, help="Upper and lower case are the same.")
@options.window
@click.option(
    "--context",
    type=counts.Within(min=0, max=1000),
    default=0,
    metavar="N",
    help="Give N lines before and after each. Default: 0.",
)
@options.environment
@options.pipeline
@options.limit(None)
@asking.no_refresh
@options.printing
def search(
    app: App,
    *,
    text: str,
    regex: bool,
    ignore_case: bool,
    window: Window,
    context: int,
    environment: str | None,
    pipeline: str | None,
    limit: int | None,
    no_refresh: bool,
    how: How,
) -> None:
    """Find text in all log lines.

    The window is of the lines' own times.

    Example: craftsync search "connection reset" --since 7d --context 2

    Ends with 0, also when nothing is found, 2 for an unknown environment or pipeline or a regular
    expression that cannot be read, 4 for what takes more memory than it may, 8 when there is no
    store or it cannot be read.
    """
    wanted = query.Wanted(text, window, regex, ignore_case, context, environment, pipeline, limit)
    with app.asking(refresh=not no_refresh) as session:
        asking.tell_if_stale(session)
        answer = query.search(session, wanted)
        if how["format"] == "table" and context:
            _print_blocks(answer, how)
        elif how["format"] == "table":
            names = [name for name, _ in answer.columns]
            places = [names.index(name) for name in _SHOWN]
            columns = [answer.columns[place] for place in places]
            rows(columns, ([row[place] for place in places] for row in answer.rows), **how)
        else:
            rows(answer.columns, answer.rows, **how)


def _print_blocks(answer: Answer, how: How) -> None:
    """Print each line with its neighbours, as grep does: `:` is the line, `-` those around it."""
    names = [name for name, _ in answer.columns]
    tz = how["tz"]
    with sinks.text(how["output"]) as write:
        for place, cells in enumerate(answer.rows):
            row = dict(zip(names, cells, strict=True))
            number = row["line_number"]
            head = f"{row['execution_id']}"
            lines = [
                *(
                    (number - len(row["before"]) + n, "-", one)
                    for n, one in enumerate(row["before"])
                ),
                (number, ":", row["message"]),
                *((number + n, "-", one) for n, one in enumerate(row["after"], start=1)),
            ]
            if place:
                write("--\n")
            when = of_cell(row["timestamp"], tz) if row["timestamp"] else "-"
            write(safe(f"{head}  {row['pipeline_name']}  {row['status'] or '-'}  {when}") + "\n")
            for one, mark, message in lines:
                write(safe(f"{one}{mark} {message}") + "\n")

"""`craftsync query`: the named questions; without a name, which there are."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from craftsync.app import App
from craftsync.app.asking import questions_folder
from craftsync.cli import asking, options, sinks
from craftsync.cli.formats import How, rows
from craftsync.errors import Usage
from craftsync.query import catalog
from craftsync.query.catalog import Parameter, Question


def _pairs(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Read `key=value`, each key once."""
    found: dict[str, str] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise click.UsageError(f"-p {text}: a parameter is key=value, as by=week.")
        if key.strip() in found:
            raise click.UsageError(f"-p {text}: {key.strip()} is given twice.")
        found[key.strip()] = value
    return found


def _complete_name(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a question; its title goes along for the shells that show it."""
    own = questions_folder(os.environ)
    found = []
    for name in catalog.names(own):
        if name.startswith(incomplete):
            with suppress(Usage):  # a file of the user's that is no question is told when asked
                found.append(CompletionItem(name, help=catalog.find(name, own).title))
    return found


def _complete_parameter(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the key of a parameter of the question that is named already."""
    # Of an option that waits for its value click makes no more than words that are left over.
    name = ctx.params.get("name") or next(iter(ctx.args), "")
    try:
        question = catalog.find(name, questions_folder(os.environ))
    except Usage:
        return []
    return [
        CompletionItem(f"{one.name}=", help=f"{one.type}, {_word(one)}")
        for one in question.parameters
        if f"{one.name}=".startswith(incomplete)
    ]


@click.command()
@options.app
@click.argument("name", required=False, shell_complete=_complete_name)
@click.option(
    "-p",
    "--param",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_pairs,
    shell_complete=_complete_parameter,
    help="A parameter of the question; repeat for more. Default: the question's own.",
)
@click.option("--show", is_flag=True, help="Print the question's SQL, and do not ask it.")
@asking.no_refresh
@options.printing
def query(
    app: App,
    *,
    name: str | None,
    parameters: dict[str, str],
    show: bool,
    no_refresh: bool,
    how: How,
) -> None:
    """Ask a named question, or list them.

    Without NAME all are listed, with their parameters.

    Files in craftsync/queries beside the user's settings are questions too: the file's name is the
    question's, and takes the place of ours of the same name.

    Example: craftsync query failure_rate -p by=week -p since=90d

    Ends with 0, 2 for an unknown question or parameter or a value that does not fit, 4 for what
    takes more memory than it may, 8 when there is no store or it cannot be read.
    """
    own = app.own_questions()
    if name is None:
        if parameters or show:
            raise click.UsageError("-p and --show need the NAME of a question.")
        _list(catalog.questions(own), how)
        return
    if show and how["format"] != "table":
        raise click.UsageError("--show prints SQL as it is written: it has no other format.")
    question = catalog.find(name, own)
    if show:
        _print(question.text, how["output"])
        return
    catalog.bind(question, parameters, app.now())  # what does not fit is told before the work
    with app.asking(refresh=not no_refresh) as session:
        asking.tell_if_stale(session)
        answer = catalog.ask(session.connection, question, parameters, session.now)
        rows(answer.columns, answer.rows, **how)


def _list(questions: Iterable[Question], how: How) -> None:
    """Print what there is to ask; in json parameters are objects, to the eye they are words."""
    as_words = how["format"] in ("table", "markdown")
    columns = {
        "name": "text",
        "title": "text",
        "asks": "text",
        "parameters": "text" if as_words else "json",
    }
    rows(columns, _rows(questions, as_words=as_words), **how)


def _rows(questions: Iterable[Question], *, as_words: bool) -> Iterator[tuple[object, ...]]:
    for one in questions:
        parameters: object = [_object(parameter) for parameter in one.parameters]
        if as_words:
            parameters = " ".join(_word(parameter) for parameter in one.parameters)
        yield one.name, one.title, one.asks, parameters


def _object(parameter: Parameter) -> dict[str, object]:
    return {
        "name": parameter.name,
        "type": parameter.type,
        "default": parameter.default,
        "required": parameter.required,
    }


def _word(parameter: Parameter) -> str:
    """Write a parameter as one types it: `by=week`, `text=…` where one must."""
    if parameter.required:
        return f"{parameter.name}=…"
    return parameter.name if parameter.default is None else f"{parameter.name}={parameter.default}"


def _print(text: str, output: Path | None) -> None:
    with sinks.text(output) as write:
        write(text if text.endswith("\n") else f"{text}\n")

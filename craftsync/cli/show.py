"""`craftsync show`: one execution or deployment, whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from craftsync.app import App
from craftsync.cli import choice, formats, options, streams
from craftsync.cli.formats import How
from craftsync.cli.relation_rows import one, print_rows, table
from craftsync.cli.safe_text import safe
from craftsync.query import runs as query
from craftsync.store import read, relations
from craftsync.store.relation import Relation

_KINDS = ("execution", "deployment")
_SHOWN = {
    "steps": ("position", "step_name", "status", "start_date", "run_s", "commit_id"),
    "inputs": ("position", "name", "data_type", "source", "value_text", "value_state"),
    "outputs": ("position", "name", "data_type", "destination", "value_text", "value_state"),
    "versions": ("valid_from", "valid_to", "changed"),
}


@click.command()
@options.app
@click.argument("words", nargs=-1, required=True, metavar="[execution|deployment] ID")
@options.environment
@options.created_at
@options.printing
def show(
    app: App,
    *,
    words: tuple[str, ...],
    environment: str | None,
    created_at: datetime | None,
    how: How,
) -> None:
    """Show one execution or deployment whole.

    Example: craftsync show churn-score-8f2c --format json

    What is deleted upstream is shown like any other. Ends with 0, 2 for an unknown id or name
    (the nearest are named), 8 when there is no store or it cannot be read.
    """
    kind, name = _read(words)
    pick = query.Pick(environment, created_at)
    if kind == "execution":
        _show_execution(app, name, pick, how)
    else:
        _show_deployment(app, name, pick, how)


def _read(words: tuple[str, ...]) -> tuple[str, str]:
    if len(words) == 1:
        return "execution", words[0]
    if len(words) == len(_KINDS) and words[0] in _KINDS:
        return words[0], words[1]
    raise click.UsageError("Name one: ID, execution ID, or deployment NAME.")


def _show_execution(app: App, execution_id: str, pick: query.Pick, how: How) -> None:
    exact = not _is_page(how)
    with app.reading() as conn:
        chosen = query.execution(conn, execution_id, pick, exact=exact)
        parts = list(query.whole(conn, chosen, exact=exact))
    choice.tell("execution", execution_id, chosen)
    relation = relations.BY_NAME["executions"]
    if _is_page(how):
        _page(relation.columns, chosen.row, parts, how)
        return
    arrays = {name: table(part, rows) for name, part, rows in parts}
    formats.one({**one(relation, chosen.row), **arrays}, **how)


def _show_deployment(app: App, name: str, pick: query.Pick, how: How) -> None:
    exact = not _is_page(how)
    with app.reading() as conn:
        chosen = query.deployment(conn, name, pick, exact=exact)
        versions = list(read.versions_of(conn, chosen.key))
    choice.tell("deployment", name, chosen)
    relation = relations.BY_NAME["deployments"]
    of_versions = relations.BY_NAME["deployment_versions"]
    if _is_page(how):
        _page(relation.columns, chosen.row, [("versions", of_versions, versions)], how)
        return
    whole = {**one(relation, chosen.row), "versions": table(of_versions, versions)}
    formats.one(whole, **how)


def _is_page(how: How) -> bool:
    """Whether to print for people: a file gets the object whole, a line a key."""
    return how["format"] == "table" and how["output"] is None


def _page(
    columns: Mapping[str, Any],
    row: Mapping[str, Any],
    parts: Sequence[tuple[str, Relation, Sequence[Mapping[str, Any]]]],
    how: How,
) -> None:
    """Print one thing for people: what is known of it a line each, then its parts as tables."""
    known = {name: row[name] for name in columns if row[name] is not None}
    formats.one(
        formats.record({name: columns[name] for name in known}, list(known.values())), **how
    )
    for name, relation, rows in parts:
        if rows:
            streams.out(f"\n{safe(name)}\n")
            print_rows(relation, rows, how, shown=_SHOWN[name])

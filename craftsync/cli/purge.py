"""`craftsync purge`: plans of what is old enough, deletes by them, and what was ever deleted."""

from datetime import tzinfo
from pathlib import Path
from typing import Any

import click

from craftsync.app import App
from craftsync.cli import (
    consent,
    counts,
    criteria,
    formats,
    options,
    outcomes,
    planned,
    readers,
    say,
    sinks,
    streams,
)
from craftsync.cli.formats import How
from craftsync.cli.relation_rows import print_rows
from craftsync.errors import Partial, Refused
from craftsync.purge.plan import Plan
from craftsync.query import runs as query
from craftsync.records import PartState
from craftsync.store import audit, environments, relations
from craftsync.store.lookup import Conditions, rows

_OUTCOMES = {
    "kind": "text",
    "object_id": "text",
    "created_at": "instant",
    "outcome": "text",
    "error": "text",
}
_SHOWN = ("finished_at", "environment", "kind", "object_id", "reason", "outcome", "error")


@click.group()
def purge() -> None:
    """Delete upstream what is old enough, and proved to be here."""


@purge.command()
@options.app
@options.environment
@criteria.options
@click.option(
    "-o",
    "--output",
    type=readers.FILE,
    metavar="PLAN",
    help="Write the plan here. Default: only the table is printed.",
)
@click.option(
    "--format",
    type=click.Choice([one for one in formats.FORMATS if one != "parquet"]),
    help="How the table is written. Default: table.",
)
@options.as_json
@options.zone
def plan(
    app: App,
    *,
    environment: str | None,
    output: Path | None,
    format: str | None,  # noqa: A002 - the option's name
    as_json: bool,
    tz: tzinfo | None,
    **asked: Any,
) -> None:
    """Plan what to delete upstream; nothing is asked of the platform.

    Example: craftsync purge plan --older-than 90d -o plan.json

    What goes is printed with what stays and why. A plan is sealed: apply takes no other. Ends with
    0 also when nothing is selected, 2 for wrong words, 4 when the last sync is not complete or
    older than a day, 8 when there is no store or it cannot be read.
    """
    how = How(format=formats.asked_for(format, as_json=as_json) or "table", tz=tz)
    if output is not None:
        sinks.check(output)
    with app.reading() as conn:
        made, stays = criteria.plan(app, conn, environment, **asked)
        where = app.environment_held(conn, made.environment)
        outcomes.warn_of_unknown_protection(conn, app.protection(), where)
        text = app.sealed(conn, made)
    if output is not None:
        with sinks.text(output) as write:
            write(text)
    planned.show(made, stays, how)
    planned.tell(made, output)


@purge.command()
@options.app
@click.argument("file", required=False, type=readers.FILE, metavar="[PLAN]")
@click.option(
    "--policy", is_flag=True, help="Plan and apply in one go, by the options below; for cron."
)
@options.environment
@criteria.options
@click.option(
    "--max-deletes",
    type=counts.Within(min=0),
    metavar="N",
    help="Delete nothing when the plan holds more. Default: the setting, 100.",
)
@click.option(
    "--allow-missing",
    type=click.Choice([PartState.TOO_BIG.value]),
    metavar="too_big",
    help="Delete also what lacks parts here that are too big. Default: keep it.",
)
@consent.yes_environment
@options.printing
@click.pass_context
def apply(
    ctx: click.Context,
    /,
    app: App,
    *,
    file: Path | None,
    policy: bool,
    environment: str | None,
    max_deletes: int | None,
    allow_missing: str | None,
    yes_environment: str | None,
    how: How,
    **asked: Any,
) -> None:
    """Delete upstream what a plan holds, each proved once more just before.

    Example: craftsync purge apply plan.json --yes-environment prod

    A run that was cut short is run again with the same plan. Ends with 0 when all is deleted, 3
    when some was kept, failed or is in doubt (it is named), 4 when refused before the first call,
    6 for settings and credentials, 7 when the platform cannot be reached, 8 when the store cannot
    be used, 75 when another craftsync is at work.
    """
    app.require_purge()
    if policy == (file is not None):
        raise click.UsageError("Name a plan, or --policy with --older-than.")
    if file is not None and any(asked.values()):
        raise click.UsageError("A plan says itself what is to go: no other choice beside it.")
    with app.reading() as conn:
        if file is not None:
            made = app.read_plan(conn, planned.read(file))
            if environment not in (None, made.environment):
                again = planned.line(
                    file,
                    asked,
                    env=made.environment,
                    max_deletes=max_deletes,
                    allow_missing=allow_missing,
                )
                raise Refused(
                    f"The plan is of {made.environment}, not of {environment}: nothing was"
                    " deleted.",
                    hint=again,
                )
        else:
            made, _ = criteria.plan(app, conn, environment, max_deletes=max_deletes, **asked)
        where = app.environment_held(conn, made.environment)
        outcomes.warn_of_unknown_protection(conn, app.protection(), where)
        outcomes.warn_of_a_broken_chain(conn, where)
    if made.delete:
        line = planned.line(
            file, asked, env=environment, max_deletes=max_deletes, allow_missing=allow_missing
        )
        _consent(made, yes_environment, line)
    report = app.erase(
        made,
        listener=outcomes.listener(),
        allow=frozenset([PartState(allow_missing)] if allow_missing else []),
        max_deletes=max_deletes,
    )
    outcomes.tell(report)
    if not (say.manner.quiet and how["format"] == "table" and how["output"] is None):
        with streams.after_work():
            told = [
                (one.item.kind, *one.item.key, str(one.outcome or "not tried"), one.error)
                for one in report.results
            ]
            formats.rows(_OUTCOMES, told, **how)
    ctx.exit(report.exit_code)


@purge.command()
@options.app
@options.environment
@options.printing
@click.pass_context
def history(ctx: click.Context, /, app: App, *, environment: str | None, how: How) -> None:
    """List what was ever deleted upstream, or meant to be, the newest first.

    Example: craftsync purge history --format json

    The rows are those of the relation `deletions`. On stderr is the head of the audit's chain:
    note it elsewhere, and a history that was changed or cut can be told. Ends with 0, 2 for an
    unknown environment, 3 when the chain is broken, 8 when there is no store or it cannot be read.
    """
    broken = False
    with app.reading() as conn:
        query.known_environment(conn, environment)
        wanted = Conditions(conn.dialect.name)
        wanted.equal("n.name", environment)
        found = rows(
            conn, relations.DELETIONS, wanted, order="i.at desc, i.event_number desc, n.name"
        )
        print_rows(relations.DELETIONS, (one.row for one in found), how, shown=_SHOWN)
        for name, head in audit.heads(conn).items():
            row = environments.find(conn, name)
            if row is None or environment not in (None, name):
                continue
            say.note(f"{name}: {head.events:,} events, the chain ends in {head.chain_sha256}")
            for flaw in audit.flaws(conn, row.key):
                broken = True
                say.problem(f"{name}: the chain of the audit is broken: {flaw}")
    ctx.exit(Partial.exit_code if broken else 0)


def _consent(made: Plan, given: str | None, line: str) -> None:
    taken = [item for item in made.delete if item.kind == "deployment"]
    what = f"{made.count:,} executions of {made.environment}"
    if taken:
        what = f"{len(taken):,} deployments with {what}"
    consent.require(made.environment, what, consent=given, line=line)

"""`craftsync runs`: executions, the newest first."""

import click

from craftsync.app import App
from craftsync.cli import choice, options
from craftsync.cli.formats import How
from craftsync.cli.relation_rows import print_rows
from craftsync.query import runs as query
from craftsync.query.conditions import to_store
from craftsync.query.grammar import RUNS, parse
from craftsync.records import Window
from craftsync.store import read, relations

SHOWN = ("created_at", "execution_id", "pipeline_name", "deployment_name", "status", "run_s")


@click.command()
@options.app
@options.environment
@options.statuses
@options.pipeline
@options.deployment
@options.window
@options.where
@options.limit(50)
@options.printing
def runs(
    app: App,
    *,
    environment: str | None,
    statuses: tuple[str, ...],
    pipeline: str | None,
    deployment: str | None,
    window: Window,
    where: str | None,
    limit: int | None,
    how: How,
) -> None:
    """List executions, the newest first.

    Example: craftsync runs --since 7d --where "out.score < 0.5 and not status = failed"

    A condition compares in.NAME, out.NAME and paths into their JSON (in.options.k, out.rows[0],
    in."my input") and the columns status, run_s, queue_s, commit_id, created_at and so on by =,
    !=, <, <=, >, >=, contains, in (…), is null; and, or, not and brackets join them. A value that
    is not held matches nothing.

    Ends with 0, 2 for an unknown environment, pipeline or deployment (the nearest are named) or a
    condition that cannot be read, 8 when there is no store or it cannot be read.
    """
    condition = None if where is None else parse(where, RUNS)
    with app.reading() as conn:
        query.known_environment(conn, environment)
        query.known_names(conn, "pipeline", [pipeline] if pipeline else [], environment=environment)
        query.known_names(
            conn, "deployment", [deployment] if deployment else [], environment=environment
        )
        choice.warn_of_unknown_statuses(conn, statuses, environment)
        found = read.executions(
            conn,
            environment=environment,
            statuses=statuses,
            pipeline=pipeline,
            deployment=deployment,
            since=window.since,
            until=window.until,
            limit=limit,
            where=None if condition is None else to_store(condition, conn.dialect.name),
        )
        print_rows(relations.BY_NAME["executions"], found, how, shown=SHOWN)

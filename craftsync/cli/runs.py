"""`craftsync runs`: executions, the newest first."""

import click

from craftsync.app import App
from craftsync.cli import options
from craftsync.cli.formats import How
from craftsync.cli.relation_rows import print_rows
from craftsync.query import runs as query
from craftsync.store import read, relations
from craftsync.times import Window

SHOWN = ("created_at", "execution_id", "pipeline_name", "deployment_name", "status", "run_s")


@click.command()
@options.app
@options.environment
@options.statuses
@options.pipeline
@options.deployment
@options.window
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
    limit: int | None,
    how: How,
) -> None:
    """List executions, the newest first.

    Example: craftsync runs --status Failed --since 7d

    Ends with 0, 2 for an unknown environment, 8 when there is no store or it cannot be read.
    """
    with app.reading() as conn:
        query.known_environment(conn, environment)
        found = read.executions(
            conn,
            environment=environment,
            statuses=statuses,
            pipeline=pipeline,
            deployment=deployment,
            since=window.since,
            until=window.until,
            limit=limit,
        )
        print_rows(relations.BY_NAME["executions"], found, how, shown=SHOWN)

"""`craftsync deployments`: what is deployed, and what was."""

import click

from craftsync.app import App
from craftsync.cli import options
from craftsync.cli.formats import How
from craftsync.cli.relation_rows import print_rows
from craftsync.query import runs as query
from craftsync.store import read, relations

SHOWN = (
    "environment",
    "deployment_name",
    "pipeline_name",
    "execution_rule",
    "mode",
    "is_enabled",
    "status",
    "created_at",
    "gone_at",
)


@click.command()
@options.app
@options.environment
@click.option("--all", "gone", is_flag=True, help="Also those that are gone. Default: live ones.")
@options.printing
def deployments(app: App, *, environment: str | None, gone: bool, how: How) -> None:
    """List the deployments.

    Example: craftsync deployments --all

    Ends with 0, 2 for an unknown environment, 8 when there is no store or it cannot be read.
    """
    with app.reading() as conn:
        query.known_environment(conn, environment)
        found = read.deployments(conn, environment=environment, gone=gone)
        print_rows(relations.BY_NAME["deployments"], found, how, shown=SHOWN)

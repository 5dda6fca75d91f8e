"""What a plan is to take: the options that say so, and the plan they make."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from craftsync.app import App
from craftsync.cli import choice
from craftsync.cli import options as common
from craftsync.purge.policy import Criteria, Reason
from craftsync.query import runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from craftsync.purge.plan import Plan
    from craftsync.purge.selection import Stay

_OPTIONS = (
    common.duration("--older-than", help="Only what ended so long ago. Needed for a plan."),
    common.statuses,
    common.pipelines,
    click.option(
        "--deployment",
        "deployments",
        multiple=True,
        metavar="NAME",
        help="Only executions of this deployment; repeat for more. Default: all.",
    ),
)


def options(command: Any) -> Any:
    """Wear the options that say what is to go."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def plan(
    app: App,
    conn: "Connection",
    environment: str | None,
    *,
    older_than: timedelta | None,
    statuses: tuple[str, ...],
    pipelines: tuple[str, ...],
    deployments: tuple[str, ...],
    max_deletes: int | None = None,
) -> "tuple[Plan, Mapping[Reason, Stay]]":
    """Plan what these options say, and tell what stays and why.

    Raises `Usage` for a name that the store does not hold.
    """
    if older_than is None:
        raise click.UsageError("Say what is old: --older-than 90d.")
    where = app.environment_held(conn, environment)
    runs.known_names(conn, "pipeline", pipelines, environment=where.name)
    runs.known_names(conn, "deployment", deployments, environment=where.name)
    choice.warn_of_unknown_statuses(conn, statuses, where.name)
    asked = Criteria(
        older_than,
        statuses=frozenset(status.lower() for status in statuses),
        pipelines=frozenset(pipelines),
        deployments=frozenset(deployments),
    )
    return app.planning(conn, where, max_deletes=max_deletes).by_age(asked)

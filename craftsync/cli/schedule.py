"""`craftsync schedule`: what makes a machine sync by itself, printed for its user to put there."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from craftsync.app import App
from craftsync.cli import options, readers, streams, timetable
from craftsync.cli.timetable import Run


def _evenly(ctx: click.Context, option: click.Parameter, value: str) -> timedelta:
    every = readers.read_duration(ctx, option, value)
    try:
        return timetable.evenly(every or timedelta(0))
    except ValueError as flaw:
        raise click.BadParameter(str(flaw)) from None


_every = click.option(
    "--every",
    default="15m",
    metavar="DURATION",
    callback=_evenly,
    help="How often: minutes that divide an hour, hours that divide a day, or 1d. Default: 15m.",
)


@click.group()
def schedule() -> None:
    """Print what makes a machine sync by itself."""


def _wear(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (_every, options.all_environments, options.environments):
        command = option(command)
    return command


@schedule.command()
@options.app
@_wear
def cron(
    app: App, *, environments: tuple[str, ...], all_environments: bool, every: timedelta
) -> None:
    """Print a line for crontab.

    Example: craftsync schedule cron --every 15m

    The line syncs the environment and the store that are in force here and now. What it has to be
    told in variables, a token above all, it reads from a file that the printed comment names.
    Ends with 0, 2 for an interval that cron cannot keep, 6 for settings.
    """
    streams.out(timetable.cron(_run(app, environments, all_environments), every))


@schedule.command()
@options.app
@_wear
def systemd(
    app: App, *, environments: tuple[str, ...], all_environments: bool, every: timedelta
) -> None:
    """Print a service and a timer for systemd.

    Example: craftsync schedule systemd --every 1h

    The comments tell where to put the two files, and how to start the timer. Ends with 0, 2 for an
    interval that does not divide the day evenly, 6 for settings.
    """
    streams.out(timetable.systemd(_run(app, environments, all_environments), every))


def _run(app: App, environments: tuple[str, ...], all_environments: bool) -> Run:
    return Run.of(
        app.settings,
        app.settings.environments_to_use(environments, all_environments),
        app.environ,
        is_root=os.geteuid() == 0,
    )

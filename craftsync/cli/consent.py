"""Consent to a delete: the environment's name, typed on a terminal or given by an option."""

import sys

import click

from craftsync.cli import say, streams
from craftsync.errors import Refused

yes_environment = click.option(
    "--yes-environment",
    metavar="NAME",
    help="Confirm by the environment's name. Default: it is asked for on a terminal.",
)


def require(environment: str, what: str, *, consent: str | None, line: str) -> None:
    """Go on only when the user names the environment in which `what` is about to go.

    `line` is the command as it can be typed without a terminal. Raises `Refused`.
    """
    if consent is None and not is_attended():
        raise Refused(
            f"Not confirmed, and there is no terminal to ask on: {what} would go. Nothing was"
            " deleted.",
            hint=f"{line} --yes-environment {environment}",
        )
    if consent is None:
        say.note(f"About to delete upstream, for good: {what}.")
        consent = click.prompt(f"Type the environment's name ({environment}) to go on", err=True)
    if consent != environment:
        raise Refused(
            f"The environment is {environment}, not {consent}: nothing was deleted.",
            hint=f"{line} --yes-environment {environment}",
        )


def is_attended() -> bool:
    """Whether somebody can be asked: both ends of the talk are a terminal."""
    return streams.is_terminal(sys.stdin) and streams.is_terminal(sys.stderr)

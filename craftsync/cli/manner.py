"""The options of every command: they may stand before its name and after it."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from craftsync.cli import say

Command = TypeVar("Command", bound=Callable[..., Any])

_FLAGS = "craftsync.flags"


def flags(ctx: click.Context) -> dict[str, object]:
    """Return the settings given on the command line so far, by dotted key."""
    given: dict[str, object] = ctx.meta.setdefault(_FLAGS, {})
    return given


def setting(key: str) -> Callable[[click.Context, click.Parameter, object], None]:
    """Return the callback of an option that overrides the setting `key`."""

    def keep(ctx: click.Context, _: click.Parameter, value: object) -> None:
        if value is not None:
            flags(ctx)[key] = value

    return keep


def _be_quiet(_: click.Context, __: click.Parameter, value: bool) -> None:
    say.manner.quiet |= value


def _be_verbose(_: click.Context, __: click.Parameter, value: int) -> None:
    say.manner.verbosity = max(say.manner.verbosity, value)
    say.listen_to_logs()


def _speak(_: click.Context, __: click.Parameter, value: str | None) -> None:
    if value is not None:
        say.manner.as_json = value == "json"


_OPTIONS = (
    click.option(
        "--store",
        metavar="PATH|URL",
        expose_value=False,
        callback=setting("store"),
        help="The store. Default: the setting, or history.db in the user's data folder.",
    ),
    click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_be_quiet,
        help="Say nothing on success.",
    ),
    click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_be_verbose,
        help="Say more; twice for everything.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        expose_value=False,
        callback=_speak,
        help="How notes and errors are written on stderr. Default: text.",
    ),
)


def options(command: Command) -> Command:
    """Wear the options of every command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command

"""The options that several commands wear, each declared once; and what a command works with.

A short form has one meaning in the whole tool: `-o` is a file, `-q` silence, `-v` more words, `-p`
a parameter of a query.
"""

import os
from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import partial, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from craftsync.app import App
from craftsync.cli import counts, formats, in_force, manner, readers
from craftsync.errors import Usage
from craftsync.records import Window
from craftsync.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
Option = Callable[[Callable[..., Any]], Callable[..., Any]]

common = manner.options
"""`--store`, `-q`, `-v`, `--log-format`: what `app` and `settings` bring along."""


def settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
    """Give the command the settings in force, before its own arguments."""

    @common
    @wraps(command)
    def with_settings(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(in_force.settings(), *args, **_heard(kwargs))

    return with_settings


def app(command: Callable[Concatenate[App, P], R]) -> Callable[P, R]:
    """Give the command an app over the settings in force, before its own arguments."""

    @common
    @wraps(command)
    def with_app(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(App(in_force.settings(), os.environ), *args, **_heard(kwargs))

    return with_app


def _heard(given: Any) -> Any:
    """Read the user's words as UTF-8, also where the system speaks nothing but ASCII.

    Paths stay as they are: they go back to the system.
    """
    if isinstance(given, dict):
        return {name: _heard(value) for name, value in given.items()}
    if isinstance(given, tuple):
        return tuple(map(_heard, given))
    if not isinstance(given, str):
        return given
    if given.isprintable():  # what could not be decoded never is
        return given
    try:
        return os.fsencode(given).decode()
    except UnicodeError:
        raise Usage(f"{given!r} is not UTF-8.") from None


def _a_file(_: click.Context, __: click.Parameter, value: Path | None) -> Path | None:
    return None if value == Path("-") else value


output = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    callback=_a_file,
    help="Write here, as a whole or not at all. Default: standard output.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
zone = click.option(
    "--tz",
    metavar="ZONE",
    callback=readers.read_zone,
    help="Print instants in this time zone, as Europe/Paris. Default: UTC.",
)
_PRINTING = (
    click.option(
        "--format",
        type=click.Choice(formats.FORMATS),
        help="How rows are written. Default: table.",
    ),
    as_json,
    output,
    click.option(
        "--raw",
        is_flag=True,
        help="Leave csv cells as they are that a spreadsheet would run. Default: disarm them.",
    ),
    zone,
)


def printing(command: Callable[..., R]) -> Callable[..., R]:
    """Wear the options of printing; the command gets them as `how`, for `formats.rows(…, **how)`.

    What can surely not be written is refused before the command begins.
    """

    @wraps(command)
    def with_how(
        *args: Any,
        format: str | None,  # noqa: A002 - the option's name
        as_json: bool,
        output: Path | None,
        raw: bool,
        tz: tzinfo | None,
        **kwargs: Any,
    ) -> R:
        chosen = formats.asked_for(format, as_json=as_json) or "table"
        how = formats.How(format=chosen, output=output, raw=raw, tz=tz)
        formats.check(how)
        return command(*args, how=how, **kwargs)

    return _wear(with_how, _PRINTING)


_WINDOW = (
    click.option(
        "--since",
        metavar="TIME",
        callback=readers.read_time,
        help="From this time on: 7d, 24h, a date or an instant, in UTC. Default: the beginning.",
    ),
    click.option(
        "--until",
        metavar="TIME",
        callback=readers.read_time,
        help="Before this time. Default: the end.",
    ),
)


def window(command: Callable[..., R]) -> Callable[..., R]:
    """Wear `--since` and `--until`; the command gets them as `window`, which is half open."""

    @wraps(command)
    def with_window(*args: Any, since: datetime | None, until: datetime | None, **kwargs: Any) -> R:
        if since and until and until < since:
            raise click.UsageError("--until lies before --since.")
        return command(*args, window=Window(since, until), **kwargs)

    return _wear(with_window, _WINDOW)


def _wear(command: Callable[..., R], worn: tuple[Option, ...]) -> Callable[..., R]:
    for option in reversed(worn):
        command = option(command)
    return command


environments = click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="NAME",
    help="Only this environment; repeat for more. Default: the one that is configured.",
)
all_environments = click.option(
    "--all-envs", "all_environments", is_flag=True, help="Every configured environment."
)
environment = click.option(
    "--env", "environment", metavar="NAME", help="Only this environment. Default: all in the store."
)
pipelines = click.option(
    "--pipeline",
    "pipelines",
    multiple=True,
    metavar="NAME",
    help="Only this pipeline; repeat for more. Default: all.",
)
pipeline = click.option("--pipeline", metavar="NAME", help="Only this pipeline. Default: all.")
deployment = click.option(
    "--deployment", metavar="NAME", help="Only this deployment. Default: all."
)
statuses = click.option(
    "--status",
    "statuses",
    multiple=True,
    metavar="STATUS",
    help="Only this status, in any case; repeat for more. Default: all.",
)
where = click.option(
    "--where",
    metavar="CONDITION",
    help='Only where this holds, as "out.score < 0.5 and in.customer = 42". Default: all.',
)
created_at = click.option(
    "--created-at",
    metavar="INSTANT",
    callback=readers.read_instant,
    help="Which one, when an id or a name came back after a delete. Default: the newest.",
)


def limit(default: int | None) -> Option:
    """Wear `--limit`; the command gets None when there is none."""
    stated = "no limit" if default is None else str(default)
    return click.option(
        "--limit",
        type=counts.Within(min=0),
        default=default,
        metavar="N",
        help=f"At most so many. Default: {stated}.",
    )


duration = partial(click.option, metavar="DURATION", callback=readers.read_duration)
"""An option that takes `7d`: `duration("--max-age", help=…)`."""

# Options that override a setting: the app knows them already, so the command does not get them.
workers = click.option(
    "--workers",
    type=counts.Within(min=1),
    metavar="N",
    expose_value=False,
    callback=manner.setting("sync.workers"),
    help="So many requests at once. Default: the setting, 16.",
)
settle = click.option(
    "--settle",
    metavar="DURATION",
    expose_value=False,
    callback=manner.setting("sync.settle"),
    help="How long after its end an execution may still change. Default: the setting, 1h.",
)
max_file_bytes = click.option(
    "--max-file-bytes",
    type=counts.Within(min=0),
    metavar="N",
    expose_value=False,
    callback=manner.setting("sync.max_file_bytes"),
    help="Leave larger files where they are. Default: the setting, 104857600.",
)

"""The words of the user for times, zones and files: how options read them, and their one now."""

from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import click

from craftsync import times
from craftsync.app import utc_now

_NOW = "craftsync.now"


class Named(click.Path):
    """A path where no stream will do: `-`, standard output to others, would make a file."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a path."""
        if str(value) == "-":
            self.fail("- is no name: a stream will not do here.", param, ctx)
        return super().convert(value, param, ctx)


FILE = Named(path_type=Path, dir_okay=False)
FOLDER = Named(path_type=Path, file_okay=False)


def now(ctx: click.Context) -> datetime:
    """Return the one moment that all options of this run mean by now."""
    moment: datetime = ctx.meta.setdefault(_NOW, utc_now())
    return moment


def read_duration(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Read `7d`: the callback of an option that takes a duration."""
    if value is None:
        return None
    try:
        return times.duration(value)
    except ValueError as flaw:
        raise click.BadParameter(str(flaw)) from None


def read_time(ctx: click.Context, _: click.Parameter, value: str | None) -> datetime | None:
    """Read `7d` (that long ago), a date or an instant: the callback of an option that takes one."""
    if value is None:
        return None
    try:
        return times.when(value, now(ctx))
    except ValueError as flaw:
        raise click.BadParameter(str(flaw)) from None


def read_zone(_: click.Context, __: click.Parameter, value: str | None) -> tzinfo | None:
    """Read `Europe/Paris`: the callback of an option that takes a time zone."""
    if value is None:
        return None
    if value.upper() == "UTC":  # known without a database of zones
        return UTC
    try:
        return ZoneInfo(value)
    except (LookupError, OSError, ValueError):
        close = get_close_matches(value, available_timezones(), n=3)
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        raise click.BadParameter(f"{value!r} is no time zone.{meant}") from None


def read_instant(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Read an instant: the callback of an option that takes one."""
    if value is None:
        return None
    try:
        return times.instant(value)
    except ValueError as flaw:
        raise click.BadParameter(f"{flaw}.") from None

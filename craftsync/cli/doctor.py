"""`craftsync doctor`: what is wrong, and what to type."""

import os
from collections.abc import Iterator

import click

from craftsync.app import App
from craftsync.cli import formats, in_force, options, say
from craftsync.cli.formats import How
from craftsync.errors import Partial

_COLUMNS = {"check": "text", "state": "text", "finding": "text", "fix": "text"}


@click.command()
@options.common
@options.printing
@click.pass_context
def doctor(ctx: click.Context, how: How) -> None:
    """Check settings, platform, store and disk.

    Example: craftsync doctor

    Each finding comes with the command that mends it. Nothing is changed, and nothing needs to be
    there: it runs without credentials and without a store. Ends with 0 when all is ok, 3 with a
    warning or a problem.
    """
    settings, flaws = in_force.settings_with_flaws()
    app = App(settings, os.environ)
    wanting: list[str] = []

    def rows() -> Iterator[tuple[str, str, str, str | None]]:
        for one in app.doctor(flaws):
            say.progress(f"{one.check}: {one.finding}")
            if one.fix is not None:
                wanting.append(one.check)
            yield one.check, str(one.state), one.finding, one.fix

    how["wrap"] = True  # what is to be typed is of no use when it is cut
    formats.rows(_COLUMNS, list(rows()), **how)
    ctx.exit(Partial.exit_code if wanting else 0)

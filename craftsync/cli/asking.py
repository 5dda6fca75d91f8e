"""What the commands that ask the replica share: `--no-refresh`, and word of an old answer."""

from typing import TYPE_CHECKING

import click

from craftsync import times
from craftsync.cli import say

if TYPE_CHECKING:
    from craftsync.query.duck import Session
    from craftsync.report.model import Report

no_refresh = click.option(
    "--no-refresh",
    is_flag=True,
    help="Answer from the replica as it is. Default: bring it up to the store first.",
)


def tell_if_stale(asked: "Session | Report") -> None:
    """Say on stderr as of when the answer is, where that is not now."""
    if asked.stale is not None:
        say.note(f"As of {times.utc_text(asked.as_of)}: the replica is {asked.stale}.")

"""Rehearses syncs of environments in turn; what befalls one of several is told beside the rest."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from craftsync.errors import CraftsyncError, Interrupted, StoreUnusable
from craftsync.settings import Environment

if TYPE_CHECKING:
    from craftsync.app.works import App
    from craftsync.sync.dry_run import Row, Unable
    from craftsync.sync.job import Options


def rehearse(
    app: "App", environments: Sequence[Environment], options: "Options"
) -> Iterator["Row | Unable"]:
    """Yield what a sync would do, and of several environments which of them cannot be rehearsed.

    Raises `StoreUnusable`, and what keeps the only environment from being rehearsed.
    """
    from craftsync.store import schema  # noqa: PLC0415 - a wing
    from craftsync.sync.dry_run import Rehearsal, Unable  # noqa: PLC0415 - a room of the works

    there = schema.current(app.url()) is not None
    limits = app._limits(options)
    for one in environments:
        try:
            with (
                app.platform(one, limits=limits) as platform,
                app.reading() if there else nullcontext() as conn,
            ):
                rows = [*Rehearsal(one.name, one.url, platform, options, conn, app.now()).rows()]
        except (StoreUnusable, Interrupted):
            raise
        except CraftsyncError as flaw:
            if len(environments) == 1:
                raise
            yield Unable(one.name, flaw)
        else:
            yield from rows

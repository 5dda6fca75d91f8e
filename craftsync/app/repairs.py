"""Saves executions anew, an environment after the other, under the store's lock."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from craftsync.settings import Environment

if TYPE_CHECKING:
    from craftsync.app.works import App
    from craftsync.store.chosen import Candidate


def repair(app: "App", environments: Sequence[Environment], ones: "Sequence[Candidate]") -> None:
    """Fetch executions of these environments again and save them whole.

    Raises `Busy` when another craftsync holds the lock, `StoreUnusable` when the store cannot be
    written, and what ends any run.
    """
    from craftsync.store import engine, lock, schema  # noqa: PLC0415 - a wing
    from craftsync.sync import repair as repairing  # noqa: PLC0415 - a room of the works

    url, options, limits = app.url(), app.sync_options(), app._limits()
    with lock.lock(url, [one.name for one in environments]), engine.store_errors(url):
        schema.require_current(url)
        writer = engine.writer(url)
        try:
            for one in environments:
                mine = [each for each in ones if each.environment == one.name]
                if not mine:
                    continue
                token = one.token(app.environ)
                with app._job(writer, one, token, options, lambda _: None, limits) as job:
                    repairing.repair(job, mine)
        finally:
            limits.stop()
            writer.dispose()

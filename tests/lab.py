"""A make-believe platform, a fresh store and one clock for both: what most journeys start from."""

import sqlite3
from contextlib import closing, contextmanager
from datetime import timedelta

from craftsync import settings
from craftsync.app import App
from craftsync.simulator import Server, World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Lab:
    """One world, one store; `sync` mirrors the first into the second on the world's clock."""

    def __init__(self, world, server, folder):
        self.world = world
        self.server = server
        self.folder = folder
        self.store = folder / "history.db"
        self.environ = {
            "CRAFT_AI_SDK_TOKEN": world.sdk_token,
            "CRAFT_AI_ENVIRONMENT_URL": server.url,
            "CRAFT_AI_CONTROL_URL": server.url,
            "CRAFTSYNC_STORE": str(self.store),
            "CRAFTSYNC_SYNC_WORKERS": "4",
            "HOME": str(folder),
        }
        self.naps = []
        self.events = []

    @property
    def app(self):
        return App(
            settings.load(environ=self.environ, cwd=self.folder),
            self.environ,
            now=lambda: self.world.now,
            sleep=self.naps.append,
        )

    def sync(self, **asked):
        """Mirror once; the outcome of the one environment."""
        self.events = []
        app = self.app
        report = app.sync(
            app.settings.environments_to_use(),
            app.sync_options(**asked),
            listener=self.events.append,
        )
        (outcome,) = report.outcomes
        return outcome

    def rows(self, sql, *values):
        """Ask the store with nothing but SQLite: rows as dicts."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]

    def column(self, sql, *values):
        return [next(iter(row.values())) for row in self.rows(sql, *values)]

    def one(self, sql, *values):
        (row,) = self.rows(sql, *values)
        return row


@contextmanager
def lab(folder, world=None, **server):
    world = world or World(seed=1, executions=60)
    with Server(world, **server) as running:
        yield Lab(world, running, folder)

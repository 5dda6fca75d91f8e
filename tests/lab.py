"""A make-believe platform, a fresh store and one clock for both: what most journeys start from."""

import sqlite3
import tempfile
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from craftsync import settings, times
from craftsync.app import App
from craftsync.simulator import Server, World
from craftsync.store import engine, schema

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Lab:
    """One world, one store; `sync` mirrors the first into the second on the world's clock."""

    def __init__(self, world, server, folder, store=None):
        self.world = world
        self.server = server
        self.folder = folder
        self.store = store or folder / "history.db"
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
        self.clock = lambda: self.world.now

    @property
    def app(self):
        return App(
            settings.load(environ=self.environ, cwd=self.folder),
            self.environ,
            now=self.clock,
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
        """Ask the store with nothing but its driver: rows as dicts, cells as SQLite has them."""
        with self.asking() as ask:
            return ask(sql, *values)

    @contextmanager
    def asking(self):
        """Open what asks the store, as `rows` does, through one connection."""
        if str(self.store).startswith("postgresql:"):
            with psycopg.connect(
                self.store, options="-c timezone=UTC", autocommit=True, row_factory=dict_row
            ) as server:

                def ask(sql, *values):
                    found = server.execute(sql.replace("?", "%s"), values or None).fetchall()
                    return [{name: as_sqlite_has_it(row[name]) for name in row} for row in found]

                yield ask
            return
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            yield lambda sql, *values: [dict(row) for row in connection.execute(sql, values)]

    def column(self, sql, *values):
        return [next(iter(row.values())) for row in self.rows(sql, *values)]

    def one(self, sql, *values):
        (row,) = self.rows(sql, *values)
        return row


def as_sqlite_has_it(value):
    """Write what PostgreSQL has types for as SQLite does: instants as text, truths as 0 and 1."""
    if isinstance(value, datetime):
        return times.utc_text(value)
    return int(value) if isinstance(value, bool) else value


@cache
def an_empty_store():
    """Return an empty store, made once in a process: all copies of it have one identity."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        schema.upgrade(engine.address(path))
        return path.read_bytes()


@contextmanager
def lab(folder, world=None, *, store=None, begun=True, **server):
    """Open a lab; its store is there and empty, unless the first sync is to make it."""
    world = world or World(seed=1, executions=60)
    with Server(world, **server) as running:
        made = Lab(world, running, folder, store)
        if begun and store is None:
            made.store.touch(mode=0o600)
            made.store.write_bytes(an_empty_store())
        yield made

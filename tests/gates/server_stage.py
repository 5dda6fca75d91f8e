"""A stage whose store is a database on a server: set back by copying another database."""

import hashlib
import time
from contextlib import contextmanager

from gates import failpoints
from gates.stage import Stage
from lab import Lab

from craftsync.simulator import Server

LONGEST_S = 10  # until a server has seen that a client is dead


def come_to_rest(postgres, database):
    """Wait until the server has let go of what a dead client held."""
    alive = "select count(*) from pg_stat_activity where datname = %s"
    until = time.monotonic() + LONGEST_S
    with postgres.connect("postgres") as connection:
        while connection.execute(alive, [database]).fetchone() != (0,):
            assert time.monotonic() < until, "a dead client's session goes on"
            time.sleep(0.002)


class ServerStage(Stage):
    """A lab over a database that can be set back to where it was before its sync."""

    def __init__(self, world, server, folder, postgres, empty_store):
        self.postgres = postgres
        self.before = postgres.create(empty_store)
        self.name = postgres.create(self.before)
        Lab.__init__(self, world, server, folder / "stage", postgres.address(self.name))
        self.folder.mkdir(mode=0o700)
        self.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
        self.environ["XDG_CACHE_HOME"] = str(folder / "cache")

    def keep(self):
        self.postgres.drop(self.before)
        self.before = self.postgres.create(self.name)

    def set_back(self):
        self.postgres.drop(self.name)
        self.name = self.postgres.create(self.before)
        self.store = self.environ["CRAFTSYNC_STORE"] = self.postgres.address(self.name)

    def come_to_rest(self):
        come_to_rest(self.postgres, self.name)

    def in_a_write(self, chance, points):
        at = chance.randrange(1, points["piece"] + 1)
        return f"at piece {at}", failpoints.dying_at(at, self.folder, frozenset({"piece"}))

    def state(self):
        digest = hashlib.sha256()
        with self.postgres.connect(self.name) as connection:
            tables = connection.execute(
                "select tablename from pg_tables where schemaname = 'public'"
                " and tablename != 'revision' order by 1"
            ).fetchall()
            for (table,) in tables:
                rows = connection.execute(f'select t::text from "{table}" t order by 1').fetchall()
                digest.update(repr((table, rows)).encode())
        return digest.hexdigest()

    def flaws(self):
        return self.halves()

    def leave(self):
        """Drop both databases."""
        for name in (self.name, self.before):
            self.postgres.drop(name)


@contextmanager
def server_stage(folder, postgres, empty_store, world):
    with Server(world) as running:
        made = ServerStage(world, running, folder, postgres, empty_store)
        try:
            yield made
        finally:
            made.leave()

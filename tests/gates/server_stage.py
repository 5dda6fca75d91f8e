"""A stage whose store is a database on a server: set back row by row."""

import hashlib
import time
from contextlib import contextmanager

from gates import failpoints
from gates.stage import Stage
from lab import Lab

from craftsync.simulator import Server

TABLES = """
    select relname from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    order by relname
"""
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
    """A lab over a database that can be set back to where it was before its sync.

    What was before lies in a schema beside the store: to put rows back takes a tenth of the time
    that another database takes to be made.
    """

    def __init__(self, world, server, folder, postgres, empty_store):
        self.postgres = postgres
        self.name = postgres.create(empty_store)
        Lab.__init__(self, world, server, folder / "stage", postgres.address(self.name))
        self.folder.mkdir(mode=0o700)
        self.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
        self.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        with postgres.connect(self.name) as connection:
            self.tables = [name for (name,) in connection.execute(TABLES)]
        self.keep()

    def keep(self):
        self._tell(
            "drop schema if exists before cascade",
            "create schema before",
            *(f'create table before."{name}" as table public."{name}"' for name in self.tables),
        )

    def set_back(self):
        self._tell(
            "set local session_replication_role = replica",  # in any order, whatever refers to what
            *(f'delete from public."{name}"' for name in self.tables),
            *(f'insert into public."{name}" table before."{name}"' for name in self.tables),
        )

    def _tell(self, *statements):
        with self.postgres.connect(self.name) as connection, connection.transaction():
            connection.execute("; ".join(statements))

    def come_to_rest(self):
        come_to_rest(self.postgres, self.name)

    def in_a_write(self, chance, points):
        kind = "piece" if points["piece"] else "write"  # where nothing is new, nothing is copied
        at = chance.randrange(1, points[kind] + 1)
        return f"at {kind} {at}", failpoints.dying_at(at, self.folder, frozenset({kind}))

    def state(self):
        digest = hashlib.sha256()
        with self.postgres.connect(self.name) as connection:
            for table in self.tables:
                if table != "revision":
                    rows = connection.execute(f'select t::text from "{table}" t order by 1')
                    digest.update(repr((table, rows.fetchall())).encode())
        return digest.hexdigest()

    def flaws(self):
        return self.halves()

    def leave(self):
        self.postgres.drop(self.name)


@contextmanager
def server_stage(folder, postgres, empty_store, world):
    with Server(world) as running:
        made = ServerStage(world, running, folder, postgres, empty_store)
        try:
            yield made
        finally:
            made.leave()

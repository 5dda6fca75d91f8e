"""One situation to be played again and again: a store as it was before a sync, and what the sync
leaves when nothing disturbs it."""

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing, contextmanager

from gates import failpoints
from lab import Lab

from craftsync.simulator import Server
from craftsync.store import dump, engine


class Stage(Lab):
    """A lab that can be set back to where it was before its sync."""

    def __init__(self, world, server, folder, template):
        super().__init__(world, server, folder / "stage")
        self.folder.mkdir(mode=0o700)
        self.before = folder / "before.db"
        shutil.copyfile(template, self.before)
        self.set_back()
        self.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"

    def keep(self):
        """Let the store as it is now be what is set back to."""
        assert not self._beside("-wal").exists()
        shutil.copyfile(self.store, self.before)

    def set_back(self):
        for end in ("", "-wal", "-shm", ".lock"):
            self._beside(end).unlink(missing_ok=True)
        shutil.copyfile(self.before, self.store)
        self.store.chmod(0o600)

    def expect(self):
        """Sync undisturbed; its dump, and what is held of each execution before and after."""
        held = self.contents()
        outcome = self.sync()
        assert outcome.exit_code == 0, outcome
        self.expected = self.lines()
        after = self.contents()
        self.states = {key: {held.get(key), after[key]} for key in after}
        self.set_back()
        return outcome

    def lines(self):
        """Return the canonical dump."""
        with self._reading() as connection:
            return list(dump.canonical_lines(connection))

    def contents(self):
        """Return the hash of what is held of each execution, by id and incarnation."""
        with self._reading() as connection:
            rows = connection.exec_driver_sql(
                "select key, execution_id, created_at from execution"
            ).all()
            hashes = dump.content_hashes(connection, [row.key for row in rows])
        return {(row.execution_id, row.created_at): hashes[row.key] for row in rows}

    def state(self):
        """Return a hash of all rows: of two stores with one hash the next sync makes the same.

        Left out are the marks of revisions, which are drawn by lot.
        """
        digest = hashlib.sha256()
        with closing(sqlite3.connect(self.store)) as connection:
            for sql in self._tables(connection):
                digest.update(repr((sql, connection.execute(sql).fetchall())).encode())
        return digest.hexdigest()

    def flaws(self):
        """Tell what is wrong with the file, and which executions are held by halves."""
        with closing(sqlite3.connect(self.store)) as connection:
            found = [
                f"{pragma}: {row}"
                for pragma in ("integrity_check", "foreign_key_check")
                for row in connection.execute(f"pragma {pragma}")
                if row != ("ok",)
            ]
        return found + self.halves()

    def halves(self):
        """Tell which executions are held neither as they were before nor as they are after."""
        found = self.contents().items()
        return [
            f"held by halves: {key}" for key, held in found if held not in self.states.get(key, ())
        ]

    def come_to_rest(self):
        """Wait until nobody is at work on the store: a file is let go of at once."""

    def in_a_write(self, chance, points):
        """Choose one of the places where a write can be cut in two: its name, and how to die."""
        at = chance.randrange(40_000, 3_000_000)
        return f"at byte {at}", failpoints.dying_at_byte(at)

    def differences(self):
        """Tell how the dump differs from that of the undisturbed sync, a line each."""
        found, should = self.lines(), self.expected
        if found == should:
            return []
        return [
            *(f"- {_short(line)}" for line in should if line not in set(found)),
            *(f"+ {_short(line)}" for line in found if line not in set(should)),
        ] or ["the same lines in another order, or as often"]

    def run_again(self):
        """Sync after a disturbance; tell what differs from what the undisturbed sync left."""
        outcome = self.sync()
        if outcome.exit_code:
            return [f"ended with {outcome.exit_code}: {outcome.error or outcome.failed}"]
        return self.differences()

    @staticmethod
    def _tables(connection):
        return [
            f'select * from "{name}"'
            for (name,) in connection.execute(
                "select name from sqlite_master where type = 'table' and name != 'revision'"
            )
        ]

    def _beside(self, end):
        return self.store.with_name(self.store.name + end)

    @contextmanager
    def _reading(self):
        reader = engine.reader(engine.address(self.store))
        try:
            with reader.connect() as connection:
                yield connection
        finally:
            reader.dispose()


@contextmanager
def stage(folder, template, world, **server):
    with Server(world, **server) as running:
        yield Stage(world, running, folder, template)


def _short(line):
    row = json.loads(line)
    return json.dumps({name: value for name, value in row.items() if value is not None})[:300]

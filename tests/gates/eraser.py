"""A purge to be disturbed: each time a fresh world, the store as it was synced, one plan.

A watcher stands at the platform's door. Of each DELETE it asks the store, before the platform
does: is it intended, and is all of it here? And of the requests so far: was all of it read
upstream since it was last asked for?
"""

import shutil
from contextlib import contextmanager

from gates.server_stage import come_to_rest
from journeys.erasing import allow, an_estate
from lab import DAY, Lab
from sqlalchemy import text

from craftsync.errors import CraftsyncError
from craftsync.purge.planning import facts
from craftsync.purge.policy import Criteria
from craftsync.simulator import Server
from craftsync.store import audit, compare, dump, engine, erasable, files

ALL = frozenset(f"t{n}" for n in range(6))
OF_NIGHTLY = frozenset({"t1", "t3", "t5"})
OLD = frozenset({"t0", "t1", "t2", "t3"})


class Scene(Lab):
    """One run over one fresh world; `violations` is what must never be seen."""

    def __init__(self, world, server, folder, play):
        super().__init__(world, server, folder, play.copied(folder))
        self.play = play
        self.violations = []
        self.environ["CRAFTSYNC_SYNC_WORKERS"] = str(play.workers)
        allow(self)
        world.requests.watch(self.look)

    def look(self, request):
        """Log a DELETE beside the local proof at this time."""
        if request.method != "DELETE":
            return
        kind, name = request.segments[2][:-1], request.segments[3]
        reader = engine.reader(engine.address(self.store))
        try:
            with reader.connect() as conn:
                for flaw in self.flaws(conn, kind, name):
                    self.violations.append(f"DELETE {kind} {name}: {flaw}")
        finally:
            reader.dispose()

    def flaws(self, conn, kind, name):
        (row,) = conn.exec_driver_sql("select key from environment").all()
        opened = {(one.what.kind, one.what.key.execution_id) for one in audit.open_tries(conn, 1)}
        if (kind, name) not in opened:
            yield "nobody intended it"
        whose = [name] if kind == "execution" else sorted(OF_NIGHTLY)
        looked = self.looked_at_since(f"/api/v1/{kind}s/{name}")
        for one in whose:
            yield from self.flaws_of(conn, row.key, one)
            for asked in (
                ("GET", f"/api/v1/executions/{one}"),
                ("POST", f"/api/v1/executions/{one}/logs"),
            ):
                if asked not in looked:
                    yield f"nobody looked at {' '.join(asked)}"

    def looked_at_since(self, path):
        """Tell what was read since a path was last deleted; a new token may ask once more."""
        looked = set()
        for one in reversed(self.world.requests.entries):
            if (one.method, one.path) == ("DELETE", path) and one.status != 401:
                break
            if one.status == 200:
                looked.add((one.method, one.path))
        return looked

    def flaws_of(self, conn, environment_key, name):
        truth = self.world.truth().execution(name)
        live = {one.key.execution_id: one for one in erasable.live_executions(conn, 1)}
        if name not in live:
            yield f"{name} is not held"
            return
        key = live[name].execution_key
        if not truth.is_over:
            yield f"{name} goes on"
        if dump.content_sha256(conn, key) != self.play.hashes[name]:
            yield f"{name} is not held as it was synced"
        for part, drift in compare.damages(conn, key, lambda sha256: files.verify(conn, sha256)):
            yield f"{name} {part}: {drift}"
        count = text("select count(*) from log_line where execution_key = :key")
        lines = conn.execute(count, {"key": key}).scalar_one()
        if (lines, live[name].status) != (len(truth.lines), truth.status):
            yield f"{name} has {len(truth.lines)} lines upstream, {lines} here"

    @property
    def database(self):
        """The name of the database that is the store."""
        return str(self.store).rpartition("/")[2].partition("?")[0]

    def come_to_rest(self):
        """Wait until nobody is at work on the store."""
        if self.play.postgres:
            come_to_rest(self.play.postgres, self.database)

    def run(self):
        """Purge once; the exit code."""
        try:
            return self.app.erase(self.play.plan, listener=self.events.append).exit_code
        except CraftsyncError as error:
            return error.exit_code

    def check(self):
        """Tell what is not as it must be at any time, between two runs."""
        here = self.world.truth().execution_ids()
        rows = self.rows("select * from deletions")
        told = list(self.violations)
        for row in rows:
            names = self.play.names(row["object_id"])
            if row["outcome"] in ("deleted", "already_gone") and names & here:
                told.append(f"{row['object_id']} is {row['outcome']}, and there still")
        gone = self.column("select execution_id from executions where gone_at is not null")
        told += [f"{name} is gone here, and there still" for name in gone if name in here]
        held = self.column("select execution_id from executions")
        told += [f"{name} is held no more" for name in ALL - set(held)]
        told += [f"{name} was never to go" for name in ALL - here - self.play.goes]
        # One that was answered with 401 was sent once more, with a new token.
        sent = sum(one.status != 401 for one in self.world.requests.deletes)
        if len(rows) < sent:
            told.append(f"{sent} DELETEs, {len(rows)} tries in the audit")
        with self.app.reading() as conn:
            told += audit.flaws(conn, 1)
        return told

    def converge(self, most=4):
        """Run again until all is done; tell what is wrong at the end of each run."""
        self.come_to_rest()
        told, code = self.check(), None
        for _ in range(most):
            code = self.run()
            told += self.check()
            if code == 0:
                break
        if code != 0 or self.world.truth().execution_ids() != ALL - self.play.goes:
            told.append(f"ended with {code}, {sorted(self.world.truth().execution_ids())} left")
        outcome = self.sync()
        if (outcome.exit_code, outcome.gone, outcome.withheld) != (0, 0, ()):
            told.append(f"the sync afterwards: {outcome}")
        return told


class Play:
    """What every scene begins with: the synced store, and a plan from it.

    With `postgres` and the name of an empty database the store is a database there.
    """

    def __init__(self, folder, what, postgres=None, empty=None):
        self.folder = folder
        self.what = what
        self.workers = 1
        self.engine = "PostgreSQL" if postgres else "SQLite"
        self.goes = OLD if what == "executions" else OF_NIGHTLY
        self.postgres = postgres
        self.template = postgres.create(empty) if postgres else folder / "synced.db"
        self.scenes = 0
        with Server(self.world()) as server:
            store = postgres.address(self.template) if postgres else None
            lab = Lab(self.world(), server, folder, store)
            lab.world = server.world
            assert lab.sync().exit_code == 0
            app = allow(lab).app
            with app.reading() as conn:
                where = app.environment_held(conn, None)
                live = list(erasable.live_executions(conn, where.key))
                maker = app.planning(conn, where)
                if what == "executions":
                    self.plan, _ = maker.by_age(Criteria(96 * DAY))
                else:
                    found = erasable.live_deployment(conn, where.key, "nightly")
                    its = facts(erasable.executions_of(conn, where.key, found.incarnation))
                    self.plan = maker.of_deployment(found, its)
                keys = {one.execution_key: one.key.execution_id for one in live}
                hashes = dump.content_hashes(conn, list(keys))
            self.hashes = {keys[key]: sha256 for key, sha256 in hashes.items()}
            if not postgres:
                lab.store.rename(self.template)

    def copied(self, folder):
        """Make a store for a scene; return its place."""
        if self.postgres:
            return self.postgres.address(self.postgres.create(self.template))
        store = folder / "history.db"
        shutil.copyfile(self.template, store)
        store.chmod(0o600)
        return store

    @staticmethod
    def world():
        return an_estate(6)

    def names(self, object_id):
        """Return the executions that go with a deletion's object."""
        return OF_NIGHTLY if object_id == "nightly" else {object_id}

    @contextmanager
    def scene(self, **server):
        self.scenes += 1
        folder = self.folder / f"scene-{self.scenes}"
        folder.mkdir(mode=0o700)
        with Server(self.world(), **server) as running:
            scene = Scene(running.world, running, folder, self)
            yield scene
        if self.postgres:
            self.postgres.drop(scene.database)
        shutil.rmtree(folder)

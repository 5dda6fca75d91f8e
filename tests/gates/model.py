"""A store that mirrors a platform to which anything may happen, and what must hold meanwhile.

After each step on the store it is held against the true history; a watcher at the platform's door
holds each DELETE against it, before it takes effect.
"""

import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager

from gates import failpoints
from gates.faulty import LEFT_OVER, gaps
from gates.happenings import PIPELINES, Happenings
from journeys.checker import Mirror, moment
from journeys.erasing import allow
from lab import DAY

from craftsync.errors import Busy, CraftsyncError
from craftsync.purge.planning import facts
from craftsync.purge.policy import Criteria
from craftsync.store import audit, environments, erasable, read

# As far as a purge can tell, these lie about what is there.
NOT_FOR_DELETES = {"stale_list", "vanish_detail", "lag_detail", "forbidden_scope"}

# What a run may end with, and what only under a fault.
CODES, UNDER_FAULTS = {0, 3, 4}, {0, 3, 4, 6, 7}
_PATIENCE_S = 10

_CONTENT = ("steps", "inputs", "outputs", "logs")


class Model(Happenings):
    """One world and one store; `figures` counts what was done."""

    def __init__(self, world, server, folder, store=None, *, figures=None):
        super().__init__(world, server, folder, store)
        self.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"  # the same again, when it is played again
        allow(self)
        self.figures = Counter() if figures is None else figures
        self.known = {}  # what was ever held of each execution, as it was held last
        self.gone = set()
        self.plans = []
        self.flaws = []
        self.ask = None  # what asks, while a connection is open
        world.requests.watch(self._look)

    @contextmanager
    def reading(self):
        """Ask the store through one connection in this block: opening it costs most."""
        if self.ask is not None or not (self.on_a_server or self.store.exists()):
            yield
            return
        with self.asking() as ask:
            self.ask = ask
            try:
                yield
            finally:
                self.ask = None

    def rows(self, sql, *values):
        return super().rows(sql, *values) if self.ask is None else self.ask(sql, *values)

    @property
    def on_a_server(self):
        return str(self.store).startswith("postgresql:")

    # What craftsync does

    def mirror(self, **asked):
        """Sync once, to its end."""
        self._ended(self.sync(**asked).exit_code, asked)

    def mirror_killed(self, n, **asked):
        """Sync in a process that dies at its `n`th operation, if it has as many."""
        told = self._killed(lambda: self.sync(**asked).exit_code, n)
        if told is None:
            self.check()
        else:
            self._ended(int(told), asked)

    def mirror_twice(self, request):
        """Sync, and begin another sync at one of the requests of the first: it is turned away."""
        told = []

        def second():
            try:
                told.append(self.app_sync().exit_code)
            except Busy as busy:
                told.append(busy.exit_code)

        count = 0
        other = threading.Thread(target=second)

        def begin(_):
            nonlocal count
            count += 1
            if count == request:
                other.start()
                other.join(1)

        self.world.requests.watch(begin)
        try:
            code = self.sync().exit_code
        finally:
            self.world.requests.watchers.remove(begin)
        if count >= request:
            other.join(_PATIENCE_S)
            self.figures["turned away"] += told == [75]
            if told != [75]:
                self.flaws.append(f"a second sync at the same time ended with {told}, not 75")
        self._ended(code, {})

    def app_sync(self):
        app = self.app
        return app.sync(
            app.settings.environments_to_use(), app.sync_options(), listener=lambda _: None
        )

    def plan(self, days, pipelines=()):
        """Plan to delete what is older than so many days."""

        def make(app, conn, where):
            plan, _ = app.planning(conn, where).by_age(
                Criteria(days * DAY, pipelines=frozenset(pipelines))
            )
            return plan

        self._plan(make)

    def plan_deployment(self, name):
        """Plan to delete a deployment that is held, with all that is held of it."""

        def make(app, conn, where):
            found = erasable.live_deployment(conn, where.key, name)
            if found is None:
                return None
            its = facts(erasable.executions_of(conn, where.key, found.incarnation))
            return app.planning(conn, where).of_deployment(found, its)

        self._plan(make)

    def _plan(self, make):
        app = self.app
        try:
            with app.reading() as conn:
                plan = make(app, conn, app.environment_held(conn, None))
                if plan is not None and plan.delete:
                    self.plans.append(app.sealed(conn, plan))
                    self.figures["plans"] += 1
        except CraftsyncError as refused:
            self._foresee(refused.exit_code, {4}, refused)

    def apply(self, number, n=None):
        """Delete what one of the plans holds, the last or an older one; die at the `n`th step."""
        if not self.plans:
            return
        if self.kind in NOT_FOR_DELETES:
            self.calm()
        text = self.plans[-1 - number % len(self.plans)]
        code = self._erase(text) if n is None else self._killed(lambda: self._erase(text), n)
        if code is not None:
            self._foresee(int(code), UNDER_FAULTS if self.kind else CODES, "a purge")
            self.calm()
            if int(code) == 0:
                self.plans.remove(text)
        self.figures["purges"] += 1
        self._check_deletes()
        self.check()

    def _erase(self, text):
        app = self.app
        try:
            with app.reading() as conn:
                plan = app.read_plan(conn, text.encode())
            return app.erase(plan, listener=lambda _: None).exit_code
        except CraftsyncError as error:
            return error.exit_code

    def upgrade(self):
        """Bring the store to this schema; it is there already."""
        if self.known:
            before = self._contents()
            self.app.upgrade()
            if self._contents() != before:
                self.flaws.append("an upgrade changed what is held")

    def _killed(self, work, n):
        end = failpoints.run(work, failpoints.dying_at(n, self.folder, failpoints.WRITING))
        self.figures["kills"] += end.was_killed
        if end.was_killed:
            self.calm()
            self._wait_for_the_server()
            self._check_file()
            return None
        assert end.code == 0, end.told
        return end.told

    def _check_file(self):
        if not self.on_a_server:
            with self.reading():
                for pragma in ("integrity_check", "foreign_key_check"):
                    told = self.rows(f"pragma {pragma}")
                    self.flaws += [f"{row}" for row in told if row != {"integrity_check": "ok"}]

    def _wait_for_the_server(self):
        """Wait until a server has noticed that a client died: then its lock is free."""
        until = time.monotonic() + _PATIENCE_S
        while self.on_a_server and time.monotonic() < until:
            if not self.column("select 1 as n from pg_locks where locktype = 'advisory'"):
                return
            time.sleep(0.005)

    def _ended(self, code, asked):
        """Hold what a sync claimed against the truth."""
        self.figures["syncs"] += 1
        self._foresee(code, self._codes(asked), f"a sync, {asked}")
        if code == 0 and self.kind != "stale_list":
            if asked.get("full"):
                self.hidden -= self._ids(asked.get("pipelines", PIPELINES))
            with self.reading():
                self.flaws += [f"claimed to be complete: {gap}" for gap in self._gaps(asked)]
        self.calm()
        self.check()

    def _codes(self, asked):
        """Return what a sync may end with: it says so when it is asked for what is not there."""
        there = {each["pipeline_name"] for each in self.world.truth().pipelines()}
        unknown = (
            {2} if set(asked.get("pipelines", ())) - there or self.kind == "stale_list" else set()
        )
        return unknown | (UNDER_FAULTS if self.kind else CODES)

    def _gaps(self, asked):
        """Tell what is not as it is in truth, though a sync of these pipelines should have it."""
        told = [gap for gap in gaps(self) if not gap.startswith(LEFT_OVER)]
        told = [gap for gap in told if not any(name in _subject(gap) for name in self.hidden)]
        if wanted := asked.get("pipelines"):
            true = self._ids(wanted)
            held = set(self.column("select execution_id from executions where gone_at is null"))
            told = [gap for gap in told if any(name in _subject(gap) for name in true & held)]
            told += [f"{name} is not held" for name in sorted(true - held)]
        return told

    def _ids(self, pipelines):
        truth = self.world.truth()
        return {run.execution_id for name in pipelines for run in truth.executions(name)}

    def _foresee(self, code, codes, what):
        if code not in codes:
            self.flaws.append(f"{what} ended with {code}")

    # What must hold

    def check(self):
        """Hold the store against all that was ever seen in it, and against the truth."""
        with self.reading():
            self._check()
        assert not self.flaws, "\n".join(self.flaws)

    def _check(self):
        there = self._contents()
        self.flaws += [f"{key} was held and is no more" for key in self.known.keys() - there.keys()]
        true = self.true_keys()
        gone = {key for key, (is_gone, _, _) in there.items() if is_gone}
        self.flaws += [f"{key} is gone here, and there still" for key in sorted(gone & true)]
        self.flaws += [f"{key} was gone and is back" for key in sorted(self.gone - gone)]
        for key, (is_gone, lines, content) in there.items():
            _, before, was = self.known.get(key, (None, 0, content))
            if is_gone and content != was:
                self.flaws.append(f"{key} changed when it went, or later")
            if lines < before:
                self.flaws.append(f"{key} had {before} lines, and has {lines}")
        self.known, self.gone = there, gone
        truth = self.world.truth()
        self._check_names("deployments", "deployment_name", self._born(truth.deployments(), "name"))
        names = self._born(truth.pipelines(), "pipeline_name")
        self._check_names("pipelines", "pipeline_name", names)

    def _check_names(self, relation, name, true):
        for row in self._rows(relation):
            key = row[name], row["created_at"]
            if row["gone_at"] and key in true:
                self.flaws.append(f"{relation} {key} is gone here, and there still")

    def true_keys(self):
        return {
            (run.execution_id, moment(run.created_at)) for run in self.world.truth().executions()
        }

    def _check_deletes(self):
        true = self.true_keys()
        rows = self._rows("deletions")
        for row in rows:
            key = row["object_id"], row["created_at"]
            if row["outcome"] in ("deleted", "already_gone") and key in true:
                self.flaws.append(f"{key} is {row['outcome']}, and there still")
        sent = sum(one.status != 401 for one in self.world.requests.deletes)
        if len(rows) < sent:
            self.flaws.append(f"{sent} DELETEs, {len(rows)} tries in the audit")
        with self.app.reading() as conn:
            for name in read.environment_names(conn):  # none before a sync could tell what it is
                self.flaws += audit.flaws(conn, environments.find(conn, name).key)

    def _contents(self):
        """Return of each execution held whether it is gone, its lines, and all that is held."""
        children = defaultdict(list)
        lines = Counter()
        for relation in _CONTENT:
            for row in self._rows(relation):
                key = row["execution_id"], row["execution_created_at"]
                children[key].append((relation, *map(str, row.values())))
                lines[key] += relation == "logs"
        found = {}
        for row in self._rows("executions"):
            key = row["execution_id"], row["created_at"]
            if key in found:
                self.flaws.append(f"{key} is held twice")
            own = [row[name] for name in ("pipeline_name", "deployment_name", "status", "end_date",
                                          "created_by", "detail_state", "logs_state")]  # fmt: skip
            found[key] = (row["gone_at"] is not None, lines[key], (own, sorted(children[key])))
        return found

    def _rows(self, relation):
        if not self.on_a_server and not self.store.exists():
            return []
        return self.rows(f"select * from {relation}")

    @staticmethod
    def _born(objects, name):
        return {(each[name], moment(each["created_at"])) for each in objects}

    def _look(self, request):
        """Hold a DELETE against the truth, before the platform does it."""
        if request.method != "DELETE":
            return
        self.figures["deletes"] += 1
        kind, name = request.segments[2][:-1], request.segments[3]
        with self.app.reading() as conn:
            where = environments.find(conn, "default")
            opened = {
                (one.what.kind, one.what.key.execution_id)
                for one in audit.open_tries(conn, where.key)
            }
        told = [] if (kind, name) in opened else ["nobody intended it"]
        truth = self.world.truth()
        if kind == "execution":
            run = truth.execution(name)
            runs = [run] if run else []  # a repeated one, of what is gone
        else:
            runs = [run for run in truth.executions() if run.deployment_name == name]
        with self.reading():
            held = set(self.column("select execution_id from executions where gone_at is null"))
            differences = Mirror(self).differences() if runs else []
        for run in runs:
            if run.execution_id not in held:
                told.append(f"{run.execution_id} is not held")
            if not run.is_over:
                told.append(f"{run.execution_id} goes on")
            told += [each for each in differences if run.execution_id in _subject(each)]
        self.flaws += [f"DELETE {kind} {name}: {each}" for each in told]

    def converge(self, runs):
        """Sync undisturbed, everything anew at first; what is held is the truth then."""
        self.calm()
        for full in (True, False)[:runs]:
            self.world.advance(2 * DAY)
            code = self.sync(full=full, accept_vanished=1000).exit_code
            self.hidden.clear()
            with self.reading():
                self.flaws += [f"in the end: {gap}" for gap in gaps(self)]
            if code:
                self.flaws.append(f"in the end a sync, full {full}, ended with {code}")
            self.check()
        self.figures["held"] += len(self.known)
        self.figures["gone"] += len(self.gone)


def _subject(gap):
    """Return of whom a difference tells; those of whole relations tell of no one."""
    subject = gap.partition(": held ")[0]
    return "" if gap.startswith(("executions:", "deployments:", "pipelines:")) else subject

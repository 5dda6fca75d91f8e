"""A platform to which anything may happen, a store that mirrors it, and what must hold meanwhile.

`Model` does one thing at a time: to the world, or to the store. After each it holds the store
against the true history; a watcher at the platform's door holds each DELETE against it, before it
takes effect. Nothing here is random: whoever drives it chooses.
"""

import sqlite3
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing, contextmanager
from datetime import timedelta

from gates import failpoints
from gates.faulty import LEFT_OVER, LIES, gaps
from journeys.checker import Mirror, moment
from journeys.erasing import allow
from lab import DAY, HOUR, Lab

from craftsync.errors import Busy, CraftsyncError
from craftsync.purge.planning import facts
from craftsync.purge.policy import Criteria
from craftsync.simulator import KINDS, Faults, Line, Port, World
from craftsync.simulator.delivery import Smooth
from craftsync.store import audit, environments, erasable

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
NS = 1_000_000_000
PIPELINES = ("train", "score")
DEPLOYMENTS = {"nightly": "train", "api": "score"}
CHANGES = ("end", "change", "change quietly", "append", "delete", "make again")
SPANS = (5 * MINUTE, HOUR, 3 * HOUR, DAY, 8 * DAY)

# Those that only take time, and those that only hit metrics, of which there are none here.
_ELSEWHERE = {"slow", "slow_drip", "read_timeout", "repeated_page", "short_page", "wrong_total"}
FAULTS = tuple(kind for kind in KINDS if kind not in _ELSEWHERE)

# As far as a purge can tell, these lie about what is there.
NOT_FOR_DELETES = {"stale_list", "vanish_detail", "lag_detail", "forbidden_scope"}

# What a run may end with, and what only under a fault.
CODES, UNDER_FAULTS = {0, 3, 4}, {0, 3, 4, 6, 7}
_PATIENCE_S = 10

_CONTENT = ("steps", "inputs", "outputs", "logs")


def faults_of(kind, seed, rate):
    """Make faults of a kind that does not lie about values."""
    lies = LIES.get(kind)
    only = None if lies is None else lambda request: not lies(request)
    return Faults(seed, {kind: rate}, only=only)


def estate():
    """Two pipelines with a deployment each, and four executions that are long over."""
    world = World(executions=0, pipelines=0, lines=2)
    born = world.now - 40 * DAY
    outputs = [Port("y", "number"), Port("model", "file")]
    for name in PIPELINES:
        world.add_pipeline(name, outputs=outputs[: 1 + (name == "train")], created_at=born)
    for name, pipeline in DEPLOYMENTS.items():
        world.add_deployment(name, pipeline, created_at=born)
        for number in range(2):
            began = world.now - (30 - number) * DAY
            world.add_execution(pipeline, deployment=(name, None)[number], created_at=began)
    return world


class Model(Lab):
    """One world and one store; `figures` counts what was done."""

    def __init__(self, world, server, folder, store=None, *, figures=None):
        super().__init__(world, server, folder, store)
        self.environ["CRAFTSYNC_SYNC_WORKERS"] = "2"
        allow(self)
        self.figures = Counter() if figures is None else figures
        self.kind = None  # of the fault that hits the next run
        self.hidden = set()  # ids of which no listing shows that they changed
        self.known = {}  # what was ever held of each execution, as it was held last
        self.gone = set()
        self.plans = []
        self.flaws = []
        self.connection = None
        world.requests.watch(self._look)

    @contextmanager
    def reading(self):
        """Ask a store in a file through one connection in this block: opening it costs most."""
        if self.on_a_server or not self.store.exists():
            yield
            return
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            self.connection = connection
            try:
                yield
            finally:
                self.connection = None

    def rows(self, sql, *values):
        if self.connection is None:
            return super().rows(sql, *values)
        return [dict(row) for row in self.connection.execute(sql, values)]

    @property
    def on_a_server(self):
        return str(self.store).startswith("postgresql:")

    # What happens upstream

    def tick(self):
        """Let a second pass, so that no two objects of one name are born at once."""
        self.world.advance(SECOND)

    def pipeline(self, number):
        names = [each["pipeline_name"] for each in self.world.truth().pipelines()]
        return names[number % len(names)] if names else None

    def run(self, number, wanted=lambda run: True):
        """Choose an execution that is there; None where none fits."""
        runs = [run for run in self.world.truth().executions() if wanted(run)]
        return runs[number % len(runs)] if runs else None

    def create(self, number, status):
        """A new execution, of a deployment or run by hand; `late` ones began a month ago."""
        self.tick()
        pipeline = self.pipeline(number)
        if pipeline is None:
            return
        names = [each["name"] for each in self._deployments(pipeline)]
        if status == "late":
            began = self.world.now - 30 * DAY + number % 1000 * SECOND
            self.world.add_execution(pipeline, created_at=began)
        else:
            deployment = [*names, None][number % (len(names) + 1)]
            self.world.add_execution(pipeline, deployment=deployment, status=status)

    def change(self, what, number, word):
        """Let something happen to one of the executions: what `CHANGES` names."""
        self.tick()
        wanted = {"end": lambda run: not run.is_over, "append": lambda run: True}
        run = self.run(number, wanted.get(what, lambda run: run.is_over or what == "delete"))
        if run is None:
            return
        world, name = self.world, run.execution_id
        match what:
            case "end":
                world.finish_execution(name, word or "Succeeded")
            case "change":  # as a listing shows
                world.mutate_execution(name, status=word or "Skipped")
            case "change quietly":  # as only the detail shows
                world.mutate_execution(name, where="detail", created_by=f"user {word}")
                self._hide(run)
            case "append":  # the same words twice in one instant now and then
                at = int(world.now.timestamp()) * NS
                world.append_lines(name, [Line(at, word)] * (1 + number % 2))
                self._hide(run)
            case "delete":
                world.delete_execution(name)
            case "make again":
                world.recreate_execution(name)

    def deploy(self, name, what):
        """Make, change or delete a deployment, or make it again."""
        self.tick()
        there = name in {each["name"] for each in self.world.truth().deployments()}
        pipeline = DEPLOYMENTS[name]
        if not there:
            if pipeline in {each["pipeline_name"] for each in self.world.truth().pipelines()}:
                self.world.add_deployment(name, pipeline)
        elif what == "change":
            self.world.mutate_deployment(name, description=f"as of {self.world.now}")
        elif what == "delete":
            self.world.delete_deployment(name)
        else:
            self.world.recreate_deployment(name)

    def build(self, name):
        """Delete a pipeline with all it has; build it where there is none."""
        self.tick()
        if name in {each["pipeline_name"] for each in self.world.truth().pipelines()}:
            self.world.delete_pipeline(name)
        else:
            self.world.add_pipeline(name)

    def disturb(self, kind, seed, rate):
        """Let one kind of fault hit the next run."""
        self.kind = kind
        self.server.faults = faults_of(kind, seed, rate)

    def calm(self):
        self.kind = None
        self.server.faults = Smooth()

    def _hide(self, run):
        ended = moment(run.end_date)
        if ended and ended < moment((self.world.now - HOUR).isoformat().partition("+")[0] + "Z"):
            self.hidden.add(run.execution_id)

    def _deployments(self, pipeline):
        return [one for one in self.world.truth().deployments() if one["pipeline_name"] == pipeline]

    # What craftsync does

    def mirror(self, **asked):
        """Sync once, to its end."""
        self._ended(self.sync(**asked).exit_code, asked)

    def mirror_killed(self, n, **asked):
        """Sync in a process that dies at its `n`th operation, if it has as many."""
        told = self._killed(lambda: self.sync(**asked).exit_code, n)
        if told is not None:
            self._ended(int(told), asked)
        self.check()

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
                if plan is not None:
                    self.plans.append(app.sealed(conn, plan))
                    self.figures["plans"] += 1
        except CraftsyncError as refused:
            self._foresee(refused.exit_code, {4, 8} if not self.known else {4}, refused)

    def apply(self, number, n=None):
        """Delete what one of the plans holds, the last or an older one; die at the `n`th step."""
        if not self.plans:
            return
        if self.kind in NOT_FOR_DELETES:
            self.calm()
        text = self.plans[-1 - number % len(self.plans)]
        if n is None:
            code = self._erase(text)
        else:
            code = self._killed(lambda: self._erase(text), n)
        if code is not None:
            self._foresee(int(code), UNDER_FAULTS if self.kind else CODES, "a purge")
            self.calm()
        self.figures["purges"] += 1
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
            return None
        assert end.code == 0, end.told
        return end.told

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
        unknown = {2} if set(asked.get("pipelines", ())) - there or self.kind == "stale_list" else set()
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
        for relation, name, objects in (
            ("deployments", "deployment_name", self._born(self.world.truth().deployments(), "name")),
            ("pipelines", "pipeline_name",
             self._born(self.world.truth().pipelines(), "pipeline_name")),
        ):  # fmt: skip
            for row in self._rows(relation):
                key = row[name], row["created_at"]
                if row["gone_at"] and key in objects:
                    self.flaws.append(f"{relation} {key} is gone here, and there still")
        self._check_deletes(true)
        if not self.on_a_server:
            for pragma in ("integrity_check", "foreign_key_check"):
                told = self.rows(f"pragma {pragma}")
                self.flaws += [f"{pragma}: {row}" for row in told if row != {"integrity_check": "ok"}]

    def true_keys(self):
        return {(run.execution_id, moment(run.created_at)) for run in self.world.truth().executions()}

    def _check_deletes(self, true):
        if not self.plans:
            return
        rows = self._rows("deletions")
        for row in rows:
            key = row["object_id"], row["created_at"]
            if row["outcome"] in ("deleted", "already_gone") and key in true:
                self.flaws.append(f"{key} is {row['outcome']}, and there still")
        sent = sum(one.status != 401 for one in self.world.requests.deletes)
        if len(rows) < sent:
            self.flaws.append(f"{sent} DELETEs, {len(rows)} tries in the audit")
        with self.app.reading() as conn:
            self.flaws += audit.flaws(conn, 1)

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

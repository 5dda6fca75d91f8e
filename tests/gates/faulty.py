"""Sync under faults, again and again, on a clock that moves on between the runs."""

from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from journeys.checker import Mirror, moment
from lab import DAY, HOUR, Lab

from craftsync.app import App
from craftsync.simulator import KINDS, Content, Faults, Line, Quirks, Server, World
from craftsync.upstream.transport import Transport

RATE = 0.2
MOST_RUNS = 10
MINUTE = timedelta(minutes=1)
PAUSES = [20 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, DAY, DAY, DAY, DAY]
NS = 1_000_000_000

# What a run may end with: complete, partial, refused by a guard, nothing to be had upstream. A
# token that is refused again right after it was renewed may look like a bad one.
CODES = {0, 3, 4, 7}
MORE_CODES = {"401": {6}}


def of_value(request):
    """Whether the bytes of an input or output are asked for: any bytes may be true."""
    return request.segments[2:3] == ("executions",) and request.segments[4:5] in (
        ("inputs",),
        ("outputs",),
    )


def of_value_or_log(request):
    return of_value(request) or request.segments[4:5] == ("logs",)


# Answers that are as good as true ones: no client can tell them from what the platform might say.
# An HTML page may be a file, 204 says that there is no file or no log, `[]` may be a file.
LIES = {
    "html_200": of_value,
    "empty_200": of_value,
    "no_content": of_value_or_log,
    "wrong_type": of_value,
}


class HastyApp(App):
    """An app that does not wait half a minute for an answer that will not come."""

    timeout_s = 0.4

    @contextmanager
    def platform(self, *given, **named):
        hasty = partial(Transport, timeout_s=self.timeout_s)
        with App.platform(self, *given, **named, transport=hasty) as platform:
            yield platform


class HastyLab(Lab):
    """A lab whose app is in a hurry."""

    @property
    def app(self):
        app = super().app
        return HastyApp(
            app.settings, app.environ, now=app.now, monotonic=app.monotonic, sleep=app.sleep
        )


def estate(seed, *, pages=False):
    """A small world of every kind: files, secrets, metrics, a log longer than an answer may be.

    Two of its executions still run.
    With `pages` there are more metrics than an answer holds.
    """
    world = World(
        seed=seed, executions=9, pipelines=3, settled=True, lines=4, quirks=Quirks(logs_cap=100)
    )
    world.start_execution("sandbox-notebook")
    world.start_execution("iris-train", deployment="iris-nightly")
    world.add_execution("sandbox-notebook", created_at=world.now - 2 * DAY, given={"question": "?"})
    began = world.now - 2 * DAY
    lines = [Line(int(began.timestamp()) * NS + n * NS // 2, f"line {n}") for n in range(130)]
    world.add_execution("iris-train", created_at=began, lines=lines)
    if pages:
        at_ms = int((world.now - DAY).timestamp()) * 1000
        for number in range(2):
            run = world.add_execution("sandbox-notebook", created_at=world.now - (2 + number) * DAY)
            world.history.metrics_recorded[run.execution_id] = [
                (f"m{name}", at_ms, float(name)) for name in range(5003)
            ]
    return world


def life_goes_on(world):
    """One is deleted, one comes, one prints more, a deployment is changed, another made again."""
    running = [run for run in world.truth().executions("sandbox-notebook") if not run.is_over]
    over = [run for run in world.truth().executions("fraud-detect") if run.is_over]
    world.advance(MINUTE)
    for run in running[:1]:
        world.append_lines(run.execution_id, [Line(int(world.now.timestamp()) * NS, "more")])
    for run in over[:1]:
        world.delete_execution(run.execution_id)
    new = world.add_execution("sandbox-notebook").execution_id
    world.set_value(new, "outputs", "table", Content("text/csv", b"a,b\n1,2\n"))
    world.mutate_deployment("fraud-api", description="Other words")
    world.recreate_deployment("iris-nightly")


class Trial:
    """Runs under faults, and what each of them claimed."""

    def __init__(self, lab, kind=None):
        self.lab = lab
        self.foreseen = CODES | MORE_CODES.get(kind, set())
        self.codes = []
        self.gaps = []
        self.false_claims = []

    def run(self, **asked):
        """Sync once; a claim to be complete is held against the truth."""
        outcome = self.lab.sync(**asked)
        self.codes.append(outcome.exit_code)
        self.gaps = gaps(self.lab)
        self.false_claims += [f"{each} is held as gone" for each in gone_by_mistake(self.lab)]
        if outcome.exit_code == 0:
            lost = [gap for gap in self.gaps if not gap.startswith(LEFT_OVER)]
            self.false_claims += [f"run {len(self.codes)}: {gap}" for gap in lost]
        return outcome

    def converge(self):
        """Sync until it claims to be complete and is, at most ten times; life goes on meanwhile."""
        for number in range(MOST_RUNS):
            if self.run().exit_code == 0 and not self.gaps and number:
                break
            if number == 0:
                life_goes_on(self.lab.world)
            self.lab.world.advance(PAUSES[number])
        return self

    @property
    def flaws(self):
        """Tell in what the runs did not do as promised."""
        found = [*self.false_claims, *(f"in the end: {gap}" for gap in self.gaps)]
        if self.codes[-1] != 0:
            found.append(f"ten runs were not enough: {self.codes}")
        if not set(self.codes) <= self.foreseen:
            found.append(f"unforeseen codes: {self.codes}")
        return found


LEFT_OVER = "left over"


def gaps(lab):
    """Tell what the store lacks, has twice, or has otherwise than the platform.

    What is held as there although it is gone is left over: absence is no deletion until confirmed.
    So is what has been made again since under its id or name.
    """
    told = Mirror(lab).differences()
    truth = lab.world.truth()
    true = {
        "executions": {(run.execution_id, _ms(run.created_at)) for run in truth.executions()},
        "deployments": {(one["name"], _ms(one["created_at"])) for one in truth.deployments()},
        "pipelines": {(one["pipeline_name"], _ms(one["created_at"])) for one in truth.pipelines()},
    }
    names = {"executions": "execution_id", "deployments": "deployment_name"}
    for relation, should in true.items():
        name = names.get(relation, "pipeline_name")
        held = [
            (row[name], _ms(row["created_at"]))
            for row in lab.rows(f"select {name}, created_at from {relation} where gone_at is null")
        ]
        extra = sorted(set(held) - should)
        if len(held) != len(set(held)):
            told.append(f"{relation} held twice: {sorted(held)}")
        if extra and should <= set(held):
            told = [each for each in told if not each.startswith((f"{relation}:", "last execu"))]
            told += [f"{LEFT_OVER}: {relation} {each}" for each, _ in extra]
    return told


def _ms(born):
    """Write a birth to the millisecond, since a listing may tell fewer digits than the object."""
    return moment(born)[:23]


def gone_by_mistake(lab):
    """Give the executions that are held as gone and are there: none, however a run ended."""
    rows = lab.rows("select execution_id, created_at from executions where gone_at is not null")
    there = {(run.execution_id, moment(run.created_at)) for run in lab.world.truth().executions()}
    return sorted(there & {(row["execution_id"], row["created_at"]) for row in rows})


@contextmanager
def faulty_lab(folder, world, rates, *, seed, store=None, **terms):
    faults = Faults(seed, rates, slow_s=0.05, drip_s=5, stale_s=3 * 86_400, **terms)
    kind = HastyLab if rates.keys() & {"read_timeout", "slow_drip"} else Lab
    with Server(world, faults=faults) as server:
        yield kind(world, server, folder, store)


def tried(folder, kind, seed, store=None):
    """Let a world be mirrored under one kind of fault; the trial, and how often it struck."""
    lies = LIES.get(kind)
    only = None if lies is None else lambda request: not lies(request)
    world = estate(seed, pages=kind == "repeated_page")
    with faulty_lab(folder, world, {kind: RATE}, seed=seed, only=only, store=store) as lab:
        return Trial(lab, kind).converge(), lab.server.faults.hits[kind]


MIXED = {kind: RATE / len(KINDS) for kind in KINDS if kind not in LIES and kind != "stale_list"}

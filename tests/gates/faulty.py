"""Sync under faults, again and again, on a clock that moves on between the runs."""

from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from journeys.checker import Mirror
from lab import DAY, HOUR, Lab

from craftsync.app import App
from craftsync.simulator import Content, Faults, Line, Server, World
from craftsync.upstream.transport import Transport

MOST_RUNS = 10
MINUTE = timedelta(minutes=1)
PAUSES = [20 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, DAY, DAY, DAY, DAY]
NS = 1_000_000_000

# What a run may end with: complete, partial, refused by a guard, nothing to be had upstream.
CODES = {0, 3, 4, 7}


class HastyApp(App):
    """An app that does not wait half a minute for an answer that will not come."""

    timeout_s = 0.5

    @contextmanager
    def platform(self, *given, **named):
        hasty = partial(Transport, timeout_s=self.timeout_s)
        with App.platform(self, *given, **named, transport=hasty) as platform:
            yield platform


class FaultyLab(Lab):
    """A lab whose app is in a hurry; sleeps are noted, not slept."""

    @property
    def app(self):
        app = super().app
        return HastyApp(
            app.settings, app.environ, now=app.now, monotonic=app.monotonic, sleep=app.sleep
        )


def estate(seed):
    """A small world of every kind: files, secrets, metrics; two of its executions still run."""
    world = World(seed=seed, executions=9, pipelines=3, settled=True, lines=4)
    world.start_execution("sandbox-notebook")
    world.start_execution("iris-train", deployment="iris-nightly")
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

    def __init__(self, lab):
        self.lab = lab
        self.codes = []
        self.false_claims = []

    def run(self):
        """Sync once; a claim to be complete is held against the truth."""
        outcome = self.lab.sync()
        self.codes.append(outcome.exit_code)
        self.gaps = gaps(self.lab)
        if outcome.exit_code == 0:
            self.false_claims += [f"run {len(self.codes)}: {gap}" for gap in self.gaps]
        return outcome

    def converge(self):
        """Sync until it claims to be complete and is, at most ten times; life goes on meanwhile."""
        for number in range(MOST_RUNS):
            if self.run().exit_code == 0 and not self.gaps and number:
                break
            if number == 0:
                life_goes_on(self.lab.world)
            self.lab.world.advance(PAUSES[number])

    def tell(self, figures, what, **more):
        figures(
            "G2",
            what,
            runs=len(self.codes),
            codes="/".join(map(str, self.codes)),
            gaps=len(self.gaps),
            false_claims=len(self.false_claims),
            **more,
        )


def gaps(lab):
    """Tell what the store lacks, has twice, or has otherwise than the platform."""
    counts = {
        relation: lab.column(f"select count(*) from {relation} where gone_at is null")[0]
        for relation in ("executions", "deployments", "pipelines")
    }
    truth = lab.world.truth()
    true = {
        "executions": len(truth.execution_ids()),
        "deployments": len(list(truth.deployments())),
        "pipelines": len(list(truth.pipelines())),
    }
    twice = [
        f"{name}: {counts[name]} held, {true[name]} in truth"
        for name in counts
        if counts[name] != true[name]
    ]
    return twice + Mirror(lab).differences()


@contextmanager
def faulty_lab(folder, world, rates, *, seed, **terms):
    faults = Faults(seed, rates, slow_s=0.05, drip_s=5, stale_s=3 * 86_400, **terms)
    with Server(world, faults=faults) as server:
        yield FaultyLab(world, server, folder)

"""A small platform to which anything may happen: what users do to it, and what goes wrong.

Nothing here is random: whoever drives it chooses. What no listing shows is remembered: a mirror
may not know of it.
"""

from datetime import timedelta

from gates.faulty import LIES
from journeys.checker import moment
from lab import DAY, HOUR, Lab

from craftsync.simulator import KINDS, Faults, Line, Port, World
from craftsync.simulator.delivery import Smooth

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
NS = 1_000_000_000
PIPELINES = ("train", "score")
DEPLOYMENTS = {"nightly": "train", "api": "score"}
CHANGES = ("end", "change", "change quietly", "append", "delete", "make again")
SPANS = (5 * MINUTE, HOUR, 3 * HOUR, DAY, 8 * DAY)

# Those that only take time, and those that only hit metrics, of which there are none here.
_ELSEWHERE = {"slow", "slow_drip", "read_timeout", "repeated_page", "short_page", "wrong_total"}
FAULTS = tuple(kind for kind in KINDS if kind not in _ELSEWHERE)


def faults_of(kind, seed, rate):
    """Make faults of a kind that does not lie about values."""
    lies = LIES.get(kind)
    only = None if lies is None else lambda request: not lies(request)
    return Faults(seed, {kind: rate}, only=only, stale_s=3 * 86_400)


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


class Happenings(Lab):
    """A lab whose world is changed a step at a time, each a second after the one before."""

    def __init__(self, world, server, folder, store=None):
        super().__init__(world, server, folder, store)
        self.kind = None  # of the fault that hits the next run
        self.hidden = set()  # ids of which no listing shows that they changed

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

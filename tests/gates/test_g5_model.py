"""G5: whatever happens, in whatever order, no rule is broken, and the mirror converges."""

import gc
import random
import shutil
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

import compiled
import pytest
from gates.happenings import CHANGES, DEPLOYMENTS, FAULTS, PIPELINES, SPANS, estate
from gates.model import Model
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from craftsync.simulator import Server

# Sequences, steps of each. A long sequence takes about a second in a file, two on a server.
IN_TEST = (30, 20)
LONG, PARTS = (100, 50), 30

WORDS = ("Succeeded", "Failed", "Error", "")

which = st.integers(0, 999)
points = st.integers(1, 30)
# One that takes a listing for the truth is found out by a stale one alone.
kinds = st.sampled_from([*FAULTS, *["stale_list"] * 4])
meanwhile = st.sampled_from([None, None, *CHANGES, "wait", "wait"])
asked = st.sampled_from(
    [
        {},
        {},
        {"full": True},
        {"lookback": SPANS[-1]},
        {"accept_vanished": 5},
        {"pipelines": PIPELINES[:1]},
        {"pipelines": PIPELINES[1:]},
    ]
)


class Sequence(RuleBasedStateMachine):
    """Steps in any order; `model` is made anew for each sequence by a subclass."""

    opened = None
    last_runs = 1

    def __init__(self):
        super().__init__()
        self.living = ExitStack()
        self.model = self.living.enter_context(self.opened())

    def teardown(self):
        with self.living:
            if sys.exc_info()[0] is None:
                self.model.converge(self.last_runs)
                self.model.figures["sequences"] += 1
        if self.model.figures["sequences"] % 10 == 0:
            gc.collect()  # else garbage grows to gigabytes, whose tables each fork has to copy

    def step(self):
        self.model.figures["steps"] += 1
        return self.model

    @rule(number=which, status=st.sampled_from(["Succeeded", "Failed", "Running", "late", "late"]))
    def create(self, number, status):
        self.step().create(number, status)

    @rule(what=st.sampled_from(CHANGES), number=which, word=st.sampled_from(WORDS))
    def change(self, what, number, word):
        self.step().change(what, number, word)

    @rule(
        name=st.sampled_from(sorted(DEPLOYMENTS)),
        what=st.sampled_from(["change", "delete", "again", "again"]),
    )
    def deploy(self, name, what):
        self.step().deploy(name, what)

    @rule(name=st.just(PIPELINES[1]))
    def build(self, name):
        self.step().build(name)

    @rule()
    def expire_tokens(self):
        self.step().world.expire_tokens()

    @rule(kind=kinds, number=which, rate=st.sampled_from([0.1, 0.3, 1.0]), asked=asked | st.none())
    def disturb(self, kind, number, rate, asked):
        self.step().disturb(kind, number, rate)
        if asked is not None:
            self.model.mirror(**asked)

    @rule(span=st.sampled_from(SPANS))
    def advance(self, span):
        self.step().world.advance(span)

    @rule(asked=asked)
    def sync(self, asked):
        self.step().mirror(**asked)

    @rule(n=points, asked=asked)
    def sync_killed(self, n, asked):
        self.step().mirror_killed(n, **asked)

    @rule(request=st.integers(1, 20))
    def sync_twice_at_once(self, request):
        self.step().mirror_twice(request)

    @rule(
        days=st.sampled_from([0, 2, 9]),
        pipelines=st.sampled_from([(), PIPELINES[:1]]),
        meanwhile=meanwhile,
        number=which,
    )
    def plan(self, days, pipelines, meanwhile, number):
        self.step().mirror()
        self.model.plan(days, pipelines)
        self.then(meanwhile, number)

    @rule(name=st.sampled_from(sorted(DEPLOYMENTS)), meanwhile=meanwhile, number=which)
    def plan_deployment(self, name, meanwhile, number):
        self.step().plan_deployment(name)
        self.then(meanwhile, number)

    def then(self, meanwhile, number):
        """Apply the last plan, now, or when something has happened; or not yet."""
        if meanwhile != "wait":
            if meanwhile:
                self.model.change(meanwhile, number, "")
            self.model.apply(0)

    @rule(number=st.sampled_from([0, 0, 1, 2]), n=points)
    def apply_killed(self, number, n):
        self.step().apply(number, n)
        self.model.apply(number)

    @rule()
    def upgrade(self):
        self.step().upgrade()


def play(opened, size, *, chance=None):
    """Play sequences of steps, each with what `opened` opens; chance is fixed without a seed."""
    machine = type("Sequence", (Sequence,), {"opened": staticmethod(opened)})
    if chance is not None:
        machine.last_runs = 2
        machine = seed(chance)(machine)
    sequences, steps = size
    with compiled.once("sqlite", "postgresql"):
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=sequences,
                stateful_step_count=steps,
                derandomize=chance is None,
                database=None,
                deadline=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
        )


@contextmanager
def in_a_file(folder, template, figures):
    """Open a fresh world and a fresh store in a file."""
    mine = Path(tempfile.mkdtemp(dir=folder))
    with Server(estate()) as server:
        model = Model(server.world, server, mine, figures=figures)
        shutil.copyfile(template, model.store)
        model.store.chmod(0o600)
        yield model
    shutil.rmtree(mine)


@contextmanager
def on_a_server(folder, postgres, empty_store, figures):
    """Open a fresh world and a fresh store on a server."""
    mine = Path(tempfile.mkdtemp(dir=folder))
    name = postgres.create(empty_store)
    with Server(estate()) as server:
        model = Model(server.world, server, mine, postgres.address(name), figures=figures)
        with model.reading():  # a session costs as much as a sync
            yield model
    postgres.drop(name)
    shutil.rmtree(mine)


def tell(figures, what, counted, **more):
    words = ["sequences", "steps", "syncs", "kills", "purges", "deletes", "held", "gone"]
    figures("G5", what, **more, **{word: counted[word] for word in words}, violations=0)


def test_in_whatever_order_things_happen_no_rule_is_broken(tmp_path, template, warmed, figures):
    counted = Counter()
    play(lambda: in_a_file(tmp_path, template, counted), IN_TEST)
    tell(figures, "in a file", counted)
    assert min(counted[word] for word in ("sequences", "kills", "deletes", "gone")) > 5


# Sequences in which a rule was broken once.


@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_a_pipeline_made_again_and_then_listed_as_it_was_stays(tmp_path, template, rate):
    with in_a_file(tmp_path, template, Counter()) as model:
        for _ in range(2):
            model.mirror()
            model.build(PIPELINES[1])
        model.mirror()
        model.disturb("stale_list", 0, rate)
        model.mirror()
        model.converge(2)


@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_a_deployment_made_again_and_then_listed_as_it_was_stays(tmp_path, template, rate):
    with in_a_file(tmp_path, template, Counter()) as model:
        model.deploy("api", "again")
        model.mirror()
        model.disturb("stale_list", 109, rate)
        model.mirror()
        model.converge(2)


def test_a_deployment_deleted_here_and_made_again_and_then_listed_as_it_was_stays(
    tmp_path, template
):
    with in_a_file(tmp_path, template, Counter()) as model:
        model.mirror()
        model.plan_deployment("api")
        model.apply(0)
        model.deploy("api", "change")  # it is not there: it is made
        for kind, rate in (("connect_refused", 0.1), ("stale_list", 1.0)):
            model.disturb(kind, 0, rate)
            model.mirror()
        model.converge(2)


def test_an_execution_made_again_while_nobody_can_say_that_the_first_is_gone_is_left_over(
    tmp_path, template
):
    with in_a_file(tmp_path, template, Counter()) as model:
        model.mirror()
        model.change("make again", 0, "")
        model.disturb("cut_without_length", 12, 0.3)
        model.mirror()
        assert len(model.column("select 1 as n from executions where gone_at is null")) == 5
        model.converge(2)
        assert len(model.column("select 1 as n from executions where gone_at is null")) == 4


def test_an_environment_is_found_by_its_name_after_a_first_sync_that_kept_nothing(
    tmp_path, template
):
    with in_a_file(tmp_path, template, Counter()) as model:
        model.build("score")
        model.mirror(pipelines=("score",))
        for _ in range(2):
            model.plan(0)
            model.apply(0)
            model.mirror()
        model.converge(2)


# At full size


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_in_many_long_sequences_no_rule_is_broken(tmp_path, template, warmed, figures, part):
    counted, chance = Counter(), random.SystemRandom().randrange(1 << 32)
    print(f"seed {chance}")  # noqa: T201 - shown where it fails
    play(lambda: in_a_file(tmp_path, template, counted), LONG, chance=chance)
    tell(figures, "long: in a file", counted, each=f"part {part}", seed=chance)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_in_many_long_sequences_on_a_server_no_rule_is_broken(
    tmp_path, postgres, empty_store, warmed, figures, part
):
    counted, chance = Counter(), random.SystemRandom().randrange(1 << 32)
    print(f"seed {chance}")  # noqa: T201 - shown where it fails
    play(lambda: on_a_server(tmp_path, postgres, empty_store, counted), LONG, chance=chance)
    tell(figures, "long: on a server", counted, each=f"part {part}", seed=chance)

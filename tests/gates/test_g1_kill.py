"""G1: a sync that is killed at any point, and run again, leaves what an undisturbed one leaves."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from gates import failpoints
from gates.stage import stage
from lab import DAY, HOUR

from craftsync.simulator import Line, Port, Quirks, World
from craftsync.simulator.values import Content

pytestmark = pytest.mark.usefixtures("warmed")

NS = 1_000_000_000
FRAME = 4096 + 24  # of SQLite's write-ahead log


def first_sync(stage):
    """Everything is new: every kind of mapping, a deployment, metrics."""


def changes(stage):
    """What ran is over, what was over says something else, settings changed, more came."""
    world = stage.world
    running = world.start_execution("iris-train").execution_id
    old = world.add_execution("iris-train", created_at=world.now - DAY).execution_id
    stage.sync()
    world.advance(HOUR)
    world.finish_execution(running)
    world.append_lines(running, [Line(int(world.now.timestamp()) * NS, "late")])
    world.mutate_execution(old, status="Failed")
    world.mutate_deployment("iris-nightly", description="Other words")
    world.add_execution("iris-train", deployment="iris-nightly")


def losses(stage):
    """An execution was deleted, a deployment made again, a pipeline deleted with all it had."""
    world = stage.world
    world.add_pipeline("short-lived", created_at=world.now - DAY)
    world.add_execution("short-lived")
    single = world.add_execution("iris-train", created_at=world.now - DAY)
    world.add_execution("iris-train", created_at=world.now - DAY / 2)
    stage.sync()
    world.advance(HOUR)
    world.delete_execution(single.execution_id)
    world.recreate_deployment("iris-nightly")
    world.delete_pipeline("short-lived")


def file_values(stage):
    """Files come, one of several pieces, one that was held before, one that is another now."""
    world = stage.world
    ports = {"inputs": [Port("photo", "file")], "outputs": [Port("report", "file")]}
    world.add_pipeline("files", created_at=world.now - DAY, **ports)
    first, second = (
        world.add_execution("files", created_at=world.now - age).execution_id
        for age in (HOUR, HOUR / 2)
    )
    bytes_ = random.Random(1).randbytes(2_500_000)
    for run in (first, second):
        for side, name in (("inputs", "photo"), ("outputs", "report")):
            world.set_value(run, side, name, Content("application/octet-stream", bytes_[:1000]))
    stage.sync()
    world.set_value(second, "outputs", "report", Content("application/octet-stream", bytes_))
    world.add_execution("files")


def capped_logs(stage):
    """The platform gives a hundred lines at a time and does not say so."""
    start = int((stage.world.now - HOUR).timestamp()) * NS
    lines = [Line(start + n * NS, f"line {n}") for n in range(230)]
    stage.world.add_execution("iris-train", created_at=stage.world.now - HOUR, lines=lines)


SITUATIONS = [first_sync, changes, losses, file_values, capped_logs]


def small_world(situation):
    quirks = Quirks(logs_cap=100) if situation is capped_logs else Quirks()
    return World(seed=4, executions=1, pipelines=1, settled=True, lines=3, quirks=quirks)


@pytest.fixture(params=SITUATIONS, ids=lambda situation: situation.__name__)
def staged(request, tmp_path, template):
    """A small world in which something is to be mirrored."""
    with stage(tmp_path, template, small_world(request.param)) as made:
        request.param(made)
        made.keep()
        made.expect()
        yield made


class Kills:
    """What came of killing a sync again and again."""

    def __init__(self, staged):
        self.staged = staged
        self.points = 0
        self.stores = set()
        self.differences = []

    def kill(self, what, arm, *, every_time=True):
        """Let an armed child sync, then run again; False when the child came to its end.

        A store that is row by row one that was seen needs no second run to know what comes of it,
        unless `every_time`.
        """
        self.staged.set_back()
        end = failpoints.run(self.staged.sync, arm)
        if not end.was_killed:
            assert end.code == 0, end.told
            return False
        self.points += 1
        flaws = self.staged.flaws()
        state = self.staged.state()
        if every_time or state not in self.stores:
            self.stores.add(state)
            flaws += self.staged.run_again()
        self.differences += [f"killed {what}: {flaw}" for flaw in flaws]
        return True

    def tell(self, figures, what, **more):
        figures(
            "G1",
            what,
            points=self.points,
            stores=len(self.stores),
            differences=len(self.differences),
            **more,
        )


@pytest.fixture
def kills(staged):
    return Kills(staged)


def named(request):
    return request.node.callspec.id


def test_killed_at_any_operation_it_converges(staged, kills, figures, request):
    n = 1
    while kills.kill(
        f"at {n}",
        failpoints.dying_at(n, staged.folder, failpoints.WRITING),
        every_time=False,
    ):
        n += 1
    kills.tell(figures, f"killed at any operation, {named(request)}", **counted(staged))
    assert kills.differences == []
    assert kills.points > 30
    assert len(kills.stores) > 3


def counted(staged):
    """Count the operations of an undisturbed sync."""
    staged.set_back()
    points = failpoints.run(staged.sync, failpoints.counting(staged.folder)).points
    return {f"{kind}s": points[kind] for kind in sorted(failpoints.WRITING)}


@pytest.mark.parametrize("staged", [file_values], ids=lambda one: one.__name__, indirect=True)
def test_killed_in_the_middle_of_a_write_to_the_disk_it_converges(staged, kills, figures):
    size = 40_000
    while kills.kill(f"at byte {size}", failpoints.dying_at_byte(size), every_time=False):
        size += 30 * FRAME + 1001
    kills.tell(figures, "killed in a write, file_values", largest_file=f"{size} bytes")
    assert kills.differences == []
    assert kills.points > 10

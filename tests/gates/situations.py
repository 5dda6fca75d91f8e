"""Situations in which a sync has much to do: what a kill may tear apart."""

import random

from lab import DAY, HOUR

from craftsync.simulator import Content, Line, Port, Quirks, World

NS = 1_000_000_000


def first_sync(stage):
    """Everything is new; the platform gives a hundred lines at a time and does not say so."""
    start = int((stage.world.now - HOUR).timestamp()) * NS
    lines = [Line(start + n * NS, f"line {n}") for n in range(130)]
    stage.world.add_execution("iris-train", created_at=stage.world.now - HOUR, lines=lines)


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
    bytes_ = random.Random(1).randbytes(1_300_000)
    for run in (first, second):
        for side, name in (("inputs", "photo"), ("outputs", "report")):
            world.set_value(run, side, name, Content("application/octet-stream", bytes_[:1000]))
    stage.sync()
    world.set_value(second, "outputs", "report", Content("application/octet-stream", bytes_))
    world.add_execution("files")


SITUATIONS = [first_sync, changes, losses, file_values]
NAMES = [situation.__name__ for situation in SITUATIONS]


def a_world(executions, pipelines):
    return World(
        seed=4,
        executions=executions,
        pipelines=pipelines,
        settled=True,
        lines=3,
        quirks=Quirks(logs_cap=100),
    )


def prepare(made, situation):
    """Let a stage be in a situation, and sync it once undisturbed."""
    situation(made)
    made.keep()
    made.expect()

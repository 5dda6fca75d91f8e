"""G1: a sync that is killed at any point, and run again, leaves what an undisturbed one leaves."""

import random
import signal
from contextlib import contextmanager

import pytest
from gates import failpoints, processes
from gates.kills import Kills, counted, in_words
from gates.server_stage import server_stage
from gates.situations import (
    NAMES,
    SITUATIONS,
    a_world,
    changes,
    file_values,
    first_sync,
    losses,
    prepare,
)
from gates.stage import stage
from lab import lab

from craftsync.simulator import World
from craftsync.store import dump

FRAME = 4096 + 24  # of SQLite's write-ahead log

# Of up to a thousand operations in a large world each so manieth is tried; a database that came of
# an earlier kill row by row is not synced once more.
EVERY = {"SQLite": 1, "PostgreSQL": 1}
AT_RANDOM = {"SQLite": 25, "PostgreSQL": 25}  # times 12 seeds

situations = pytest.mark.parametrize("situation", SITUATIONS, ids=NAMES)
engines = pytest.mark.parametrize("engine", EVERY)


def shorter_and_longer():
    """Each operation of the smallest situation, and each third of the others; long: each of all."""
    for situation, name in zip(SITUATIONS, NAMES, strict=True):
        step = 1 if situation is losses else 3
        yield pytest.param("SQLite", situation, step, id=f"SQLite-{name}-{step}")
        if step > 1:
            yield pytest.param(
                "SQLite", situation, 1, id=f"SQLite-{name}-1", marks=pytest.mark.long
            )
        on_a_server = f"PostgreSQL-{name}-1"
        yield pytest.param("PostgreSQL", situation, 1, id=on_a_server, marks=pytest.mark.long)


@pytest.fixture
def set_up(request, tmp_path, template, warmed):
    """Set up a situation on an engine, in a world of a size."""

    @contextmanager
    def on(engine, situation, *, executions=1, pipelines=1):
        world = a_world(executions, pipelines)
        if engine == "SQLite":
            opened = stage(tmp_path, template, world)
        else:
            server = map(request.getfixturevalue, ("postgres", "empty_store"))
            opened = server_stage(tmp_path, *server, world)
        with opened as made:
            prepare(made, situation)
            yield made

    return on


@pytest.mark.parametrize(("engine", "situation", "step"), list(shorter_and_longer()))
def test_killed_at_any_operation_it_converges(engine, situation, step, set_up, figures):
    with set_up(engine, situation) as staged:
        kills, kinds = Kills(staged), failpoints.WRITING
        n = 1
        while kills.kill(f"at {n}", failpoints.dying_at(n, staged.folder, kinds), every_time=False):
            n += step
        points = counted(staged)
    what = f"{engine}, killed at any operation"
    kills.tell(
        figures,
        what,
        each=f"{situation.__name__}{', each third' if step == 3 else ''}",
        **in_words({kind: points[kind] for kind in kinds & points.keys()}),
    )
    assert kills.differences == []
    assert kills.points > 50 // step
    assert len(kills.stores) > 2


def test_killed_in_the_middle_of_a_write_to_the_disk_it_converges(set_up, figures):
    with set_up("SQLite", file_values) as staged:
        kills, size = Kills(staged), 40_000
        while kills.kill(f"at byte {size}", failpoints.dying_at_byte(size), every_time=False):
            size += 20 * FRAME + 1001
    kills.tell(figures, "killed in a write, file_values", largest_file=f"{size} bytes")
    assert kills.differences == []
    assert kills.points > 10


def test_killed_amid_the_copies_of_a_server_it_converges(set_up, figures):
    with set_up("PostgreSQL", changes) as staged:
        kills = Kills(staged)
        # The rows of one table were sent, and not yet that it was all; others are there already.
        assert kills.kill("at piece 8", failpoints.dying_at(8, staged.folder, {"piece"}))
    kills.tell(figures, "PostgreSQL, killed amid a COPY, changes")
    assert kills.differences == []


def test_a_process_killed_by_the_system_converges(tmp_path, figures):
    world = World(seed=4, executions=6, pipelines=3, settled=True)
    with lab(tmp_path, world) as made:
        made.environ["CRAFTSYNC_FINGERPRINT_KEY"] = "67" * 32
        # Of logs that come in another order others are asked for what lies beyond them.
        made.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
        requests = made.sync().requests
        undisturbed = dump_of(made)
        differences = []
        points = [1 + n * (requests - 1) // 9 for n in range(10)]
        for request in points:
            for file in tmp_path.glob("history.db*"):
                file.unlink()
            with processes.start(made, "sync") as process:
                with processes.struck(made, process, request=request):
                    process.wait(timeout=processes.LONG_S)
            assert process.returncode == -signal.SIGKILL
            outcome = made.sync()
            if outcome.exit_code or dump_of(made) != undisturbed:
                differences.append(f"killed at request {request}: {outcome}")
    figures("G1", "kill -9 of a process", points=len(points), differences=len(differences))
    assert differences == []


def dump_of(made):
    with made.app.reading() as connection:
        return dump.canonical_sha256(connection)


@pytest.mark.long
@pytest.mark.parametrize("quarter", range(4))
@situations
@engines
def test_killed_at_each_of_up_to_1000_operations_it_converges(
    engine, situation, quarter, set_up, figures
):
    # A first sync of this size takes about a thousand operations.
    executions, pipelines = (120, 12) if situation is first_sync else (12, 3)
    with set_up(engine, situation, executions=executions, pipelines=pipelines) as staged:
        kills, every = Kills(staged), EVERY[engine]
        points = counted(staged)
        for n in range(1 + quarter * every, 1001, 4 * every):
            armed = failpoints.dying_at(n, staged.folder)
            if not kills.kill(f"at {n}", armed, every_time=engine == "SQLite"):
                break
    what, each = f"long: {engine}, killed at each operation", f"{situation.__name__} {quarter}"
    kills.tell(figures, what, each=each, **in_words(points))
    assert kills.differences == []
    assert kills.points > 10


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
@engines
def test_killed_at_random_with_many_workers_it_converges(engine, seed, set_up, figures):
    chance = random.Random(seed)
    situation = SITUATIONS[seed % len(SITUATIONS)]
    size = {"executions": chance.randrange(10, 60), "pipelines": chance.randrange(2, 12)}
    with set_up(engine, situation, **size) as made:
        made.environ["CRAFTSYNC_SYNC_WORKERS"] = str(chance.randrange(2, 9))
        points = counted(made)
        kills = Kills(made)
        for _ in range(8 * AT_RANDOM[engine]):
            if kills.points == AT_RANDOM[engine]:
                break
            if chance.random() < 0.3:  # beyond the last byte that is written, none is killed
                kills.kill(*made.in_a_write(chance, points))
            else:
                at = chance.randrange(1, points.total() + 1)
                kills.kill(f"at {at}", failpoints.dying_at(at, made.folder))
    what, each = f"long: {engine}, killed at random", f"seed {seed:2}, {situation.__name__}"
    kills.tell(figures, what, each=each, of=points.total(), **size)
    assert kills.differences == []
    assert kills.points == AT_RANDOM[engine]

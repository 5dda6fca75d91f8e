"""G1: a sync that is killed at any point, and run again, leaves what an undisturbed one leaves."""

import random
import signal
from contextlib import contextmanager

import pytest
from gates import failpoints, processes
from gates.server_stage import server_stage
from gates.stage import stage
from lab import DAY, HOUR, lab

from craftsync.simulator import Content, Line, Port, Quirks, World
from craftsync.store import dump

NS = 1_000_000_000
FRAME = 4096 + 24  # of SQLite's write-ahead log


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


@contextmanager
def staged_for(situation, folder, template, *, executions=1, pipelines=1):
    """Set a world up in which something is to be mirrored."""
    with stage(folder, template, a_world(executions, pipelines)) as made:
        prepare(made, situation)
        yield made


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
    situation(made)
    made.keep()
    made.expect()


@pytest.fixture(params=SITUATIONS, ids=NAMES)
def staged(request, tmp_path, template, warmed):
    """A small world."""
    with staged_for(request.param, tmp_path, template) as made:
        yield made


@pytest.fixture(params=SITUATIONS, ids=NAMES)
def staged_on_a_server(request, tmp_path, postgres, empty_store, warmed):
    """A small world, its store a database."""
    with server_stage(tmp_path, postgres, empty_store, a_world(1, 1)) as made:
        prepare(made, request.param)
        yield made


@pytest.fixture(params=SITUATIONS, ids=NAMES)
def staged_large(request, tmp_path, template, warmed):
    """A larger world, for the long gates; a first sync of it takes about a thousand operations."""
    executions, pipelines = (120, 12) if request.param is first_sync else (12, 3)
    size = {"executions": executions, "pipelines": pipelines}
    with staged_for(request.param, tmp_path, template, **size) as made:
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
        self.staged.come_to_rest()
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


def named(request):
    return request.node.callspec.id


def counted(staged, kinds):
    """Count the operations of an undisturbed sync."""
    staged.set_back()
    points = failpoints.run(staged.sync, failpoints.counting(staged.folder)).points
    return {f"{kind}s": points[kind] for kind in sorted(kinds)}


def test_killed_at_any_operation_it_converges(staged, figures, request):
    kills, kinds = Kills(staged), failpoints.WRITING
    n = 1
    while kills.kill(f"at {n}", failpoints.dying_at(n, staged.folder, kinds), every_time=False):
        n += 1
    kills.tell(figures, f"killed at any operation, {named(request)}", **counted(staged, kinds))
    assert kills.differences == []
    assert kills.points > 30
    assert len(kills.stores) > 2


@pytest.mark.parametrize("staged", [file_values], ids=["file_values"], indirect=True)
def test_killed_in_the_middle_of_a_write_to_the_disk_it_converges(staged, figures):
    kills, size = Kills(staged), 40_000
    while kills.kill(f"at byte {size}", failpoints.dying_at_byte(size), every_time=False):
        size += 20 * FRAME + 1001
    kills.tell(figures, "killed in a write, file_values", largest_file=f"{size} bytes")
    assert kills.differences == []
    assert kills.points > 10


def test_a_process_killed_by_the_system_converges(tmp_path, figures):
    world = World(seed=4, executions=6, pipelines=3, settled=True)
    with lab(tmp_path, world) as made:
        made.environ["CRAFTSYNC_FINGERPRINT_KEY"] = "67" * 32
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
def test_killed_at_each_of_up_to_1000_operations_it_converges(
    staged_large, quarter, figures, request
):
    kills, kinds = Kills(staged_large), failpoints.ALL
    for n in range(1 + quarter, 1001, 4):
        if not kills.kill(f"at {n}", failpoints.dying_at(n, staged_large.folder, kinds)):
            break
    what = f"long: killed at each operation, {named(request)}"
    kills.tell(figures, what, **counted(staged_large, kinds))
    assert kills.differences == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
def test_killed_at_random_with_many_workers_it_converges(seed, tmp_path, template, figures, warmed):
    chance = random.Random(seed)
    situation = SITUATIONS[seed % len(SITUATIONS)]
    size = {"executions": chance.randrange(10, 60), "pipelines": chance.randrange(2, 12)}
    with staged_for(situation, tmp_path, template, **size) as made:
        made.environ["CRAFTSYNC_SYNC_WORKERS"] = str(chance.randrange(2, 9))
        operations = sum(counted(made, failpoints.ALL).values())
        kills = Kills(made)
        for _ in range(25):
            if chance.random() < 0.3:
                at = chance.randrange(40_000, 3_000_000)
                kills.kill(f"at byte {at}", failpoints.dying_at_byte(at))
            else:
                at = chance.randrange(1, operations + 1)
                kills.kill(f"at {at}", failpoints.dying_at(at, made.folder))
    kills.tell(figures, f"long: killed at random, seed {seed:2}, {situation.__name__}", **size)
    assert kills.differences == []


@pytest.mark.long
def test_on_a_server_killed_at_any_operation_it_converges(staged_on_a_server, figures, request):
    staged = staged_on_a_server
    kills, kinds = Kills(staged), failpoints.WRITING
    n = 1
    while kills.kill(f"at {n}", failpoints.dying_at(n, staged.folder, kinds), every_time=False):
        n += 1
    what = f"long: PostgreSQL, killed at any operation, {named(request)}"
    kills.tell(figures, what, **counted(staged, kinds))
    assert kills.differences == []
    assert kills.points > 30
    assert len(kills.stores) > 2


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_on_a_server_killed_at_random_with_many_workers_it_converges(
    seed, tmp_path, postgres, empty_store, figures, warmed
):
    chance = random.Random(seed)
    size = {"executions": chance.randrange(10, 60), "pipelines": chance.randrange(2, 12)}
    with server_stage(tmp_path, postgres, empty_store, a_world(**size)) as made:
        prepare(made, SITUATIONS[seed])
        made.environ["CRAFTSYNC_SYNC_WORKERS"] = str(chance.randrange(2, 9))
        operations = sum(counted(made, failpoints.ALL).values())
        kills = Kills(made)
        for _ in range(25):
            at = chance.randrange(1, operations + 1)
            kills.kill(f"at {at}", failpoints.dying_at(at, made.folder))
    kills.tell(figures, f"long: PostgreSQL, killed at random, seed {seed}", **size)
    assert kills.differences == []

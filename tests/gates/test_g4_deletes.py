"""G4: a purge that is killed or disturbed anywhere breaks no rule of deleting, and converges."""

import random
import signal

import pytest
from gates import failpoints, processes
from gates.eraser import Play
from journeys.erasing import allow, an_estate, now
from lab import lab as make_lab

from craftsync.simulator import Faults

# What may happen to a request without its answer being a lie about what is there.
KINDS = (
    *("connect_refused", "reset_before", "reset_after", "429", "500", "502", "503", "504"),
    *("401", "html_200", "empty_200", "no_content", "redirect", "wrong_type", "cut_with_length"),
)
WHATS = ["executions", "deployment"]
BOTH = [*WHATS, *(f"PostgreSQL {what}" for what in WHATS)]

# Of up to a thousand steps, each so manieth is tried: a server takes longer to copy a database.
EVERY = {"SQLite": 1, "PostgreSQL": 2}


@pytest.fixture(params=WHATS)
def play(request, tmp_path, warmed):
    *engine, what = request.param.split()
    server = map(request.getfixturevalue, ("postgres", "empty_store") if engine else ())
    return Play(tmp_path, what, *server)


def killed(play, arm):
    """Kill a purge, run it again: what is wrong, None where it came to its end."""
    with play.scene() as scene:
        end = failpoints.run(scene.run, arm(scene))
        if not end.was_killed:
            assert end.code == 0, end.told
            return None
        return scene.converge()


def operations(play, kinds):
    with play.scene() as scene:
        end = failpoints.run(scene.run, failpoints.counting(scene.folder))
        assert end.told == "0", end.told
        return sum(end.points[kind] for kind in kinds)


def test_killed_at_any_step_no_rule_is_broken(play, figures):
    count = operations(play, failpoints.WRITING)
    # How much is written at once depends on who comes first: the very end may come earlier.
    points = [1 + n * (count * 4 // 5) // 7 for n in range(8)]
    told, kinds = [], failpoints.WRITING
    for n in points:
        found = killed(play, lambda scene, n=n: failpoints.dying_at(n, scene.folder, kinds))
        assert found is not None
        told += [f"killed at {n}: {flaw}" for flaw in found]
    figures("G4", "killed", each=play.what, points=len(points), of=count, violations=len(told))
    assert told == []


def disturbed(play, kinds, method):
    """Let each kind of fault hit one request, run again: what is wrong."""
    told = []
    for kind in kinds:
        with play.scene(faults=Faults()) as scene:
            scene.server.faults.once(kind, method=method, path="*/[ed]*/[tn]*")
            scene.run()
            if not scene.server.faults.hits[kind]:
                told.append(f"{kind}: it hit nothing")
            told += [f"{kind}: {flaw}" for flaw in scene.converge()]
    return told


def test_a_fault_of_a_delete_breaks_no_rule(play, figures):
    kinds = ("reset_before", "reset_after", "503", "401", "html_200", "no_content", "redirect")
    told = disturbed(play, kinds, "DELETE")
    figures("G4", "a fault of DELETE", each=play.what, points=len(kinds), violations=len(told))
    assert told == []


@pytest.mark.long
@pytest.mark.parametrize("method", ["DELETE", "GET", "POST"])
@pytest.mark.parametrize("play", BOTH, indirect=True)
def test_a_fault_of_any_kind_breaks_no_rule(play, method, figures):
    told = disturbed(play, KINDS, method)
    what, each = f"long: {play.engine}, a fault of each kind", f"of {method}, {play.what}"
    figures("G4", what, each=each, points=len(KINDS), violations=len(told))
    assert told == []


def test_a_purge_that_the_system_kills_goes_on_where_it_was(tmp_path, figures):
    """The commands, as processes: `kill -9` at a DELETE, then once more with the same plan."""
    with make_lab(tmp_path, an_estate(6, now=now())) as lab:
        lab.sync()
        allow(lab)
        plan = tmp_path / "plan.json"
        made = processes.run(lab, "purge", "plan", "--older-than", "96d", "-o", str(plan))
        assert made.returncode == 0, made.stderr
        words = ("purge", "apply", str(plan), "--yes-environment", "default")
        codes = []
        for request in (5, 9):
            with processes.start(lab, *words) as process:
                with processes.struck(lab, process, request=request):
                    process.wait(timeout=processes.LONG_S)
            codes.append(process.returncode)
        assert codes == [-signal.SIGKILL] * 2
        last = processes.run(lab, *words)
        assert last.returncode == 0, last.stderr
        assert lab.world.truth().execution_ids() == {"t4", "t5"}
        outcome = lab.sync()
        assert (outcome.exit_code, outcome.gone) == (0, 0)
    figures("G4", "kill -9 of a process", points=len(codes), violations=0)


@pytest.mark.long
@pytest.mark.parametrize("quarter", range(4))
@pytest.mark.parametrize("play", BOTH, indirect=True)
def test_killed_at_each_step_no_rule_is_broken(play, quarter, figures):
    told, points, every = [], 0, EVERY[play.engine]
    count = operations(play, failpoints.ALL)
    for n in range(1 + quarter * every, 1001, 4 * every):
        found = killed(play, lambda scene, n=n: failpoints.dying_at(n, scene.folder))
        if found is None:
            break
        points += 1
        told += [f"killed at {n}: {flaw}" for flaw in found]
    what, each = f"long: {play.engine}, killed at each step", f"{play.what}, quarter {quarter}"
    figures("G4", what, each=each, points=points, of=count, violations=len(told))
    assert told == []
    assert points > 10


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
def test_killed_under_faults_with_many_workers_no_rule_is_broken(play, seed, figures):
    chance = random.Random(seed)
    play.workers = 4
    told = []
    for _ in range(25):
        rates = {chance.choice(KINDS): 0.15, chance.choice(KINDS): 0.15}
        with play.scene(faults=Faults(chance.randrange(1000), rates)) as scene:
            n = chance.randrange(1, 400)
            end = failpoints.run(scene.run, failpoints.dying_at(n, scene.folder))
            assert end.was_killed or end.code == 0, end.told
            told += scene.check()
            for _ in range(2):
                scene.run()
                told += scene.check()
            scene.server.faults.active = False
            told += [f"seed {seed}, {rates}, {n}: {flaw}" for flaw in scene.converge()]
    what, each = "long: killed under faults, many workers", f"{play.what}, seed {seed}"
    figures("G4", what, each=each, points=25, violations=len(told))
    assert told == []

import json
import random
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from craftsync.simulator import ABSENT, Platform, Quirks, Request, World

TERMINAL = ("Succeeded", "Failed", "Error", "Skipped")


def listing(platform: Platform, pipeline: str) -> list[dict]:
    world = platform.world
    return json.loads(platform.desk.listings.body(pipeline, world.history.clock.now_ms()))


def everything(world: World) -> str:
    """All that a client could read, as text."""
    platform = Platform(world)
    token = world.accounts.refresh(world.sdk_token, now_s=0)
    paths = ["/deployments", "/pipelines", "/metrics/single-value?page=1", "/environment-info"]
    paths += [f"/deployments/{each['name']}" for each in world.truth().deployments()]
    for pipeline in world.truth().pipelines():
        name = pipeline["pipeline_name"]
        paths += [f"/pipelines/{name}", f"/pipelines/{name}/executions"]
    bodies = []
    for execution in world.truth().executions():
        paths.append(f"/executions/{execution.execution_id}")
        bodies.append(repr(execution))
    for path in paths:
        request = Request("GET", "/api/v1" + path.partition("?")[0])
        request.query = path.partition("?")[2]
        request.headers["authorization"] = f"Bearer {token}"
        bodies.append(platform.handle(request).body.decode())
    return "\n".join(bodies)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_and_the_same_calls_give_the_same_bytes(seed):
    def story() -> str:
        world = World(seed, executions=80)
        world.advance(timedelta(minutes=7))
        world.add_execution("iris-train", status="Failed")
        world.delete_deployment("churn-hourly")
        return everything(world)

    assert story() == story()


def test_another_seed_gives_another_world():
    assert everything(World(1, executions=40)) != everything(World(2, executions=40))


def test_another_process_sees_the_same_world():
    code = (
        "import hashlib; from craftsync.simulator import World;"
        "print(hashlib.sha256(repr(list(World(3, 50).truth().executions())).encode()).hexdigest())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, ["."]))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1


@pytest.mark.parametrize("executions", [0, 1, 7, 200, 5000])
def test_exactly_as_many_executions_exist_as_were_asked_for(executions):
    for seed in range(3):
        world = World(seed, executions)
        assert len(world.truth().execution_ids()) == executions


@pytest.mark.parametrize("seed", range(20))
def test_every_world_of_two_hundred_shows_all_six_statuses(seed):
    statuses = {each.status for each in World(seed).truth().executions()}
    assert statuses == {"Pending", "Running", *TERMINAL}


def test_nothing_is_older_than_what_it_belongs_to():
    world = World()
    built = {each["pipeline_name"]: each["created_at"] for each in world.truth().pipelines()}
    for execution in world.truth().executions():
        assert built[execution.pipeline_name] < execution.created_at
        if execution.deployment_created_at:
            assert built[execution.pipeline_name] < execution.deployment_created_at
            assert execution.deployment_created_at < execution.created_at


def test_executions_age_forward_only_and_new_ones_come():
    world = World(executions=60)
    order = {"Pending": 0, "Running": 1}
    before = {each.execution_id: each for each in world.truth().executions()}
    for _ in range(15):
        world.advance(timedelta(seconds=40))
        after = {each.execution_id: each for each in world.truth().executions()}
        assert set(before) <= set(after)
        for execution_id, old in before.items():
            new = after[execution_id]
            assert order.get(old.status, 2) <= order.get(new.status, 2)
            assert set(old.lines) <= set(new.lines)
            if old.is_over:
                assert old == new
        before = after
    assert len(before) > 70


def test_a_settled_world_stands_still():
    world = World(executions=100, settled=True)
    before = everything(world)
    assert all(each.is_over for each in world.truth().executions())
    world.advance(timedelta(days=1))
    assert len(world.truth().execution_ids()) == 100
    assert all(line in everything(world) for line in before.splitlines()[:3])


def test_every_execution_can_have_the_same_number_of_lines():
    world = World(executions=300, settled=True, lines=40)
    counts = {len(each.lines) for each in world.truth().executions() if each.status == "Succeeded"}
    assert counts == {40}


def test_a_disabled_deployment_has_a_past_and_no_future():
    world = World()

    def of_legacy() -> int:
        return sum(1 for _ in world.truth().executions("legacy-report"))

    before = of_legacy()
    world.advance(timedelta(days=3))
    assert of_legacy() == before > 0


@pytest.mark.parametrize(
    ("order", "executions"),
    [
        ("newest_first", 60),
        ("newest_last", 60),
        ("shuffled", 60),
        ("shuffled", 1300),
        pytest.param("newest_first", 1300, marks=pytest.mark.long),
        pytest.param("newest_last", 1300, marks=pytest.mark.long),
    ],
)
def test_a_list_is_true_after_anything_that_may_happen(order, executions):
    chance = random.Random(executions)
    world = World(7, executions, pipelines=3, quirks=Quirks(order=order))
    platform = Platform(world)

    def some() -> str:
        return chance.choice(sorted(world.truth().execution_ids()))

    happenings = [
        lambda: world.advance(timedelta(seconds=chance.choice([1, 30, 600, 2000]))),
        lambda: world.delete_execution(some()),
        lambda: world.add_execution("iris-train", deployment="iris-nightly"),
        lambda: world.add_execution(
            "iris-train", created_at=world.now - timedelta(days=chance.randrange(3))
        ),
        lambda: world.start_execution("fraud-detect"),
        lambda: world.mutate_execution(some(), status="Error", gpu_type="none"),
        lambda: world.finish_execution(some(), "Failed"),
        lambda: world.recreate_execution(some()),
        lambda: world.recreate_deployment("fraud-api", every=timedelta(minutes=1)),
    ]
    for _ in range(30 if executions < 100 else 8):
        chance.choice(happenings)()
        for pipeline in ("iris-train", "fraud-detect"):
            true = list(world.truth().executions(pipeline))
            told = listing(platform, pipeline)
            assert sorted(each["execution_id"] for each in told) == sorted(
                each.execution_id for each in true
            )
            by_id = {each.execution_id: each.detail for each in true}
            for entry in told:
                detail = by_id[entry["execution_id"]]
                assert entry == {key: detail[key] for key in entry}
            if order != "shuffled":
                dates = [each["created_at"] for each in told]
                assert dates == sorted(dates, reverse=order == "newest_first")


def test_keys_can_be_added_changed_and_left_out():
    world = World()
    run = world.add_execution("never-run", end_date=None, gpu_type="a100", steps=ABSENT)
    detail = world.truth().execution(run.execution_id).detail
    assert (detail["end_date"], detail["gpu_type"]) == (None, "a100")
    assert "steps" not in detail
    world.mutate_execution(run.execution_id, where="list", status="Running")
    (entry,) = listing(Platform(world), "never-run")
    assert entry["status"] == "Running"
    assert world.truth().execution(run.execution_id).status == "Succeeded"


def test_an_execution_may_name_a_deployment_that_nobody_knows():
    world = World()
    world.add_execution("never-run", deployment="ghost")
    (entry,) = listing(Platform(world), "never-run")
    assert entry["deployment_name"] == "ghost"


def test_deletions_are_remembered():
    world = World()
    victim = next(iter(sorted(world.truth().execution_ids())))
    world.delete_execution(victim)
    world.delete_pipeline("iris-train")
    assert [(each.kind, each.name) for each in world.truth().deletions()] == [
        ("execution", victim),
        ("deployment", "iris-nightly"),
        ("pipeline", "iris-train"),
    ]


def test_a_pipeline_made_again_starts_without_history():
    world = World()
    old = {each["pipeline_name"]: each["created_at"] for each in world.truth().pipelines()}
    world.advance(timedelta(seconds=1))
    world.recreate_pipeline("iris-train")
    new = {each["pipeline_name"]: each["created_at"] for each in world.truth().pipelines()}
    assert new["iris-train"] > old["iris-train"]
    assert list(world.truth().executions("iris-train")) == []


def test_a_request_can_be_watched_before_it_takes_effect():
    world = World()
    victim = world.add_execution("never-run").execution_id
    seen = []
    world.requests.watch(lambda _: seen.append(world.truth().execution(victim) is not None))
    token = world.accounts.refresh(world.sdk_token, now_s=0)
    headers = {"authorization": f"Bearer {token}"}
    Platform(world).handle(Request("DELETE", f"/api/v1/executions/{victim}", headers=headers))
    assert seen == [True]
    assert world.truth().execution(victim) is None


def test_rendering_beforehand_changes_no_answer():
    world = World(executions=60)
    cold, warm = Platform(world), Platform(world)
    warm.warm(executions=True)
    token = world.accounts.refresh(world.sdk_token, now_s=0)

    def ask(platform: Platform, method: str, path: str) -> bytes:
        headers = {"authorization": f"Bearer {token}"}
        return platform.handle(Request(method, f"/api/v1{path}", headers=headers)).body

    for execution_id in sorted(world.truth().execution_ids()):
        for method, path in (("GET", ""), ("POST", "/logs")):
            asked = method, f"/executions/{execution_id}{path}"
            assert ask(warm, *asked) == ask(cold, *asked)
    victim = sorted(world.truth().execution_ids())[0]
    world.delete_execution(victim)
    assert b"NotFound" in ask(warm, "GET", f"/executions/{victim}")


def test_a_million_executions_need_no_memory_to_exist():
    code = (
        "from craftsync.simulator import World; world = World(executions=1_000_000);"
        "stream = world.history.streams['fraud-detect'][0];"
        "ids = [stream.run(number).execution_id for number in (0, 150_000)];"
        "assert all(world.truth().execution(each) for each in ids);"
        # Not ru_maxrss: that remembers the process that started this one.
        "status = open('/proc/self/status').read();"
        "print(status.partition('VmHWM:')[2].split()[0])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert int(told) < 150 * 1024


def test_a_long_list_is_rendered_once():
    world = World(executions=100_000, settled=True)
    platform = Platform(world)
    first = platform.desk.listings.body("fraud-detect", world.history.clock.now_ms())
    begun = time.process_time()
    world.advance(timedelta(minutes=1))
    again = platform.desk.listings.body("fraud-detect", world.history.clock.now_ms())
    assert again == first
    assert time.process_time() - begun < 0.05

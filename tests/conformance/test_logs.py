from datetime import UTC, datetime, timedelta

import pytest

from craftsync.simulator import Line, Quirks, World

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
START_NS = int(START.timestamp()) * 10**9


def printed(*seconds: float) -> list[Line]:
    return [Line(START_NS + round(at * 1e9), f"line {number}") for number, at in enumerate(seconds)]


@pytest.fixture
def world() -> World:
    world = World()
    world.add_execution("never-run", execution_id="e1", lines=printed(0, 1, 2, 3))
    return world


def messages(lines) -> list[str]:
    return [line["message"] for line in lines]


def test_a_log_comes_whole(client, world: World):
    lines = client.get_pipeline_execution_logs("e1")
    assert messages(lines) == ["line 0", "line 1", "line 2", "line 3"]
    assert lines[1]["timestamp"] == "2026-03-01T09:00:01.000000000Z"


def test_a_window_is_asked_for_in_milliseconds(client):
    second = timedelta(seconds=1)
    assert messages(client.get_pipeline_execution_logs("e1", from_datetime=START + second)) == [
        "line 1", "line 2", "line 3",
    ]  # fmt: skip
    assert messages(client.get_pipeline_execution_logs("e1", to_datetime=START + second)) == [
        "line 0", "line 1",
    ]  # fmt: skip
    window = {"from_datetime": START + second, "to_datetime": START + 2 * second, "limit": 1}
    assert messages(client.get_pipeline_execution_logs("e1", **window)) == ["line 1"]


def test_a_naive_datetime_is_local_time_to_the_client(client):
    naive = (START + timedelta(seconds=2)).astimezone().replace(tzinfo=None)
    assert messages(client.get_pipeline_execution_logs("e1", from_datetime=naive)) == [
        "line 2", "line 3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("quirks", "kept"),
    [
        ({"logs_from_inclusive": False}, ["line 2", "line 3"]),
        ({"logs_from_inclusive": True}, ["line 1", "line 2", "line 3"]),
    ],
)
def test_the_lower_bound_is_included_or_not(serve, sign_in, quirks, kept):
    world = World(quirks=Quirks(**quirks))
    world.add_execution("never-run", execution_id="e1", lines=printed(0, 1, 2, 3))
    lines = sign_in(serve(world)).get_pipeline_execution_logs(
        "e1", from_datetime=START + timedelta(seconds=1)
    )
    assert messages(lines) == kept


def test_the_upper_bound_is_included_or_not(serve, sign_in):
    world = World(quirks=Quirks(logs_to_inclusive=False))
    world.add_execution("never-run", execution_id="e1", lines=printed(0, 1, 2, 3))
    lines = sign_in(serve(world)).get_pipeline_execution_logs(
        "e1", to_datetime=START + timedelta(seconds=1)
    )
    assert messages(lines) == ["line 0"]


@pytest.mark.parametrize(
    ("kept", "expected"), [("oldest", ["line 0", "line 1"]), ("newest", ["line 2", "line 3"])]
)
def test_a_limit_keeps_one_end(serve, sign_in, kept, expected):
    world = World(quirks=Quirks(logs_limit_keeps=kept))
    world.add_execution("never-run", execution_id="e1", lines=printed(0, 1, 2, 3))
    assert messages(sign_in(serve(world)).get_pipeline_execution_logs("e1", limit=2)) == expected


def test_a_server_may_cap_its_answers_without_a_word(serve, sign_in):
    world = World(quirks=Quirks(logs_cap=1000))
    world.add_execution(
        "never-run", execution_id="e1", lines=printed(*(n / 1000 for n in range(2500)))
    )
    client = sign_in(serve(world))
    assert len(client.get_pipeline_execution_logs("e1")) == 1000
    later = client.get_pipeline_execution_logs("e1", from_datetime=START + timedelta(seconds=2))
    assert len(later) == 500


@pytest.mark.parametrize("empty", ["[]", "[[]]"])
def test_a_log_without_lines_is_empty_in_two_ways(serve, sign_in, empty):
    world = World(quirks=Quirks(logs_without_lines=empty))
    world.add_execution("never-run", execution_id="e1", lines=[])
    assert sign_in(serve(world)).get_pipeline_execution_logs("e1") == []


def test_several_parts_come_as_several_lists(client, world: World):
    world.add_execution(
        "never-run", execution_id="e2", lines=[*printed(0, 1), Line(START_NS, "other", part=1)]
    )
    raw = client._post(f"{client.base_environment_api_url}/executions/e2/logs", json={})
    assert [messages(part) for part in raw] == [["line 0", "line 1"], ["other"]]
    assert messages(client.get_pipeline_execution_logs("e2")) == ["line 0", "line 1"]


def test_drawn_logs_have_parts_repeats_tracebacks_and_streams(world: World):
    executions = list(world.truth().executions())
    assert any(line.part for each in executions for line in each.lines)
    assert any(len(set(each.lines)) < len(each.lines) for each in executions)
    assert {line.stream for each in executions for line in each.lines} == {
        None, "stdout", "stderr",
    }  # fmt: skip
    failed = [each for each in executions if each.status == "Failed"]
    assert all(each.lines[-3].message.startswith("Traceback") for each in failed)
    assert len({each.lines[-1].message for each in failed}) > 2


def test_every_log_is_the_true_one(client, world: World):
    for true in world.truth().executions("fraud-detect"):
        raw = client._post(
            f"{client.base_environment_api_url}/executions/{true.execution_id}/logs", json={}
        )
        told = [
            (part, line["timestamp"], line["message"], line.get("stream"))
            for part, lines in enumerate(raw)
            for line in lines
        ]
        expected = [(n.part, n.timestamp, n.message, n.stream) for n in true.lines]
        assert sorted(told) == sorted(expected)


def test_logs_of_running_executions_grow(client, world: World):
    running = [each.execution_id for each in world.truth().executions() if each.status == "Running"]
    before = [client.get_pipeline_execution_logs(each) for each in running]
    world.advance(timedelta(minutes=10))
    after = [client.get_pipeline_execution_logs(each) for each in running]
    assert all(new[: len(old)] == old for old, new in zip(before, after, strict=True))
    assert sum(map(len, after)) > sum(map(len, before))
    world.advance(timedelta(minutes=10))
    assert [client.get_pipeline_execution_logs(each) for each in running] == after


def test_the_last_line_may_come_after_the_end(serve, sign_in):
    world = World(quirks=Quirks(logs_late_s=600), lines=20)
    client = sign_in(serve(world))
    over = next(
        each.execution_id
        for each in world.truth().executions("fraud-detect")
        if each.is_over
        and each.end_date > "2026-03-01T11:55"
        and each.status in ("Succeeded", "Failed")
    )
    assert len(client.get_pipeline_execution_logs(over)) == 19
    world.advance(timedelta(minutes=11))
    assert len(client.get_pipeline_execution_logs(over)) == 20


def test_a_limit_that_is_no_number_is_a_400(client):
    from craft_ai_sdk import SdkException

    with pytest.raises(SdkException) as refused:
        client.get_pipeline_execution_logs("e1", limit="many")
    assert refused.value.status_code == 400

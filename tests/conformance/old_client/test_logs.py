from datetime import UTC, datetime, timedelta

import pytest
from conformance.old_client.caller import Raised

from craftsync.simulator import Line, Quirks, World

pytestmark = pytest.mark.long

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
START_NS = int(START.timestamp()) * 10**9
SECOND = timedelta(seconds=1)


@pytest.fixture
def world() -> World:
    return with_lines(World())


def with_lines(world: World) -> World:
    lines = [Line(START_NS + at * 10**9, f"line {at}") for at in range(4)]
    world.add_execution("never-run", execution_id="e1", lines=lines)
    return world


def messages(lines) -> list[str]:
    return [line["message"] for line in lines]


def test_a_log_comes_whole_by_its_executions_path(client, world: World):
    lines = client.get_pipeline_execution_logs("e1")
    assert messages(lines) == ["line 0", "line 1", "line 2", "line 3"]
    assert lines[1]["timestamp"] == "2026-03-01T09:00:01.000000000Z"
    assert world.requests.count("POST", "/api/v1/executions/e1/logs") == 1


@pytest.mark.parametrize(
    ("asked", "body", "kept"),
    [
        ({"from_datetime": START + SECOND}, {"from": 1000}, ["line 1", "line 2", "line 3"]),
        ({"to_datetime": START + SECOND}, {"to": 1000}, ["line 0", "line 1"]),
        ({"limit": 2}, {"limit": 2}, ["line 0", "line 1"]),
        (
            {"from_datetime": START + SECOND, "to_datetime": START + 2 * SECOND, "limit": 1},
            {"from": 1000, "to": 2000, "limit": 1},
            ["line 1"],
        ),
    ],
    ids=["from", "to", "limit", "all"],
)
def test_a_window_is_asked_for_in_milliseconds(client, world: World, asked, body, kept):
    bodies = []
    world.requests.watch(lambda request: bodies.append(request.json()))
    assert messages(client.get_pipeline_execution_logs("e1", **asked)) == kept
    start_ms = START_NS // 10**6
    sent = {key: number - start_ms * (key != "limit") for key, number in bodies[-1].items()}
    assert sent == body


def test_a_naive_datetime_is_local_time_to_the_client(client):
    naive = (START + 2 * SECOND).astimezone().replace(tzinfo=None)
    lines = client.get_pipeline_execution_logs("e1", from_datetime=naive)
    assert messages(lines) == ["line 2", "line 3"]


@pytest.mark.parametrize("empty", ["[]", "[[]]"])
def test_a_log_without_lines_is_empty_in_two_ways(serve, sign_in, empty):
    world = World(quirks=Quirks(logs_without_lines=empty))
    world.add_execution("never-run", execution_id="e1", lines=[])
    assert sign_in(serve(world)).get_pipeline_execution_logs("e1") == []


def test_of_several_parts_the_client_shows_the_first(client, world: World):
    world.add_execution(
        "never-run",
        execution_id="e2",
        lines=[Line(START_NS, "first"), Line(START_NS, "other", part=1)],
    )
    assert messages(client.get_pipeline_execution_logs("e2")) == ["first"]


def test_of_a_flat_log_the_client_shows_one_line(serve, sign_in):
    client = sign_in(serve(with_lines(World(quirks=Quirks(logs_shape="flat")))))
    assert client.get_pipeline_execution_logs("e1")["message"] == "line 0"


@pytest.mark.parametrize("shape", ["null", "204"])
def test_nothing_in_the_place_of_a_log_is_more_than_the_client_bears(serve, sign_in, shape):
    client = sign_in(serve(with_lines(World(quirks=Quirks(logs_shape=shape)))))
    with pytest.raises(Raised, match="object of type 'NoneType' has no len"):
        client.get_pipeline_execution_logs("e1")

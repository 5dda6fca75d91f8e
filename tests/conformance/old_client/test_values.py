import pytest
from conformance.old_client.caller import Raised

from craftsync.simulator import Content, Port, World
from craftsync.simulator.values import json_content

pytestmark = pytest.mark.long

PORTS = [Port("x", "json"), Port("photo", "file")]


@pytest.fixture
def execution_id(world: World) -> str:
    world.add_pipeline("echo", inputs=PORTS, outputs=PORTS)
    return world.add_execution("echo").execution_id


def test_one_value_is_asked_for_after_the_execution_without_values(
    client, world: World, execution_id
):
    client.get_pipeline_execution_input(execution_id, "x")
    paths = [(entry.path, entry.query) for entry in world.requests.matching("GET")]
    assert paths == [
        (f"/api/v1/executions/{execution_id}", "include_io_values=false"),
        (f"/api/v1/executions/{execution_id}/inputs/x", ""),
    ]


@pytest.mark.parametrize(
    "value",
    [0, False, None, "", "OK", {"a": [None]}, [], 9007199254740993, 1.5, "déjà ✓", "null"],
    ids=repr,
)
def test_any_json_value_comes_back_as_it_is(client, world: World, execution_id, value):
    for side in ("input", "output"):
        world.set_value(execution_id, f"{side}s", "x", json_content(value))
        ask = getattr(client, f"get_pipeline_execution_{side}")
        answer = ask(execution_id, "x")["value"]
        assert answer == value
        assert type(answer) is type(value)


@pytest.mark.parametrize("content_type", ["application/octet-stream", "text/csv"])
def test_bytes_come_back_as_they_are(client, world: World, execution_id, content_type):
    world.set_value(execution_id, "outputs", "photo", Content(content_type, b"\x00\xff,1\r\n"))
    answer = client.get_pipeline_execution_output(execution_id, "photo")
    assert answer["value"] == b"\x00\xff,1\r\n"


def test_a_name_that_the_execution_lacks_is_refused_by_the_client(client, world, execution_id):
    with pytest.raises(Raised, match="Cannot find output"):
        client.get_pipeline_execution_output(execution_id, "nope")
    assert world.requests.count("GET", "*/outputs/nope") == 0

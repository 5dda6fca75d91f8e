import pytest
from craft_ai_sdk import SdkException

from craftsync.simulator import Content, Port, Quirks, World
from craftsync.simulator.values import json_content

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


def test_without_values_no_item_has_one(client, execution_id):
    url = f"{client.base_environment_api_url}/executions/{execution_id}?include_io_values=false"
    execution = client._get(url)
    assert all("value" not in item for item in execution["inputs"] + execution["outputs"])


@pytest.mark.parametrize(
    "value",
    [0, False, None, "", "OK", {"a": [None]}, [], 9007199254740993, 1.5, "déjà ✓", "null"],
    ids=repr,
)
@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_any_json_value_comes_back_as_it_is(client, world: World, execution_id, side, value):
    world.set_value(execution_id, side, "x", json_content(value))
    ask = (
        client.get_pipeline_execution_input
        if side == "inputs"
        else client.get_pipeline_execution_output
    )
    answer = ask(execution_id, "x")["value"]
    assert answer == value
    assert type(answer) is type(value)


@pytest.mark.parametrize("content_type", ["application/octet-stream", "text/csv"])
def test_bytes_come_back_as_they_are(client, world: World, execution_id, content_type):
    world.set_value(execution_id, "outputs", "photo", Content(content_type, b"\x00\xff,1\r\n"))
    answer = client.get_pipeline_execution_output(execution_id, "photo")
    assert answer["value"] == b"\x00\xff,1\r\n"


def test_a_name_that_the_execution_lacks_is_refused_by_the_client(client, execution_id):
    with pytest.raises(SdkException, match="Cannot find output"):
        client.get_pipeline_execution_output(execution_id, "nope")


@pytest.mark.parametrize("missing", ["null", "204"])
def test_a_value_that_never_came_is_nothing(serve, sign_in, missing):
    world = World(quirks=Quirks(missing_value=missing))
    failed = world.add_execution("iris-predict", status="Failed").execution_id
    client = sign_in(serve(world))
    assert client.get_pipeline_execution_output(failed, "report")["value"] is None


def test_a_value_that_never_came_may_be_a_404(serve, sign_in):
    world = World(quirks=Quirks(missing_value="404"))
    failed = world.add_execution("iris-predict", status="Failed").execution_id
    with pytest.raises(SdkException):
        sign_in(serve(world)).get_pipeline_execution_output(failed, "report")


def test_a_secret_variable_shows_its_value_in_clear(client, world: World):
    (true, *_) = world.truth().executions("billing-export")
    key = client.get_pipeline_execution_input(true.execution_id, "api_key")
    assert key["value"] in world.secrets()


def test_code_echoes_the_secret_it_was_given(world: World):
    secrets = world.secrets()
    executions = list(world.truth().executions("billing-export"))
    assert any(
        secret in line.message for each in executions for line in each.lines for secret in secrets
    )
    assert any(
        secret in str(value.value)
        for each in executions
        for value in each.outputs
        for secret in secrets
    )


def test_paths_in_the_store_are_resolved_or_not(serve, sign_in):
    for manner, expected in (
        ("resolved", "models/{id}.bin"),
        ("pattern", "models/{{execution_id}}.bin"),
    ):
        world = World(quirks=Quirks(datastore_path=manner))
        client = sign_in(serve(world))
        (true, *_) = [e for e in world.truth().executions("iris-train") if e.is_over]
        execution = client.get_pipeline_execution(true.execution_id)
        path = execution["outputs"][0]["datastore_path"]
        assert path == expected.format(id=true.execution_id)


def test_file_values_come_with_any_content_type(serve):
    for manner, types in (
        ("octet_stream", {"application/octet-stream"}),
        ("mixed", {"application/octet-stream", "text/csv"}),
    ):
        world = World(quirks=Quirks(file_content_type=manner))
        platform = serve(world).platform
        token = world.accounts.refresh(world.sdk_token, now_s=0)
        from craftsync.simulator import Request

        seen = {
            platform.handle(
                Request(
                    "GET",
                    f"/api/v1/executions/{each.execution_id}/outputs/{value.name}",
                    headers={"authorization": f"Bearer {token}"},
                )
            ).content_type
            for each in world.truth().executions()
            for value in each.outputs
            if value.content is not None
        }
        assert seen == types

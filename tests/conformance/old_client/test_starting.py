from datetime import timedelta
from io import BytesIO

import pytest
from conformance.old_client.caller import Raised
from conformance.old_client.driver import Made

from craftsync.simulator import Quirks, World

pytestmark = pytest.mark.long


@pytest.mark.parametrize("status", [200, 201, 303])
def test_a_run_starts_pending_and_appears_in_the_list(serve, sign_in, status):
    world = World(quirks=Quirks(run_status=status))
    client = sign_in(serve(world))
    started = client.run_pipeline("iris-train", {"seed": 7}, wait_for_completion=False)
    listed = {e["execution_id"]: e for e in client.list_pipeline_executions("iris-train")}
    assert listed[started["execution_id"]]["status"] == "Pending"
    seed = client.get_pipeline_execution_input(started["execution_id"], "seed")
    assert (seed["value"], seed["source"]) == (7, "run")
    world.advance(timedelta(hours=1))
    assert client.get_pipeline_execution(started["execution_id"])["status"] == "Succeeded"


def test_a_run_can_be_waited_for(client, world: World):
    results = client.run_pipeline("iris-train")
    assert set(results["outputs"]) == {"model", "f1", "confusion"}
    assert world.requests.statuses[307] == 2


def test_a_file_given_to_a_run_comes_back_as_it_was(client):
    started = client.run_pipeline(
        "sandbox-notebook",
        {"question": "why?", "attachment": BytesIO(b"\x00\r\n--bytes")},
        wait_for_completion=False,
    )
    attachment = client.get_pipeline_execution_input(started["execution_id"], "attachment")
    assert attachment["value"] == b"\x00\r\n--bytes"
    question = client.get_pipeline_execution_input(started["execution_id"], "question")
    assert question["value"] == "why?"


def test_bytes_are_no_file_to_the_client(client, world: World):
    with pytest.raises(Raised, match="value is not a string or bytes"):
        client.run_pipeline("sandbox-notebook", {"question": "", "attachment": b"bytes"})
    assert world.requests.count("POST", "*/run") == 0


def test_a_run_can_map_inputs_and_outputs(client):
    started = client.run_pipeline(
        "sandbox-notebook",
        inputs_mapping=[
            Made("InputSource", pipeline_input_name="question", constant_value="what?")
        ],
        outputs_mapping=[
            Made("OutputDestination", pipeline_output_name="answer", is_null=True),
        ],
        wait_for_completion=False,
    )
    execution = client.get_pipeline_execution(started["execution_id"])
    assert (execution["inputs"][0]["value"], execution["inputs"][0]["source"]) == (
        "what?",
        "constant",
    )
    assert execution["outputs"][0]["destination"] == "is_null"


@pytest.mark.parametrize("status", [200, 303])
def test_an_endpoint_is_triggered_with_the_sdk_token(serve, sign_in, status):
    client = sign_in(serve(World(quirks=Quirks(run_status=status))))
    answer = client.trigger_endpoint("fraud-api", inputs={"amount": 5, "merchant": "m"})
    assert set(answer["outputs"]) == {"score", "is_fraud", "reasons"}
    execution = client.get_pipeline_execution(answer["execution_id"])
    assert execution["deployment_name"] == "fraud-api"
    assert execution["inputs"][0]["value"] == 5


def test_an_endpoint_is_triggered_with_its_own_token_and_gives_bare_values(client, world: World):
    token = client.get_deployment("fraud-api")["endpoint_token"]
    answer = client.trigger_endpoint("fraud-api", token, inputs={"amount": 5, "merchant": "m"})
    true = world.truth().execution(answer["execution_id"])
    assert answer["outputs"] == {value.name: value.value for value in true.outputs}
    (asked,) = world.requests.matching("GET", f"/endpoints/*{answer['execution_id']}")
    assert asked.path == f"/endpoints/fraud-api/executions/{answer['execution_id']}"
    assert asked.query == f"token={token}"


def test_an_endpoint_of_another_path_gives_its_one_file_as_bytes(client, world: World):
    world.mutate_deployment("resize-api", endpoint_url_path="resize")
    token = client.get_deployment("resize-api")["endpoint_token"]
    answer = client.trigger_endpoint("resize-api", token, inputs={"image": BytesIO(b"png")})
    true = world.truth().execution(answer["execution_id"])
    assert true.inputs[0].content == b"png"
    assert answer["outputs"] == {"thumbnail": true.outputs[0].content}
    assert client.retrieve_endpoint_results("resize-api", answer["execution_id"], token) == answer
    assert world.requests.count("POST", "/endpoints/resize") == 1


def test_beside_a_file_the_client_loses_all_other_inputs_of_a_trigger(client, world: World):
    answer = client.trigger_endpoint("resize-api", inputs={"image": BytesIO(b"png"), "width": 3})
    image, width = world.truth().execution(answer["execution_id"]).inputs
    assert (image.content, width.value) == (b"png", 640)


def test_results_of_a_failed_execution_are_a_500(client, world: World):
    token = client.get_deployment("fraud-api")["endpoint_token"]
    started = client.trigger_endpoint("fraud-api", token, wait_for_completion=False)
    world.finish_execution(started["execution_id"], "Failed")
    with pytest.raises(Raised) as failed:
        client.retrieve_endpoint_results("fraud-api", started["execution_id"], token)
    assert failed.value.status_code == 500


def test_a_wrong_endpoint_token_is_refused(client):
    with pytest.raises(Raised) as refused:
        client.trigger_endpoint("resize-api", "wrong")
    assert refused.value.status_code == 401
    started = client.trigger_endpoint("fraud-api", wait_for_completion=False)
    with pytest.raises(Raised) as refused:
        client.retrieve_endpoint_results("fraud-api", started["execution_id"], "wrong")
    assert refused.value.status_code == 401

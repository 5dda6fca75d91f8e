from datetime import timedelta

import pytest
from craft_ai_sdk import InputSource, SdkException

from craftsync.simulator import Quirks, World


@pytest.mark.parametrize("status", [200, 201, 303])
def test_a_run_starts_pending_and_appears_in_the_list(serve, sign_in, status):
    world = World(quirks=Quirks(run_status=status))
    client = sign_in(serve(world))
    started = client.run_pipeline("iris-train", {"seed": 7}, wait_for_completion=False)
    listed = {e["execution_id"]: e for e in client.list_pipeline_executions("iris-train")}
    assert listed[started["execution_id"]]["status"] == "Pending"
    seed = client.get_pipeline_execution_input(started["execution_id"], "seed")
    assert (seed["value"], seed["source"]) == (7, "run")
    world.advance(timedelta(seconds=5))
    assert client.get_pipeline_execution(started["execution_id"])["status"] == "Running"
    world.advance(timedelta(hours=1))
    assert client.get_pipeline_execution(started["execution_id"])["status"] == "Succeeded"


def test_a_run_can_be_waited_for(client, world: World):
    results = client.run_pipeline("iris-train")
    assert set(results["outputs"]) == {"model", "f1", "confusion"}
    assert world.requests.statuses[307] == 2


def test_a_file_given_to_a_run_comes_back_as_it_was(client):
    started = client.run_pipeline(
        "sandbox-notebook",
        {"question": "why?", "attachment": b"\x00\r\n--bytes"},
        wait_for_completion=False,
    )
    attachment = client.get_pipeline_execution_input(started["execution_id"], "attachment")
    assert attachment["value"] == b"\x00\r\n--bytes"
    question = client.get_pipeline_execution_input(started["execution_id"], "question")
    assert question["value"] == "why?"


def test_a_run_can_map_an_input_to_a_constant(client):
    started = client.run_pipeline(
        "sandbox-notebook",
        inputs_mapping=[InputSource(pipeline_input_name="question", constant_value="what?")],
        wait_for_completion=False,
    )
    question = client.get_pipeline_execution_input(started["execution_id"], "question")
    assert (question["value"], question["source"]) == ("what?", "constant")


def test_an_endpoint_is_triggered_with_the_sdk_token(client):
    answer = client.trigger_endpoint("fraud-api", inputs={"amount": 5, "merchant": "m"})
    assert set(answer["outputs"]) == {"score", "is_fraud", "reasons"}
    execution = client.get_pipeline_execution(answer["execution_id"])
    assert execution["deployment_name"] == "fraud-api"
    assert execution["inputs"][0]["value"] == 5


def test_an_endpoint_is_triggered_with_its_own_token(client, world: World):
    token = client.get_deployment("resize-api")["endpoint_token"]
    answer = client.trigger_endpoint("resize-api", token, inputs={"image": b"png", "width": 3})
    assert isinstance(answer["outputs"]["thumbnail"], bytes)
    true = world.truth().execution(answer["execution_id"])
    assert true.inputs[0].content == b"png"
    assert true.inputs[1].value == 3


def test_a_wrong_endpoint_token_is_refused(client):
    with pytest.raises(SdkException) as refused:
        client.trigger_endpoint("resize-api", "wrong")
    assert refused.value.status_code == 401


def test_deployments_are_created_changed_and_given_new_tokens(client, world: World):
    made = client.create_deployment("iris-train", "again", "periodic", schedule="0 3 * * *")
    assert (made["status"], made["schedule"]) == ("up", "0 3 * * *")
    assert client.update_deployment("again", is_enabled=False)["status"] == "disabled"
    endpoint = client.create_deployment("never-run", "called", "endpoint")
    renewed = client.generate_new_endpoint_token("called")["endpoint_token"]
    assert renewed != endpoint["endpoint_token"]
    assert client.get_deployment("called")["endpoint_token"] == renewed
    assert {endpoint["endpoint_token"], renewed} <= set(world.secrets())

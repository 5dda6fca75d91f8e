import pytest
from conformance.old_client.caller import Raised
from conformance.old_client.driver import Made

from craftsync.simulator import Quirks, World

pytestmark = pytest.mark.long


def test_deployments_are_listed(client):
    deployments = {each["name"]: each for each in client.list_deployments()}
    assert set(deployments["iris-api"]) == {
        "name", "pipeline_name", "execution_rule", "mode", "is_enabled", "created_at",
    }  # fmt: skip
    assert {each["execution_rule"] for each in deployments.values()} == {"endpoint", "periodic"}


def test_an_empty_environment_lists_nothing(serve, sign_in):
    client = sign_in(serve(World(executions=0, pipelines=0)))
    assert client.list_deployments() == []
    assert client.list_pipelines() == []


def test_an_endpoint_shows_its_token_and_its_latest_execution(client, world: World):
    deployment = client.get_deployment("fraud-api")
    newest = max(
        (each for each in world.truth().executions() if each.deployment_name == "fraud-api"),
        key=lambda each: each.created_at,
    )
    assert deployment["last_execution_id"] == newest.execution_id
    assert deployment["endpoint_token"] in world.secrets()
    assert deployment["pipeline"] == {"name": "fraud-detect"}
    assert not {"id", "is_archived"} & set(deployment)
    assert [entry.path for entry in world.requests.matching("GET")] == [
        "/api/v1/deployments/fraud-api",
        "/api/v1/deployments/fraud-api/executions/latest",
    ]


def test_a_schedule_and_pods_are_shown(client):
    periodic = client.get_deployment("churn-hourly")
    assert (periodic["schedule"], "endpoint_token" in periodic) == ("0 */1 * * *", False)
    assert {pod["status"] for pod in client.get_deployment("embed-api")["pods"]} == {"Running"}


@pytest.mark.parametrize("nothing", ["null", "204", "empty_object"])
def test_no_latest_execution_is_told_in_three_ways(serve, sign_in, nothing):
    world = World(quirks=Quirks(latest_none=nothing))
    world.add_deployment("fresh", "never-run")
    client = sign_in(serve(world))
    assert client.get_deployment("fresh")["last_execution_id"] is None
    assert client.get_pipeline("never-run")["creation_info"]["last_execution_id"] is None


def test_no_latest_execution_as_a_404_is_more_than_the_client_bears(serve, sign_in):
    world = World(quirks=Quirks(latest_none="404"))
    world.add_deployment("fresh", "never-run")
    with pytest.raises(Raised) as missing:
        sign_in(serve(world)).get_deployment("fresh")
    assert missing.value.status_code == 404


def test_waiting_for_a_deployment_asks_until_it_is_up(client, world: World):
    world.add_deployment("fresh", "never-run").polls_left = 2
    assert client.get_deployment("fresh")["status"] == "creation_pending"
    assert client.get_deployment("fresh", wait_for_completion=True)["status"] == "up"
    waited = [entry.status for entry in world.requests.entries if "wait_for" in entry.query]
    assert waited == [307, 307, 200]


def test_waiting_for_a_deployment_that_fails_raises(client, world: World):
    deployment = world.add_deployment("doomed", "never-run")
    deployment.polls_left, deployment.creation_fails = 1, True
    with pytest.raises(Raised) as failed:
        client.get_deployment("doomed", wait_for_completion=True)
    assert failed.value.name == "CreationFailedException"


def test_an_unknown_deployment_is_a_404(client):
    with pytest.raises(Raised) as missing:
        client.get_deployment("nope")
    assert missing.value.status_code == 404


def test_pods_print_and_elastic_deployments_do_not(client):
    lines = client.get_deployment_logs("iris-api")
    assert {"timestamp", "message", "stream", "pod_id", "type"} == set(lines[0])
    assert client.get_deployment_logs("iris-api", limit=3) == lines[:3]
    assert client.get_deployment_logs("fraud-api") == []


def test_deleting_a_deployment_takes_its_executions_and_leaves_the_runs(client):
    before = client.list_pipeline_executions("iris-train")
    assert client.delete_deployment("iris-nightly") == {
        "name": "iris-nightly",
        "execution_rule": "periodic",
    }
    runs = [each for each in before if each["deployment_name"] != "iris-nightly"]
    assert client.list_pipeline_executions("iris-train") == runs != before
    with pytest.raises(Raised) as missing:
        client.delete_deployment("iris-nightly")
    assert missing.value.status_code == 404


def test_deployments_are_created_changed_and_given_new_tokens(client, world: World):
    made = client.create_deployment("iris-train", "again", "periodic", schedule="0 3 * * *")
    assert (made["status"], made["schedule"]) == ("up", "0 3 * * *")
    assert client.update_deployment("again", is_enabled=False)["status"] == "disabled"
    endpoint = client.create_deployment(
        "sandbox-notebook",
        "called",
        "endpoint",
        endpoint_url_path="ask",
        inputs_mapping=[Made("InputSource", pipeline_input_name="question", constant_value="why?")],
    )
    assert endpoint["endpoint_url_path"] == "ask"
    assert endpoint["inputs_mapping"][0]["constant_value"] == "why?"
    renewed = client.generate_new_endpoint_token("called")["endpoint_token"]
    assert renewed != endpoint["endpoint_token"]
    assert client.get_deployment("called")["endpoint_token"] == renewed
    changes = [
        (entry.method, entry.path.removeprefix("/api/v1/"))
        for entry in world.requests.entries
        if entry.method != "GET" and not entry.path.endswith("/auth/refresh")
    ]
    assert changes == [
        ("POST", "periodic-deployment"),
        ("PATCH", "deployments/again"),
        ("POST", "endpoints"),
        ("POST", "endpoints/called/generate-new-token"),
    ]

from datetime import timedelta

import pytest
from craft_ai_sdk import SdkException

from craftsync.simulator import Quirks, World


def test_deployments_are_listed(client):
    deployments = {each["name"]: each for each in client.list_deployments()}
    assert deployments["iris-api"] | {"created_at": ""} == {
        "name": "iris-api",
        "pipeline_name": "iris-predict",
        "execution_rule": "endpoint",
        "mode": "low_latency",
        "is_enabled": True,
        "created_at": "",
    }
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
    assert "id" not in deployment
    assert "is_archived" not in deployment
    assert [entry.path for entry in world.requests.matching("GET")] == [
        "/api/v1/deployments/fraud-api",
        "/api/v1/deployments/fraud-api/executions/latest",
    ]


def test_a_schedule_is_shown_for_machines_and_for_people(client):
    deployment = client.get_deployment("churn-hourly")
    assert deployment["schedule"] == "0 */1 * * *"
    assert deployment["human_readable_schedule"] == "Every 1 hours"
    assert "endpoint_token" not in deployment


def test_a_low_latency_deployment_shows_its_pods(client):
    deployment = client.get_deployment("embed-api")
    assert deployment["max_parallel_executions_per_pod"] == 4
    assert {pod["status"] for pod in deployment["pods"]} == {"Running"}


def test_mappings_are_flat_and_name_one_source_each(client):
    mappings = client.get_deployment("iris-nightly")["inputs_mapping"]
    by_name = {mapping["pipeline_input_name"]: mapping for mapping in mappings}
    assert by_name["dataset"]["datastore_path"] == "datasets/iris.csv"
    assert by_name["learning_rate"]["constant_value"] == 0.05
    assert by_name["seed"]["constant_value"] == 42
    assert by_name["note"]["is_null"] is True


@pytest.mark.parametrize("nothing", ["null", "204", "empty_object"])
def test_no_latest_execution_is_told_in_three_ways(serve, sign_in, nothing):
    world = World(quirks=Quirks(latest_none=nothing))
    world.add_deployment("fresh", "never-run")
    client = sign_in(serve(world))
    assert client.get_deployment("fresh")["last_execution_id"] is None
    assert client.get_pipeline("never-run")["creation_info"]["last_execution_id"] is None


def test_no_latest_execution_as_a_404_is_more_than_the_client_bears(serve, sign_in):
    client = sign_in(serve(World(quirks=Quirks(latest_none="404"))))
    with pytest.raises(SdkException) as missing:
        client.get_pipeline("never-run")
    assert missing.value.status_code == 404


def test_the_latest_execution_may_come_whole(serve, sign_in):
    client = sign_in(serve(World(quirks=Quirks(latest_shape="full"))))
    assert client.get_deployment("iris-api")["last_execution_id"].startswith("iris-predict-")


def test_waiting_for_a_deployment_asks_until_it_is_up(client, world: World):
    world.add_deployment("fresh", "never-run").polls_left = 2
    assert client.get_deployment("fresh")["status"] == "creation_pending"
    assert client.get_deployment("fresh", wait_for_completion=True)["status"] == "up"
    waited = [entry.status for entry in world.requests.entries if "wait_for" in entry.query]
    assert waited == [307, 307, 200]


def test_waiting_for_a_deployment_that_fails_raises(client, world: World):
    deployment = world.add_deployment("doomed", "never-run")
    deployment.polls_left, deployment.creation_fails = 1, True
    with pytest.raises(SdkException) as failed:
        client.get_deployment("doomed", wait_for_completion=True)
    assert failed.value.name == "CreationFailedException"


def test_an_unknown_deployment_is_a_404(client):
    with pytest.raises(SdkException) as missing:
        client.get_deployment("nope")
    assert missing.value.status_code == 404


def test_names_are_decoded_one_time_in_each_segment(world: World, server):
    import requests

    world.add_deployment("a/b#c?d%2Fe", "never-run")
    token = world.accounts.refresh(world.sdk_token, now_s=0)
    answer = requests.get(
        f"{server.url}/api/v1/deployments/a%2Fb%23c%3Fd%252Fe",
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )
    assert answer.json()["name"] == "a/b#c?d%2Fe"


def test_pods_print_and_elastic_deployments_do_not(client):
    lines = client.get_deployment_logs("iris-api")
    assert {"timestamp", "message", "stream", "pod_id", "type"} == set(lines[0])
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    assert client.get_deployment_logs("iris-api", limit=3) == lines[:3]
    assert client.get_deployment_logs("fraud-api") == []


def test_deleting_a_deployment_takes_its_executions_and_leaves_the_runs(client, world: World):
    before = client.list_pipeline_executions("iris-train")
    assert client.delete_deployment("iris-nightly") == {
        "name": "iris-nightly",
        "execution_rule": "periodic",
    }
    runs = [each for each in before if each["deployment_name"] != "iris-nightly"]
    assert client.list_pipeline_executions("iris-train") == runs != before
    with pytest.raises(SdkException) as missing:
        client.delete_deployment("iris-nightly")
    assert missing.value.status_code == 404
    assert [entry.status for entry in world.requests.deletes] == [200, 404]


def test_a_deployment_made_again_is_a_new_one_without_history(client, world: World):
    old = client.get_deployment("churn-hourly")
    world.advance(timedelta(minutes=1))
    world.recreate_deployment("churn-hourly", every=timedelta(hours=1))
    new = client.get_deployment("churn-hourly")
    assert new["created_at"] > old["created_at"]
    assert new["last_execution_id"] is None
    world.advance(timedelta(hours=1))
    assert client.get_deployment("churn-hourly")["last_execution_id"] is not None


def test_an_archived_deployment_may_still_be_served(serve, sign_in):
    world = World(quirks=Quirks(archived="served"))
    client = sign_in(serve(world))
    client.delete_deployment("iris-nightly")
    raw = client._get(f"{client.base_environment_api_url}/deployments/iris-nightly")
    assert raw["is_archived"] is True
    assert "iris-nightly" not in {each["name"] for each in client.list_deployments()}

import pytest
from conformance.old_client.caller import Raised

from craftsync.simulator import World

pytestmark = pytest.mark.long


def test_pipelines_are_listed(client):
    pipelines = client.list_pipelines()
    assert len(pipelines) == 12
    assert {"pipeline_name", "created_at", "status"} == set(pipelines[0])


def test_a_pipeline_comes_in_two_halves(client):
    pipeline = client.get_pipeline("iris-train")
    assert pipeline["parameters"]["inputs"][0]["data_type"] == "file"
    assert pipeline["creation_info"]["origin"] == "git_repository"
    assert not {"id", "is_archived"} & set(pipeline["creation_info"])


def test_waiting_for_a_pipeline_asks_until_it_is_ready(client, world: World):
    world.add_pipeline("fresh").polls_left = 2
    pipeline = client.get_pipeline("fresh", wait_for_completion=True)
    assert pipeline["creation_info"]["status"] == "ready"
    assert world.requests.statuses[307] == 2


def test_waiting_for_a_pipeline_that_fails_raises(client, world: World):
    pipeline = world.add_pipeline("doomed")
    pipeline.polls_left, pipeline.creation_fails = 1, True
    with pytest.raises(Raised) as failed:
        client.get_pipeline("doomed", wait_for_completion=True)
    assert failed.value.name == "CreationFailed"


def test_an_unknown_pipeline_is_a_404(client):
    for ask in (client.get_pipeline, client.list_pipeline_executions):
        with pytest.raises(Raised) as missing:
            ask("nope")
        assert missing.value.status_code == 404


def test_the_log_of_a_pipelines_creation_is_flat(client):
    lines = client.get_pipeline_logs("iris-train", limit=2)
    assert [set(line) for line in lines] == [{"timestamp", "message"}] * 2


def test_a_pipeline_with_deployments_is_deleted_by_force_only(client, world: World):
    with pytest.raises(Raised) as refused:
        client.delete_pipeline("iris-train")
    assert refused.value.status_code == 409
    assert client.delete_pipeline("iris-train", force_deployments_deletion=True) == {
        "pipeline": {"name": "iris-train"},
        "deployments": [{"name": "iris-nightly", "execution_rule": "periodic"}],
    }
    assert [entry.query for entry in world.requests.deletes] == [
        "force_deployments_deletion=False",
        "force_deployments_deletion=True",
    ]
    assert "iris-nightly" not in {each["name"] for each in client.list_deployments()}

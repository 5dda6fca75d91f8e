import pytest
from conformance.old_client.caller import Raised

from craftsync.simulator import Port, Quirks, World

pytestmark = pytest.mark.long


def executions_with(world: World, status: str, pipeline: str | None = None) -> list[str]:
    return [
        each.execution_id for each in world.truth().executions(pipeline) if each.status == status
    ]


def test_a_list_holds_runs_and_executions_of_deployments(client):
    executions = client.list_pipeline_executions("iris-train")
    assert {each["deployment_name"] for each in executions} == {"iris-nightly", "run-iris-train"}


def test_a_list_has_none_one_or_more_than_a_thousand_executions(serve, sign_in):
    world = World(executions=10_000)
    client = sign_in(serve(world))
    assert client.list_pipeline_executions("never-run") == []
    added = world.add_execution("never-run")
    (only,) = client.list_pipeline_executions("never-run")
    assert only["execution_id"] == added.execution_id
    listed = client.list_pipeline_executions("fraud-detect")
    assert len({each["execution_id"] for each in listed}) == len(listed) > 1000


def test_finished_executions_come_whole_with_every_mapping_type(client, world: World):
    sources, destinations = set(), set()
    for true in world.truth().executions():
        if true.status == "Succeeded":
            execution = client.get_pipeline_execution(true.execution_id)
            sources |= {item["source"] for item in execution["inputs"]}
            destinations |= {item["destination"] for item in execution["outputs"]}
    assert sources == {
        "environment_variable", "datastore", "constant", "is_null", "endpoint", "run",
    }  # fmt: skip
    assert destinations == {"datastore", "is_null", "endpoint", "run"}


def test_files_are_fetched_one_by_one_but_inputs_in_the_store_are_not(client, world: World):
    execution_id = executions_with(world, "Succeeded", "iris-predict")[0]
    execution = client.get_pipeline_execution(execution_id)
    true = world.truth().execution(execution_id)
    inputs = {item["pipeline_input_name"]: item["value"] for item in execution["inputs"]}
    outputs = {item["pipeline_output_name"]: item["value"] for item in execution["outputs"]}
    assert (inputs["photo"], inputs["model"]) == (true.inputs[1].content, None)
    assert outputs["report"] == true.outputs[2].content
    assert world.requests.count("GET", "*/inputs/photo") == 1
    assert world.requests.count("GET", "*/inputs/model") == 0
    assert world.requests.count("GET", "*/outputs/report") == 1


@pytest.mark.parametrize("missing", ["null", "204"])
@pytest.mark.parametrize("status", ["Pending", "Running"])
def test_files_of_unfinished_executions_are_asked_for_and_are_nothing(
    serve, sign_in, status, missing
):
    world = World(quirks=Quirks(missing_value=missing))
    client = sign_in(serve(world))
    world.add_pipeline("filing", outputs=[Port("table", "file"), Port("rows", "number")])
    execution_id = world.add_execution("filing", status=status).execution_id
    execution = client.get_pipeline_execution(execution_id)
    assert (execution["status"], execution["end_date"]) == (status, None)
    assert [(item["destination"], item["value"]) for item in execution["outputs"]] == [
        ("run", None),
        ("run", None),
    ]
    assert world.requests.count("GET", f"*/{execution_id}/outputs/*") == 1


def test_unfinished_executions_may_have_an_empty_list_of_outputs(serve, sign_in):
    world = World(quirks=Quirks(outputs_while_running="empty"))
    execution_id = executions_with(world, "Running")[0]
    assert sign_in(serve(world)).get_pipeline_execution(execution_id)["outputs"] == []


def test_no_list_of_outputs_at_all_is_more_than_the_client_bears(serve, sign_in):
    world = World(quirks=Quirks(outputs_while_running="null"))
    client = sign_in(serve(world))
    with pytest.raises(Raised, match="'NoneType' object is not iterable") as broken:
        client.get_pipeline_execution(executions_with(world, "Running")[0])
    assert broken.value.kind == "TypeError"


@pytest.mark.parametrize("status", ["Failed", "Error", "Skipped"])
def test_outputs_of_failed_executions_have_no_value(client, world: World, status):
    for execution_id in executions_with(world, status):
        execution = client.get_pipeline_execution(execution_id)
        assert {item["value"] for item in execution["outputs"]} <= {None}


def test_an_unknown_execution_is_a_404_with_an_error_object(client):
    with pytest.raises(Raised) as missing:
        client.get_pipeline_execution("iris-train-nope1")
    assert missing.value.status_code == 404
    assert missing.value.name == "NotFoundException"
    assert missing.value.additional_data == {"name": "iris-train-nope1"}


def test_waiting_for_results_is_told_twice_to_ask_again(client, world: World):
    execution_id = executions_with(world, "Running", "fraud-detect")[0]
    results = client.retrieve_pipeline_execution_outputs(execution_id)
    assert set(results["outputs"]) == {"score", "is_fraud", "reasons"}
    answers = world.requests.matching("GET", "*/outputs")
    assert [entry.status for entry in answers] == [307, 307, 200]
    assert {entry.query for entry in answers} == {"wait_for_completion=true"}


def test_results_of_a_failed_execution_are_refused(client, world: World):
    with pytest.raises(Raised) as failed:
        client.retrieve_pipeline_execution_outputs(executions_with(world, "Failed")[0])
    assert failed.value.status_code == 400


def test_a_deleted_execution_is_gone_everywhere(client, world: World):
    execution_id = executions_with(world, "Succeeded", "iris-predict")[0]
    assert client.delete_pipeline_execution(execution_id) == {"execution_id": execution_id}
    listed = client.list_pipeline_executions("iris-predict")
    assert execution_id not in {each["execution_id"] for each in listed}
    for ask in (
        client.delete_pipeline_execution,
        client.get_pipeline_execution,
        client.get_pipeline_execution_logs,
        lambda gone: client.get_pipeline_execution_input(gone, "petal"),
    ):
        with pytest.raises(Raised) as missing:
            ask(execution_id)
        assert missing.value.status_code == 404


def test_a_second_delete_may_be_a_204(serve, sign_in):
    world = World(quirks=Quirks(second_delete="204"))
    client = sign_in(serve(world))
    execution_id = executions_with(world, "Succeeded")[0]
    client.delete_pipeline_execution(execution_id)
    assert client.delete_pipeline_execution(execution_id) is None

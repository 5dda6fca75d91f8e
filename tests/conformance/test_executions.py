from datetime import timedelta

import pytest
from craft_ai_sdk import SdkException

from craftsync.simulator import Quirks, World


def executions_with(world: World, status: str, pipeline: str | None = None) -> list[str]:
    return [
        each.execution_id for each in world.truth().executions(pipeline) if each.status == status
    ]


def test_a_list_holds_runs_and_executions_of_deployments(client):
    executions = client.list_pipeline_executions("iris-train")
    assert {each["deployment_name"] for each in executions} == {"iris-nightly", "run-iris-train"}


def test_a_pipeline_that_never_ran_has_an_empty_list(client):
    assert client.list_pipeline_executions("never-run") == []


def test_a_pipeline_may_have_one_execution(client, world: World):
    added = world.add_execution("never-run")
    (only,) = client.list_pipeline_executions("never-run")
    assert only["execution_id"] == added.execution_id


def test_a_list_has_no_pages(serve, sign_in):
    world = World(executions=10_000)
    listed = sign_in(serve(world)).list_pipeline_executions("fraud-detect")
    assert len(listed) > 1000
    assert len({each["execution_id"] for each in listed}) == len(listed)


def test_every_list_is_the_true_one(client, world: World):
    for pipeline in client.list_pipelines():
        name = pipeline["pipeline_name"]
        listed = client.list_pipeline_executions(name)
        true = list(world.truth().executions(name))
        assert [each["execution_id"] for each in listed] == [each.execution_id for each in true]
        for entry, execution in zip(listed, true, strict=True):
            assert entry == {key: execution.detail[key] for key in entry}


def test_lists_may_carry_steps(serve, sign_in):
    client = sign_in(serve(World(quirks=Quirks(steps_in_lists=True))))
    assert all(len(each["steps"]) == 1 for each in client.list_pipeline_executions("iris-train"))


@pytest.mark.parametrize("order", ["newest_first", "newest_last", "shuffled"])
def test_a_list_may_come_in_any_order(serve, sign_in, order):
    world = World(quirks=Quirks(order=order))
    listed = sign_in(serve(world)).list_pipeline_executions("fraud-detect")
    dates = [each["created_at"] for each in listed]
    assert (dates == sorted(dates)) is (order == "newest_last")
    assert (dates == sorted(dates, reverse=True)) is (order == "newest_first")


@pytest.mark.parametrize(
    ("manner", "names"),
    [("null", {None}), ("pseudo", {"run-sandbox-notebook"}), ("absent", {"no key"})],
)
def test_runs_fill_the_deployments_name_in_three_ways(serve, sign_in, manner, names):
    client = sign_in(serve(World(quirks=Quirks(run_deployment_name=manner))))
    listed = client.list_pipeline_executions("sandbox-notebook")
    assert {each.get("deployment_name", "no key") for each in listed} == names


def test_all_six_statuses_occur(world: World):
    assert {each.status for each in world.truth().executions()} == {
        "Pending", "Running", "Succeeded", "Failed", "Error", "Skipped",
    }  # fmt: skip


def test_finished_executions_come_whole_with_every_mapping_type(client, world: World):
    sources, destinations, types = set(), set(), set()
    for true in world.truth().executions():
        execution = client.get_pipeline_execution(true.execution_id)
        if true.status != "Succeeded":
            continue
        for item in execution["inputs"]:
            sources.add(item["source"])
            types.add(item["data_type"])
        for item in execution["outputs"]:
            destinations.add(item["destination"])
    assert sources == {
        "environment_variable", "datastore", "constant", "is_null", "endpoint", "run",
    }  # fmt: skip
    assert destinations == {"datastore", "is_null", "endpoint", "run"}
    assert types == {"file", "json", "string", "number", "array", "boolean"}


def test_files_are_fetched_one_by_one_but_inputs_in_the_store_are_not(client, world: World):
    execution_id = executions_with(world, "Succeeded", "iris-predict")[0]
    execution = client.get_pipeline_execution(execution_id)
    true = world.truth().execution(execution_id)
    inputs = {item["pipeline_input_name"]: item["value"] for item in execution["inputs"]}
    outputs = {item["pipeline_output_name"]: item["value"] for item in execution["outputs"]}
    assert inputs["photo"] == true.inputs[1].content
    assert inputs["model"] is None
    assert outputs["report"] == true.outputs[2].content
    assert world.requests.count("GET", "*/inputs/photo") == 1
    assert world.requests.count("GET", "*/inputs/model") == 0
    assert world.requests.count("GET", "*/outputs/report") == 1


@pytest.mark.parametrize("outputs", ["without_value", "null", "empty"])
@pytest.mark.parametrize("status", ["Pending", "Running"])
def test_outputs_of_unfinished_executions_are_raw_and_not_fetched(serve, sign_in, status, outputs):
    world = World(quirks=Quirks(outputs_while_running=outputs))
    client = sign_in(serve(world))
    execution_id = executions_with(world, status)[0]
    execution = client.get_pipeline_execution(execution_id)
    assert execution["status"] == status
    assert execution["end_date"] is None
    assert world.requests.count("GET", "*/outputs/*") == 0
    if outputs == "without_value":
        assert all("mapping_type" in item for item in execution["outputs"])
        assert all("value" not in item for item in execution["outputs"])


@pytest.mark.parametrize("status", ["Failed", "Error", "Skipped"])
def test_outputs_of_failed_executions_have_no_value(client, world: World, status):
    for execution_id in executions_with(world, status):
        raw = client._get(f"{client.base_environment_api_url}/executions/{execution_id}")
        assert all("value" not in item for item in raw["outputs"])
        execution = client.get_pipeline_execution(execution_id)
        assert {item["value"] for item in execution["outputs"]} <= {None}


def test_an_unknown_execution_is_a_404_with_an_error_object(client):
    with pytest.raises(SdkException) as missing:
        client.get_pipeline_execution("iris-train-nope1")
    assert missing.value.status_code == 404
    assert missing.value.name == "NotFoundException"
    assert missing.value.additional_data == {"name": "iris-train-nope1"}


def test_the_execution_takes_longer_than_its_step(world: World):
    for execution in world.truth().executions():
        (step,) = execution.steps
        if step["end_date"]:
            assert execution.created_at < step["start_date"] <= step["end_date"]
            assert step["end_date"] <= execution.end_date


def test_commits_change_over_time_and_local_pipelines_have_none(world: World):
    commits = {each.steps[0]["commit_id"] for each in world.truth().executions("billing-export")}
    assert len(commits) > 1
    local = {each.steps[0]["commit_id"] for each in world.truth().executions("sandbox-notebook")}
    assert local == {None}


def test_waiting_for_results_is_told_twice_to_ask_again(client, world: World):
    execution_id = executions_with(world, "Running", "fraud-detect")[0]
    results = client.retrieve_pipeline_execution_outputs(execution_id)
    assert set(results["outputs"]) == {"score", "is_fraud", "reasons"}
    answers = world.requests.matching("GET", "*/outputs")
    assert [entry.status for entry in answers] == [307, 307, 200]


def test_results_of_a_failed_execution_are_refused(client, world: World):
    with pytest.raises(SdkException) as failed:
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
        with pytest.raises(SdkException) as missing:
            ask(execution_id)
        assert missing.value.status_code == 404


def test_a_second_delete_may_be_a_204(serve, sign_in):
    world = World(quirks=Quirks(second_delete="204"))
    client = sign_in(serve(world))
    execution_id = executions_with(world, "Succeeded")[0]
    client.delete_pipeline_execution(execution_id)
    assert client.delete_pipeline_execution(execution_id) is None


def test_a_running_execution_is_deleted_or_not(serve, sign_in):
    for manner, allowed in (("refused", False), ("allowed", True)):
        world = World(quirks=Quirks(running_delete=manner))
        client = sign_in(serve(world))
        execution_id = executions_with(world, "Running")[0]
        if allowed:
            assert client.delete_pipeline_execution(execution_id)
        else:
            with pytest.raises(SdkException) as refused:
                client.delete_pipeline_execution(execution_id)
            assert refused.value.status_code == 409


def test_a_token_without_the_right_cannot_delete(server, sign_in, world: World):
    world.accounts.add_sdk_token("reader", may_delete=False)
    client = sign_in(server, token="reader")
    with pytest.raises(SdkException) as refused:
        client.delete_pipeline_execution(executions_with(world, "Succeeded")[0])
    assert refused.value.status_code == 403


def test_an_id_may_come_back_as_another_execution(client, world: World):
    execution_id = executions_with(world, "Succeeded", "iris-predict")[0]
    before = client.get_pipeline_execution(execution_id)["created_at"]
    world.advance(timedelta(seconds=5))
    world.recreate_execution(execution_id, status="Failed")
    after = client.get_pipeline_execution(execution_id)
    assert after["created_at"] > before
    assert after["status"] == "Failed"

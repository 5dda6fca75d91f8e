"""Answers about deployments, pipelines, executions, users and the environment."""

from craftsync.simulator.desk import Call, Desk, Handler
from craftsync.simulator.estate import Deployment, Pipeline
from craftsync.simulator.estate_payloads import (
    deployment_detail,
    deployment_entry,
    pipeline_detail,
    pipeline_entry,
)
from craftsync.simulator.messages import (
    Refusal,
    Request,
    Response,
    json_response,
    not_found,
    raw_json,
)
from craftsync.simulator.patches import Payload
from craftsync.simulator.payloads import execution_detail, execution_entry
from craftsync.simulator.reading import has_item, value_content


def _environment_info(call: Call) -> Response:
    return json_response({"environment_id": call.desk.world.environment_id})


def _health(call: Call) -> Response:
    return json_response({"environment_id": {"info": call.desk.world.environment_id}})


def _user(call: Call) -> Response:
    user = call.desk.world.accounts.user(call.names[0])
    if user is None:
        raise not_found("User", call.names[0])
    return json_response(user)


def _deployments(call: Call) -> Response:
    return json_response(
        [deployment_entry(each) for each in call.desk.history.deployments.values()]
    )


def _deployment(call: Call) -> Response:
    history = call.desk.history
    if call.names[0] not in history.deployments and history.quirks.archived == "served":
        for former in reversed(history.former_deployments):
            if former.name == call.names[0]:
                return json_response(deployment_detail(former))
    deployment = call.desk.deployment(call.names[0])
    return _awaited(call.request, deployment_detail(deployment), deployment)


def _pipelines(call: Call) -> Response:
    return json_response([pipeline_entry(each) for each in call.desk.history.pipelines.values()])


def _pipeline(call: Call) -> Response:
    history = call.desk.history
    if call.names[0] not in history.pipelines and history.quirks.archived == "served":
        for former in reversed(history.former_pipelines):
            if former.name == call.names[0]:
                return json_response(pipeline_detail(former))
    pipeline = call.desk.pipeline(call.names[0])
    return _awaited(call.request, pipeline_detail(pipeline), pipeline)


def _awaited(request: Request, detail: Payload, made: Deployment | Pipeline) -> Response:
    """Answer 307 with the object while it is being made, if the client waits for it."""
    if request.parameters().get("wait_for_completion") != "true" or not made.polls_left:
        return json_response(detail)
    made.polls_left -= 1
    return json_response(detail, 307)


def _executions(call: Call) -> Response:
    if call.names[0] not in call.desk.history.pipelines:
        if call.desk.history.quirks.unknown_pipeline_executions == "empty":
            return json_response([])
        raise not_found("Pipeline", call.names[0])
    return raw_json(call.desk.listings.body(call.names[0], call.desk.now_ms))


def _latest_of_pipeline(call: Call) -> Response:
    return _latest(call.desk, call.desk.pipeline(call.names[0]).name, None)


def _latest_of_deployment(call: Call) -> Response:
    deployment = call.desk.deployment(call.names[0])
    return _latest(call.desk, deployment.pipeline.name, deployment)


def _latest(desk: Desk, pipeline_name: str, deployment: Deployment | None) -> Response:
    run = desk.history.newest(pipeline_name, deployment, desk.now_ms)
    quirks = desk.history.quirks
    if run is None:
        if quirks.latest_none == "404":
            raise not_found("Latest execution of", pipeline_name)
        if quirks.latest_none == "204":
            return Response(204)
        return json_response(None if quirks.latest_none == "null" else {})
    worded = execution_detail if quirks.latest_shape == "full" else execution_entry
    return json_response(worded(desk.history, run, desk.now_ms))


def _execution(call: Call) -> Response:
    run = call.desk.run(call.names[-1])
    values = not call.request.query or call.request.parameters().get("include_io_values") != "false"
    return json_response(execution_detail(call.desk.history, run, call.desk.now_ms, values=values))


def _input(call: Call) -> Response:
    return _value(call, "inputs")


def _output(call: Call) -> Response:
    return _value(call, "outputs")


def _value(call: Call, side: str) -> Response:
    desk = call.desk
    execution_id, name = call.names
    run = desk.run(execution_id)
    content = value_content(desk.history, run, side, name, desk.now_ms)
    if content is not None:
        return Response(200, {"Content-Type": content.content_type}, content.body)
    missing = desk.history.quirks.missing_value
    if missing == "404" or not has_item(desk.history, run, side, name, desk.now_ms):
        raise not_found(side[:-1].capitalize(), name)
    return Response(204) if missing == "204" else json_response(None)


def _outputs(call: Call) -> Response:
    """Give the results, once there are some; a waiting client is told to ask again."""
    run = call.desk.run(call.names[0])
    if not run.is_over(call.desk.now_ms):
        call.desk.polls[run.execution_id] += 1
        clock = call.desk.history.clock
        if (
            clock.running
            or call.desk.polls[run.execution_id] <= call.desk.history.quirks.polls_before_result
        ):
            return Response(307, hold_s=1.0 if clock.running else 0)
        call.desk.world.finish_execution(run.execution_id)
        run = call.desk.run(call.names[0])
    if run.outcome in ("Failed", "Error"):
        raise Refusal(
            400, "ExecutionFailedException", f"Execution {run.execution_id} ended as {run.outcome}"
        )
    detail = execution_detail(call.desk.history, run, call.desk.now_ms)
    outputs = [
        {key: value for key, value in item.items() if key != "mapping_value"}
        for item in detail["outputs"] or []
    ]
    return json_response({"outputs": outputs})


ROUTES: dict[str, Handler] = {
    "GET environment-info": _environment_info,
    "GET health": _health,  # until 0.64.1, for the environment's id
    "GET users/*": _user,
    "GET deployments": _deployments,
    "GET deployments/*": _deployment,
    "GET deployments/*/executions/latest": _latest_of_deployment,
    "GET pipelines": _pipelines,
    "GET pipelines/*": _pipeline,
    "GET pipelines/*/executions": _executions,
    "GET pipelines/*/executions/latest": _latest_of_pipeline,
    "GET pipelines/*/executions/*": _execution,  # until 0.23.2
    "GET executions/*": _execution,
    "GET executions/*/inputs/*": _input,
    "GET executions/*/outputs/*": _output,
    "GET executions/*/outputs": _outputs,
}

"""Requests that change the platform: delete, start, make, record."""

from typing import Any

from craftsync.simulator.blueprints import DeploymentPlan
from craftsync.simulator.desk import Call, Desk, Handler, body_of
from craftsync.simulator.dice import key_of
from craftsync.simulator.estate import Deployment, rebind
from craftsync.simulator.forms import fields_of, loads
from craftsync.simulator.messages import Refusal, Request, Response, json_response
from craftsync.simulator.metrics import record
from craftsync.simulator.streams import Run


def _delete_execution(call: Call) -> Response:
    history = call.desk.history
    if history.quirks.second_delete == "204" and _is_gone(call.desk, call.names[0]):
        return Response(204)
    run = call.desk.run(call.names[0])
    if not run.is_over(call.desk.now_ms) and history.quirks.running_delete == "refused":
        raise Refusal(409, "ConflictException", f"Execution {call.names[0]} has not ended")
    call.desk.world.delete_execution(call.names[0])
    return json_response({"execution_id": call.names[0]})


def _is_gone(desk: Desk, execution_id: str) -> bool:
    return desk.history.find(execution_id, desk.now_ms) is None and any(
        deletion.name == execution_id and deletion.kind == "execution"
        for deletion in desk.history.deletions
    )


def _delete_deployment(call: Call) -> Response:
    history = call.desk.history
    again = call.names[0] not in history.deployments and any(
        former.name == call.names[0] for former in history.former_deployments
    )
    if again and history.quirks.second_delete == "204":
        return Response(204)
    call.desk.deployment(call.names[0])
    return json_response(_gone(call.desk.world.delete_deployment(call.names[0])))


def _delete_pipeline(call: Call) -> Response:
    pipeline = call.desk.pipeline(call.names[0])
    deployments = [
        each.name for each in call.desk.history.deployments.values() if each.pipeline is pipeline
    ]
    if deployments and call.request.parameters().get("force_deployments_deletion") != "True":
        raise Refusal(
            409,
            "ConflictException",
            f"Pipeline {call.names[0]} has deployments",
            deployments=deployments,
        )
    taken = call.desk.world.delete_pipeline(call.names[0])
    return json_response(
        {"pipeline": {"name": call.names[0]}, "deployments": [_gone(each) for each in taken]}
    )


def _gone(deployment: Deployment) -> dict[str, str]:
    return {"name": deployment.name, "execution_rule": deployment.plan.rule}


def _run_pipeline(call: Call) -> Response:
    fields = fields_of(call.request)
    pipeline = call.desk.pipeline(call.names[0])
    given = loads(fields.pop("json_inputs", "{}"), "json_inputs")
    inputs = loads(fields.pop("inputs_mapping", "[]"), "inputs_mapping")
    outputs = loads(fields.pop("outputs_mapping", "[]"), "outputs_mapping")
    run = call.desk.world.start_execution(pipeline.name, given=given | fields)
    run.inputs, run.outputs = rebind(run.inputs, inputs), rebind(run.outputs, outputs)
    return started(call.desk, run)


def _trigger(call: Call) -> Response:
    return started(call.desk, called(call.desk, call.desk.deployment(call.names[0]), call.request))


def called(desk: Desk, deployment: Deployment, request: Request) -> Run:
    """Start an execution of an endpoint with what its caller sent."""
    if deployment.plan.rule != "endpoint" or not deployment.enabled:
        raise Refusal(409, "ConflictException", f"{deployment.name} takes no calls")
    fields = fields_of(request)
    if request.headers.get("content-type", "").startswith("multipart/"):
        fields = {
            name: loads(value, name) if isinstance(value, str) else value
            for name, value in fields.items()
        }
    return desk.world.start_execution(
        deployment.pipeline.name, deployment=deployment.name, given=fields
    )


def started(desk: Desk, run: Run) -> Response:
    """Answer with the id of what was started, in the body and in a header."""
    response = json_response({"execution_id": run.execution_id}, desk.history.quirks.run_status)
    response.headers["Craft-Ai-Execution-Id"] = run.execution_id
    return response


def _create_endpoint(call: Call) -> Response:
    return _create(call.desk, body_of(call.request), "endpoint")


def _create_periodic(call: Call) -> Response:
    return _create(call.desk, body_of(call.request), "periodic")


def _create(desk: Desk, asked: dict[str, Any], rule: Any) -> Response:
    pipeline = desk.pipeline(str(asked.get("pipeline_name")))
    name = str(asked.get("name"))
    if name in desk.history.deployments:
        raise Refusal(409, "ConflictException", f"Deployment {name} exists already")
    plan = DeploymentPlan(
        name=name,
        pipeline=pipeline.name,
        rule=rule,
        every_s=86_400,
        weight=0,
        mode=asked.get("mode", "elastic"),
        description=asked.get("description"),
        parallel=asked.get("max_parallel_executions_per_pod"),
    )
    deployment = desk.world.add_deployment(name, pipeline.name, plan=plan)
    deployment.polls_left = desk.history.quirks.polls_before_result
    deployment.endpoint_token = asked.get("endpoint_token", deployment.endpoint_token)
    _settings(deployment, asked)
    return json_response({"name": name}, 201)


def _update(call: Call) -> Response:
    deployment = call.desk.deployment(call.names[0])
    asked = body_of(call.request)
    deployment.enabled = asked.get("is_enabled", deployment.enabled)
    deployment.updated_ms = call.desk.now_ms
    _settings(deployment, asked)
    return json_response({"name": call.names[0]})


def _settings(deployment: Deployment, asked: dict[str, Any]) -> None:
    for key in ("schedule", "endpoint_url_path"):
        if key in asked:
            deployment.patch[key] = asked[key]
    deployment.inputs = rebind(deployment.inputs, asked.get("inputs_mapping", []))
    deployment.outputs = rebind(deployment.outputs, asked.get("outputs_mapping", []))


def _new_token(call: Call) -> Response:
    deployment = call.desk.deployment(call.names[0])
    wanted = fields_of(call.request).get("endpoint_token")
    made = "ept-" + key_of("token", deployment.endpoint_token).hex()[:40]
    call.desk.history.spent_tokens.append(deployment.endpoint_token)
    deployment.endpoint_token = wanted or made
    deployment.updated_ms = call.desk.now_ms
    return json_response({"endpoint_token": deployment.endpoint_token})


def _record_value(call: Call) -> Response:
    body = body_of(call.request)
    run = call.desk.run(str(body.get("execution_id")))
    record(call.desk.history, run, call.names[0], body.get("value"), call.desk.now_ms)
    return Response(200, {"Content-Type": "text/plain"}, b"OK")


def _record_values(call: Call) -> Response:
    body = body_of(call.request)
    run = call.desk.run(str(body.get("execution_id")))
    record(call.desk.history, run, call.names[0], list(body.get("values", [])), call.desk.now_ms)
    return Response(200, {"Content-Type": "text/plain"}, b"OK")


ROUTES: dict[str, Handler] = {
    "DELETE executions/*": _delete_execution,
    "DELETE deployments/*": _delete_deployment,
    "DELETE pipelines/*": _delete_pipeline,
    "POST pipelines/*/run": _run_pipeline,
    "POST deployments/*/executions": _trigger,
    "POST endpoints": _create_endpoint,
    "POST periodic-deployment": _create_periodic,
    "PATCH deployments/*": _update,
    "POST endpoints/*/generate-new-token": _new_token,
    "PUT metrics/single-value/*": _record_value,
    "POST metrics/list-values/*": _record_values,
}

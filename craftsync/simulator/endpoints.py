"""The public side of endpoint deployments, outside the API: trigger one and fetch its results."""

from craftsync.simulator.desk import Desk
from craftsync.simulator.estate import Deployment
from craftsync.simulator.messages import (
    Refusal,
    Request,
    Response,
    json_response,
    not_found,
)
from craftsync.simulator.patches import Payload
from craftsync.simulator.payloads import execution_detail
from craftsync.simulator.reading import value_content
from craftsync.simulator.streams import Run
from craftsync.simulator.writes import called, started


def answer(desk: Desk, request: Request) -> Response:
    """Answer `/endpoints/{path}` and `/endpoints/v1/{path}/executions/{id}[/outputs/{name}]`.

    Until 0.64.1 clients ask for results without the `v1`.
    """
    match request.method, request.segments:
        case "POST", ("endpoints", path):
            deployment = _found(desk, path)
            _let_in(deployment, request.headers.get("authorization", ""))
            return started(desk, called(desk, deployment, request))
        case "GET", ("endpoints", "v1", path, "executions", execution_id):
            deployment = _found(desk, path)
            _let_in(deployment, f"EndpointToken {request.parameters().get('token')}")
            return _results(desk, request, execution_id)
        case "GET", ("endpoints", "v1", path, "executions", execution_id, "outputs", name):
            deployment = _found(desk, path)
            _let_in(deployment, f"EndpointToken {request.parameters().get('token')}")
            return _file(desk, execution_id, name)
        case "GET", ("endpoints", path, "executions", execution_id):
            deployment = _found(desk, path)
            _let_in(deployment, f"EndpointToken {request.parameters().get('token')}")
            return _bare_results(desk, request, execution_id)
    raise not_found("Endpoint", request.path)


def _found(desk: Desk, path: str) -> Deployment:
    for deployment in desk.history.deployments.values():
        if deployment.plan.rule == "endpoint" and deployment.url_path == path:
            return deployment
    raise not_found("Endpoint", path)


def _let_in(deployment: Deployment, authorization: str) -> None:
    if authorization != f"EndpointToken {deployment.endpoint_token}":
        raise Refusal(401, "UnauthorizedException", "The endpoint token is not valid")


def _results(desk: Desk, request: Request, execution_id: str) -> Response:
    run = _ended(desk, execution_id)
    if run is None:
        return _ask_again(request)
    base = f"http://{request.headers.get('host', '127.0.0.1')}{request.path}/outputs"
    outputs = {
        name: {"value": item["value"]} if "value" in item else {"url": f"{base}/{name}"}
        for name, item in _given(desk, run).items()
    }
    return json_response({"status": run.outcome, "outputs": outputs})


def _bare_results(desk: Desk, request: Request, execution_id: str) -> Response:
    """Give the bytes of the endpoint's one file, or else each value under its name."""
    run = _ended(desk, execution_id)
    if run is None:
        return _ask_again(request)
    given = _given(desk, run)
    for name in given:
        if "value" not in given[name]:
            response = _file(desk, execution_id, name)
            # Whatever the file is: these clients read bytes from no other type.
            response.headers["Content-Type"] = "application/octet-stream"
            response.headers["Execution-Id"] = execution_id
            return response
    return json_response({"outputs": {name: item["value"] for name, item in given.items()}})


def _ended(desk: Desk, execution_id: str) -> Run | None:
    """Find an execution that succeeded; None while it runs on a clock that runs too."""
    run = desk.run(execution_id)
    if not run.is_over(desk.now_ms):
        if desk.history.clock.running:
            return None
        desk.world.finish_execution(execution_id)
        run = desk.run(execution_id)
    if run.outcome != "Succeeded":
        raise Refusal(500, "ExecutionFailedException", f"Execution {execution_id} failed")
    return run


def _ask_again(request: Request) -> Response:
    return Response(307, {"Location": f"{request.path}?{request.query}"}, hold_s=1.0)


def _given(desk: Desk, run: Run) -> dict[str, Payload]:
    """Give the outputs that the endpoint's caller gets, by name."""
    return {
        item["pipeline_output_name"]: item
        for item in execution_detail(desk.history, run, desk.now_ms)["outputs"]
        if item["mapping_type"] == "endpoint"
    }


def _file(desk: Desk, execution_id: str, name: str) -> Response:
    content = value_content(desk.history, desk.run(execution_id), "outputs", name, desk.now_ms)
    if content is None:
        raise not_found("Output", name)
    # Without quotes: clients until 0.64.1 take all that follows the id for the output's name.
    ending = f"attachment; filename=result_{execution_id}_{name}"
    headers = {"Content-Type": content.content_type, "Content-Disposition": ending}
    return Response(200, headers, content.body)

"""Answers about logs and metrics."""

from typing import Any

from craftsync.simulator.desk import Call, Handler, body_of, whole_number
from craftsync.simulator.dice import key_of, roll, share
from craftsync.simulator.lines import NS, Line, build_lines, pod_lines
from craftsync.simulator.messages import Response, json_response, raw_json
from craftsync.simulator.metrics import Filter
from craftsync.simulator.patches import Payload
from craftsync.simulator.payloads import line_payload, lines_json, stream_shown
from craftsync.simulator.quirks import Quirks

_PAGE = 100
_GAUGES = ("cpu_usage", "disk_usage", "ram_usage", "network_input_usage", "network_output_usage")


def window(lines: list[Line], asked: Payload, quirks: Quirks) -> list[Line]:
    """Cut a log to what `from`, `to` (both ms) and `limit` allow, and to the server's own cap."""
    from_ms = whole_number(asked.get("from"), "from")
    to_ms = whole_number(asked.get("to"), "to")
    limit = whole_number(asked.get("limit"), "limit")
    if from_ms is not None:
        first = from_ms * NS + (not quirks.logs_from_inclusive)
        lines = [line for line in lines if line.at_ns >= first]
    if to_ms is not None:
        last = to_ms * NS - (not quirks.logs_to_inclusive)
        lines = [line for line in lines if line.at_ns <= last]
    allowed = [number for number in (limit, quirks.logs_cap) if number is not None]
    if allowed and min(allowed) < len(lines):
        most = max(min(allowed), 0)
        kept_newest = quirks.logs_limit_keeps == "newest"
        lines = lines[len(lines) - most :] if kept_newest else lines[:most]
    return lines


def _execution_logs(call: Call) -> Response:
    quirks = call.desk.history.quirks
    run = call.desk.run(call.names[-1])
    lines = window(call.desk.history.lines(run, call.desk.now_ms), body_of(call.request), quirks)
    streams = stream_shown(call.desk.history, run)
    if not lines and quirks.logs_shape == "nested":
        return json_response([[]] if quirks.logs_without_lines == "[[]]" else [])
    match quirks.logs_shape:
        case "null":
            return json_response(None)
        case "204":
            return Response(204)
        case "empty":
            return json_response([])
        case "flat":
            return raw_json(lines_json(lines, stream=streams))
    parts: list[list[Line]] = [[] for _ in range(1 + max(line.part for line in lines))]
    for line in lines:
        parts[line.part].append(line)
    told = [lines_json(part, stream=streams) for part in parts]
    return raw_json(b"[" + b",".join(told) + b"]")


def _deployment_logs(call: Call) -> Response:
    told = pod_lines(call.desk.deployment(call.names[0]), call.desk.now_ms)
    pods = {id(line): pod_id for pod_id, line in told}
    lines = window([line for _, line in told], body_of(call.request), call.desk.history.quirks)
    return json_response(
        [
            line_payload(line, stream=True) | {"pod_id": pods[id(line)], "type": "deployment"}
            for line in lines
        ]
    )


def _pipeline_logs(call: Call) -> Response:
    lines = build_lines(call.desk.pipeline(call.names[0]))
    cut = window(lines, body_of(call.request), call.desk.history.quirks)
    return json_response([line_payload(line, stream=False) for line in cut])


def _single_values(call: Call) -> Response:
    return _metrics(call, lists=False)


def _list_values(call: Call) -> Response:
    return _metrics(call, lists=True)


def _metrics(call: Call, *, lists: bool) -> Response:
    desk = call.desk
    parameters = call.request.parameters()
    filters = {key[8:-1]: value for key, value in parameters.items() if key.startswith("filters[")}
    asked = Filter(
        name=filters.get("name"),
        pipeline_name=filters.get("pipeline_name"),
        deployment_name=filters.get("deployment_name"),
        execution_id=filters.get("execution_id"),
    )
    rows = desk.metrics(asked, lists=lists)
    size = max(whole_number(parameters.get("items_per_page"), "items_per_page") or _PAGE, 1)
    page = max(whole_number(parameters.get("page"), "page") or 1, 1)
    total = len(rows)
    if lists and desk.history.quirks.list_total_counts == "values":
        total = sum(len(row["values"]) for row in rows)
    return json_response({"metrics": rows[(page - 1) * size : page * size], "total_count": total})


def _resource_metrics(call: Call) -> Response:
    parameters = call.request.parameters()
    start = whole_number(parameters.get("start"), "start") or 0
    end = whole_number(parameters.get("end"), "end") or call.desk.now_ms
    minutes = range(start // 60_000, min(end // 60_000, start // 60_000 + 120))
    drawn = key_of("resources", call.desk.world.seed)
    worker = {"worker": f"worker-{drawn.hex()[:6]}"}
    samples: dict[str, list[list[Any]]] = {
        gauge: [[minute * 60, round(share(roll(drawn, minute), 4 * at), 4)] for minute in minutes]
        for at, gauge in enumerate(_GAUGES)
    }
    if parameters.get("download") == "True":
        rows = [f"{gauge},{at},{value}" for gauge in _GAUGES for at, value in samples[gauge]]
        written = "\n".join(["metric,timestamp,value", *rows, ""])
        return Response(200, {"Content-Type": "text/csv"}, written.encode())
    return json_response(
        {
            "additional_data": {"total_disk": 107374182400, "total_ram": 17179869184},
            "metrics": {gauge: [{"metric": worker, "values": samples[gauge]}] for gauge in _GAUGES},
        }
    )


ROUTES: dict[str, Handler] = {
    "POST executions/*/logs": _execution_logs,
    "POST pipelines/*/executions/*/logs": _execution_logs,  # until 0.46.2
    "POST deployments/*/logs": _deployment_logs,
    "POST pipelines/*/logs": _pipeline_logs,
    "GET metrics/single-value": _single_values,
    "GET metrics/list-values": _list_values,
    "GET resource-metrics": _resource_metrics,
}

"""How the platform words executions and the lines they print."""

import re
from json.encoder import encode_basestring as _quoted
from typing import Any

from craftsync.simulator.clock import iso, iso_ns
from craftsync.simulator.dice import commit_of
from craftsync.simulator.estate import Binding
from craftsync.simulator.history import History, Where
from craftsync.simulator.lines import Line, shows_stream
from craftsync.simulator.patches import ABSENT, Payload, listed, patched
from craftsync.simulator.streams import Run, commit_number
from craftsync.simulator.values import input_value, json_bytes, output_value

_LIST_PATCHES: tuple[Where, ...] = ("everywhere", "list")
_DETAIL_PATCHES: tuple[Where, ...] = ("everywhere", "detail")


def execution_entry(history: History, run: Run, at_ms: int) -> Payload:
    """Word an execution as its list does."""
    entry = _head(history, run, at_ms)
    if history.quirks.steps_in_lists:
        entry["steps"] = _steps(run, at_ms)
    for where in _LIST_PATCHES:
        if patch := history.patches.get((run.execution_id, where)):
            entry = patched(entry, listed(patch) if where == "everywhere" else patch)
    return entry


def execution_detail(history: History, run: Run, at_ms: int, *, values: bool = True) -> Payload:
    """Word one execution whole; without `values` no item has its `value`."""
    detail = _head(history, run, at_ms)
    variables = history.secrets.environment_variables
    detail["steps"] = _steps(run, at_ms)
    detail["inputs"] = [
        _item(history, run, binding)
        | ({"value": input_value(run, at, variables)} if _has_value(binding, values) else {})
        for at, binding in enumerate(run.inputs)
    ]
    known = run.is_over(at_ms) and run.outcome == "Succeeded"
    detail["outputs"] = [
        _item(history, run, binding)
        | (
            {"value": output_value(run, at, variables)}
            if known and _has_value(binding, values)
            else {}
        )
        for at, binding in enumerate(run.outputs)
    ]
    if not run.is_over(at_ms) and history.quirks.outputs_while_running != "without_value":
        detail["outputs"] = None if history.quirks.outputs_while_running == "null" else []
    for where in _DETAIL_PATCHES:
        if patch := history.patches.get((run.execution_id, where)):
            detail = patched(detail, patch if values else _without_values(patch))
    return detail


def line_payload(line: Line, *, stream: bool) -> Payload:
    """Word a line of a log."""
    told: Payload = {"timestamp": iso_ns(line.at_ns), "message": line.message}
    if stream:
        told["stream"] = line.stream
    return told


def lines_json(lines: list[Line], *, stream: bool) -> bytes:
    """Word the lines of one list as JSON; the same as `line_payload` of each, and quicker."""
    told = [
        f'{{"timestamp":"{iso_ns(line.at_ns)}","message":{_quoted(line.message)}'
        + (f',"stream":"{line.stream}"}}' if stream else "}")
        for line in lines
    ]
    text = f"[{','.join(told)}]"
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair stays an escape, as in JavaScript
        return json_bytes([line_payload(line, stream=stream) for line in lines])


def stream_shown(history: History, run: Run) -> bool:
    """Tell whether lines of this execution carry a stream."""
    return shows_stream(run, history.quirks)


def _without_values(patch: Payload) -> Payload:
    return {
        key: [{name: item[name] for name in item if name != "value"} for item in value]
        if key in ("inputs", "outputs") and isinstance(value, list)
        else value
        for key, value in patch.items()
    }


def _head(history: History, run: Run, at_ms: int) -> Payload:
    head: Payload = {
        "execution_id": run.execution_id,
        "status": run.status(at_ms),
        "created_at": iso(run.created_ms),
        "created_by": run.created_by,
        "end_date": iso(run.ended_ms) if run.is_over(at_ms) else None,
        "pipeline_name": run.pipeline.name,
    }
    name = deployment_name(history, run)
    if name is not ABSENT:
        head["deployment_name"] = name
    return head


def deployment_name(history: History, run: Run) -> Any:
    """Give the deployment's name as lists show it; nobody knows how runs fill it."""
    if run.deployment is not None:
        return run.deployment.name
    manner: str = history.quirks.run_deployment_name
    if manner == "varied":
        manner = ("pseudo", "null", "absent")[run.pipeline.position % 3]
    if manner == "pseudo":
        return f"run-{run.pipeline.name}"
    return None if manner == "null" else ABSENT


def _steps(run: Run, at_ms: int) -> list[Payload]:
    plan = run.pipeline.plan
    local = plan.origin == "local"
    begun = run.ran and at_ms >= run.started_ms
    number = commit_number(run.pipeline, run.created_ms)
    stopped_ms = max(run.started_ms, run.ended_ms - 900)
    return [
        {
            "name": run.pipeline.name,
            "status": run.status(at_ms),
            "start_date": iso(run.started_ms) if begun else None,
            "end_date": iso(stopped_ms) if begun and run.is_over(at_ms) else None,
            "commit_id": None if local else commit_of(run.pipeline.pipeline_id, number),
            "repository_url": run.pipeline.repository_url,
            "repository_branch": None if local else plan.branch,
            "requirements_path": "requirements.txt",
            "origin": plan.origin,
        }
    ]


def _item(history: History, run: Run, binding: Binding) -> Payload:
    target = binding.target
    if binding.key == "datastore_path" and history.quirks.datastore_path == "resolved":
        target = _resolved(str(target), run)
    mapping: Payload = {binding.key: target}
    if binding.side == "input":
        mapping["is_required"] = binding.port.required
        if binding.port.default is not None:
            mapping["default_value"] = binding.port.default
    return {
        f"pipeline_{binding.side}_name": binding.port.name,
        "data_type": binding.port.data_type,
        "mapping_type": binding.mapping_type,
        "mapping_value": mapping,
    }


def _resolved(pattern: str, run: Run) -> str:
    day, _, clock = iso(run.created_ms).partition("T")
    filled = {"execution_id": run.execution_id, "date": day, "date_time": f"{day}T{clock[:8]}"}
    return re.sub(r"\{(execution_id|date|date_time)\}", lambda found: filled[found[1]], pattern)


def _has_value(binding: Binding, values: bool) -> bool:
    return values and (binding.port.data_type != "file" or binding.mapping_type == "is_null")

"""The platform's JSON read into records, one function a kind: its keys are known here alone.

The platform's key stands on the right, our column on the left, and nothing is translated on the
way. Each function takes what the redactor left, and has one way to fail: `BadPayload`.
"""

from typing import Any

from craftsync.errors import BadPayload
from craftsync.records import (
    TERMINAL,
    Deployment,
    Execution,
    Key,
    ListedExecution,
    Payload,
    Pipeline,
    Side,
    Step,
)
from craftsync.upstream import exact
from craftsync.upstream.echoes import FINGERPRINT
from craftsync.upstream.fields import (
    FLAWS,
    Columns,
    flag,
    instant,
    instant_or_none,
    name,
    name_or_none,
    objects,
    raw,
    refused,
    shared,
)
from craftsync.upstream.identity import (
    birth_of,
    is_about,
    is_another,
    is_archived,
    made,
    named_pipeline,
    pipeline_of,
    require_about,
    shown_id,
)
from craftsync.upstream.loglines import log_lines
from craftsync.upstream.metricrows import metrics
from craftsync.upstream.redact import Redacted
from craftsync.upstream.values import values

__all__ = [
    "BadPayload",
    "birth_of",
    "deployment",
    "execution",
    "is_about",
    "is_another",
    "is_archived",
    "listed_execution",
    "log_lines",
    "metrics",
    "pipeline",
    "pipeline_of",
    "require_about",
    "settings_of",
    "shown_id",
]

# What changes of a deployment without anybody setting it.
_UNSET = frozenset(("status", "pods", "updated_at", "updated_by", "last_execution_id"))


def listed_execution(payload: Payload, *, scope_pipeline: str) -> ListedExecution:
    """Read an entry of the listing of `scope_pipeline`."""
    try:
        payload = _object(payload)
        return ListedExecution(
            key=Key(name(payload["execution_id"]), instant(payload["created_at"])),
            pipeline_name=shared(name_or_none(payload.get("pipeline_name"))) or scope_pipeline,
            deployment_name=shared(name_or_none(payload.get("deployment_name"))),
            status=shared(Columns().text("status", payload.get("status"))),
            end_date=instant_or_none(payload.get("end_date")),
        )
    except FLAWS as flaw:
        raise refused(f"execution {shown_id(payload)}", payload, flaw) from flaw


def execution(redacted: Redacted, *, scope_pipeline: str) -> Execution:
    """Read an execution as its own GET shows it, found in the listing of `scope_pipeline`."""
    payload = redacted.payload
    try:
        payload = _object(payload)
        columns = Columns()
        status = columns.text("status", payload.get("status"))
        end_date = instant_or_none(payload.get("end_date"))
        # A status that nobody knows is over once there is an end.
        is_over = end_date is not None or (status or "").lower() in TERMINAL
        return Execution(
            key=Key(name(payload["execution_id"]), instant(payload["created_at"])),
            pipeline_name=name_or_none(payload.get("pipeline_name")) or scope_pipeline,
            deployment_name=name_or_none(payload.get("deployment_name")),
            status=status,
            created_by=columns.text("created_by", payload.get("created_by")),
            end_date=end_date,
            steps=tuple(
                _step(step, position)
                for position, step in enumerate(objects(payload.get("steps"), "steps"))
            ),
            inputs=values(
                payload.get("inputs"), Side.INPUT, redacted=redacted.inputs, is_over=is_over
            ),
            outputs=values(
                payload.get("outputs"), Side.OUTPUT, redacted=redacted.outputs, is_over=is_over
            ),
            raw=raw(redacted.body),
            exact=columns.exact,
        )
    except FLAWS as flaw:
        raise refused(f"execution {shown_id(payload)}", payload, flaw) from flaw


def _step(payload: Payload, position: int) -> Step:
    columns = Columns()
    return Step(
        position=position,
        step_name=columns.text("step_name", payload.get("name")),
        status=columns.text("status", payload.get("status")),
        start_date=instant_or_none(payload.get("start_date")),
        end_date=instant_or_none(payload.get("end_date")),
        commit_id=columns.text("commit_id", payload.get("commit_id")),
        repository_url=columns.text("repository_url", payload.get("repository_url")),
        repository_branch=columns.text("repository_branch", payload.get("repository_branch")),
        requirements_path=columns.text("requirements_path", payload.get("requirements_path")),
        origin=columns.text("origin", payload.get("origin")),
        exact=columns.exact,
    )


def pipeline(listed: Redacted, detail: Redacted | None = None) -> Pipeline:
    """Read a pipeline out of its entry in the listing and, where there is one, its own GET."""
    entry = listed.payload
    try:
        entry = _object(entry)
        own = made(_object(detail.payload)) if detail else {}
        columns = Columns()
        return Pipeline(
            name=name(entry.get("pipeline_name") or entry["name"]),
            created_at=instant_or_none(entry.get("created_at")) or instant(own["created_at"]),
            status=columns.text("status", entry.get("status") or own.get("status")),
            listed=raw(listed.body),
            detail=raw(detail.body) if detail else None,
            exact=columns.exact,
        )
    except FLAWS as flaw:
        raise refused(f"pipeline {shown_id(entry, 'pipeline_name')}", entry, flaw) from flaw


def deployment(listed: Redacted | Payload, detail: Redacted | None = None) -> Deployment:
    """Read a deployment out of its entry in the listing and, where there is one, its own GET.

    `raw` holds both, under `listed` and `detail`.
    """
    entry = listed.payload if isinstance(listed, Redacted) else listed
    try:
        entry = _object(entry)
        own = _object(detail.payload) if detail else {}
        both = {**entry, **{key: held for key, held in own.items() if held is not None}}
        get, columns = both.get, Columns()
        mapped_in = get("inputs_mapping", get("inputs"))
        mapped_out = get("outputs_mapping", get("outputs"))
        token = get("endpoint_token")
        return Deployment(
            name=name(entry["name"]),
            created_at=instant_or_none(entry.get("created_at")) or instant(own["created_at"]),
            pipeline_name=name_or_none(named_pipeline(both)),
            execution_rule=columns.text("execution_rule", get("execution_rule") or get("type")),
            mode=columns.text("mode", get("mode")),
            is_enabled=flag(get("is_enabled", get("active"))),
            status=columns.text("status", get("status") or get("update_status")),
            schedule=columns.text("schedule", get("schedule")),
            human_readable_schedule=columns.text(
                "human_readable_schedule", get("human_readable_schedule")
            ),
            endpoint_url_path=columns.text("endpoint_url_path", get("endpoint_url_path")),
            endpoint_token_fingerprint=token if FINGERPRINT.fullmatch(str(token)) else None,
            description=columns.text("description", get("description")),
            created_by=columns.text("created_by", get("created_by")),
            updated_at=instant_or_none(get("updated_at")),
            updated_by=columns.text("updated_by", get("updated_by")),
            inputs_mapping=_json_or_none(columns, "inputs_mapping", mapped_in),
            outputs_mapping=_json_or_none(columns, "outputs_mapping", mapped_out),
            pods=_json_or_none(columns, "pods", get("pods")),
            settings=_settings(columns, own) if detail else None,
            raw=raw(
                exact.dumps({"listed": entry} | ({"detail": own} if detail else {}), ascii=True)
            ),
            exact=columns.exact,
        )
    except FLAWS as flaw:
        raise refused(f"deployment {shown_id(entry, 'name')}", entry, flaw) from flaw


def settings_of(detail: Redacted) -> str:
    """Read out of a deployment's own GET what it is set to, as JSON with sorted keys."""
    try:
        return _settings(Columns(), _object(detail.payload))
    except FLAWS as flaw:
        raise refused(
            f"deployment {shown_id(detail.payload, 'name')}", detail.payload, flaw
        ) from flaw


def _settings(columns: Columns, detail: Payload) -> str:
    settings = {key: held for key, held in detail.items() if key not in _UNSET}
    return columns.json("settings", settings, sort_keys=True)


def _json_or_none(columns: Columns, column: str, value: Any) -> str | None:
    return None if value is None else columns.json(column, value)


def _object(payload: Any) -> Payload:
    if type(payload) is not dict:
        raise TypeError("what is no JSON object")
    return payload

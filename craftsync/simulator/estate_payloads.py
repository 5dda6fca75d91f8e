"""How the platform words pipelines and deployments."""

from typing import Any

from craftsync.simulator.clock import iso
from craftsync.simulator.dice import commit_of
from craftsync.simulator.estate import Binding, Deployment, Pipeline, cron_of, pod_ids
from craftsync.simulator.patches import Payload, listed, patched


def pipeline_entry(pipeline: Pipeline) -> Payload:
    """Word a pipeline as its list does."""
    return {
        "pipeline_name": pipeline.name,
        "created_at": iso(pipeline.created_ms),
        "status": pipeline.status,
    } | listed(pipeline.patch)


def pipeline_detail(pipeline: Pipeline) -> Payload:
    """Word a pipeline; optional keys are absent rather than null."""
    plan = pipeline.plan
    parameters: Payload = {
        "pipeline_name": plan.name,
        "function_path": "src/main.py",
        "function_name": "main",
        "description": plan.description,
        "inputs": [
            _without_none(
                name=port.name,
                data_type=port.data_type,
                is_required=port.required,
                default_value=port.default,
                description=port.description,
            )
            for port in plan.inputs
        ],
        "outputs": [{"name": port.name, "data_type": port.data_type} for port in plan.outputs],
        "container_config": _without_none(
            language="python:3.11-slim",
            repository_url=pipeline.repository_url,
            repository_branch=plan.branch if pipeline.repository_url else None,
            requirements_path="requirements.txt",
        ),
    }
    if plan.description is None:
        del parameters["description"]
    local = plan.origin == "local"
    creation: Payload = {
        "id": pipeline.pipeline_id,
        "is_archived": pipeline.gone_ms is not None,
        "created_at": iso(pipeline.created_ms),
        "created_by": pipeline.created_by,
        "commit_id": None if local else commit_of(pipeline.pipeline_id, 0),
        "status": pipeline.status,
        "origin": plan.origin,
        "pipeline_template": None,
    }
    return patched({"parameters": parameters, "creation_info": creation}, pipeline.patch)


def deployment_entry(deployment: Deployment) -> Payload:
    """Word a deployment as its list does."""
    return {
        "name": deployment.name,
        "pipeline_name": deployment.pipeline.name,
        "execution_rule": deployment.plan.rule,
        "mode": deployment.plan.mode,
        "is_enabled": deployment.enabled,
        "created_at": iso(deployment.created_ms),
    } | listed(deployment.patch)


def deployment_detail(deployment: Deployment) -> Payload:
    """Word a deployment, with the token of its endpoint in clear."""
    plan = deployment.plan
    detail: Payload = {
        "id": deployment.deployment_id,
        "is_archived": deployment.gone_ms is not None,
        "name": plan.name,
        "pipeline": {"id": deployment.pipeline.pipeline_id, "name": deployment.pipeline.name},
        "execution_rule": plan.rule,
        "mode": plan.mode,
        "status": deployment.status,
        "is_enabled": deployment.enabled,
        "description": plan.description,
        "inputs_mapping": [_flat(binding) for binding in deployment.inputs],
        "outputs_mapping": [_flat(binding) for binding in deployment.outputs],
        "created_at": iso(deployment.created_ms),
        "created_by": deployment.created_by,
        "updated_at": iso(deployment.updated_ms),
        "updated_by": deployment.created_by,
    }
    if plan.rule == "endpoint":
        detail["endpoint_token"] = deployment.endpoint_token
        detail["endpoint_url_path"] = deployment.url_path
    else:
        detail["schedule"], detail["human_readable_schedule"] = cron_of(deployment.every_s)
    if plan.mode == "low_latency":
        detail["enable_parallel_executions"] = plan.parallel is not None
        if plan.parallel is not None:
            detail["max_parallel_executions_per_pod"] = plan.parallel
        state = "Running" if deployment.enabled else "Terminated"
        detail["pods"] = [{"pod_id": pod, "status": state} for pod in pod_ids(deployment)]
    return patched(detail, deployment.patch)


def _flat(binding: Binding) -> Payload:
    flat: Payload = {
        f"pipeline_{binding.side}_name": binding.port.name,
        "data_type": binding.port.data_type,
        binding.key: binding.target,
    }
    if binding.port.description is not None:
        flat["description"] = binding.port.description
    if binding.side == "input":
        flat["is_required"] = binding.port.required
        if binding.port.default is not None:
            flat["default_value"] = binding.port.default
    return flat


def _without_none(**given: Any) -> Payload:
    return {key: value for key, value in given.items() if value is not None}

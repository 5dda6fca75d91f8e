"""The platform's answers as its wire contract shows them, to be bent by the tests."""

import copy
from typing import Any

USER = "6f14c7ee-3f0b-4a52-8d0e-9b3b0f2a7a11"

_EXECUTION = {
    "execution_id": "iris-pip-22rn5",
    "status": "Succeeded",
    "created_at": "2025-03-02T08:20:00.101Z",
    "created_by": USER,
    "end_date": "2025-03-02T08:20:41.930Z",
    "pipeline_name": "iris-pip",
    "deployment_name": "iris-predict",
    "steps": [
        {
            "name": "iris-pip",
            "status": "Succeeded",
            "start_date": "2025-03-02T08:20:09.000Z",
            "end_date": "2025-03-02T08:20:41.000Z",
            "commit_id": "a65ffe23c0d7b0c2a2f5b9d2f7c9a1b3d4e5f607",
            "repository_url": "git@example.org:team/iris.git",
            "repository_branch": "main",
            "requirements_path": "requirements.txt",
            "origin": "git_repository",
        }
    ],
    "inputs": [
        {
            "pipeline_input_name": "petal",
            "data_type": "number",
            "mapping_type": "endpoint",
            "mapping_value": {"endpoint_input_name": "petal", "is_required": True},
            "value": 1.4,
        },
        {
            "pipeline_input_name": "bucket",
            "data_type": "string",
            "mapping_type": "environment_variable",
            "mapping_value": {"environment_variable_name": "IRIS_BUCKET"},
            "value": "s3-prod",
        },
        {
            "pipeline_input_name": "seed",
            "data_type": "number",
            "mapping_type": "constant",
            "mapping_value": {"constant_value": 42},
            "value": 42,
        },
        {
            "pipeline_input_name": "photo",
            "data_type": "file",
            "mapping_type": "endpoint",
            "mapping_value": {"endpoint_input_name": "photo"},
        },
        {
            "pipeline_input_name": "model",
            "data_type": "file",
            "mapping_type": "datastore",
            "mapping_value": {"datastore_path": "models/iris.joblib"},
        },
        {
            "pipeline_input_name": "note",
            "data_type": "string",
            "mapping_type": "is_null",
            "mapping_value": {"is_null": True},
            "value": None,
        },
    ],
    "outputs": [
        {
            "pipeline_output_name": "label",
            "data_type": "string",
            "mapping_type": "endpoint",
            "mapping_value": {"endpoint_output_name": "label"},
            "value": "setosa",
        },
        {
            "pipeline_output_name": "report",
            "data_type": "file",
            "mapping_type": "datastore",
            "mapping_value": {"datastore_path": "reports/iris-pip-22rn5.html"},
        },
    ],
}

_LISTED_DEPLOYMENT = {
    "name": "iris-predict",
    "pipeline_name": "iris-pip",
    "execution_rule": "endpoint",
    "mode": "elastic",
    "is_enabled": True,
    "created_at": "2025-03-02T08:11:07.204Z",
}

_DEPLOYMENT = {
    "id": "5a6e",
    "is_archived": False,
    "name": "iris-predict",
    "pipeline": {"id": "91bb", "name": "iris-pip"},
    "execution_rule": "endpoint",
    "mode": "low_latency",
    "status": "up",
    "is_enabled": True,
    "description": "demo",
    "inputs_mapping": [
        {
            "pipeline_input_name": "petal",
            "data_type": "number",
            "endpoint_input_name": "petal",
            "is_required": True,
        },
        {
            "pipeline_input_name": "bucket",
            "data_type": "string",
            "environment_variable_name": "IRIS_BUCKET",
        },
        {"pipeline_input_name": "seed", "data_type": "number", "constant_value": 42},
    ],
    "outputs_mapping": [
        {
            "pipeline_output_name": "label",
            "data_type": "string",
            "endpoint_output_name": "label",
        },
        {
            "pipeline_output_name": "report",
            "data_type": "file",
            "datastore_path": "reports/{execution_id}.html",
        },
    ],
    "endpoint_token": "REDACT-ME",
    "endpoint_url_path": "iris-predict",
    "enable_parallel_executions": True,
    "max_parallel_executions_per_pod": 4,
    "pods": [{"pod_id": "iris-predict-7c9d-x2", "status": "Running"}],
    "created_at": "2025-03-02T08:11:07.204Z",
    "created_by": USER,
    "updated_at": "2025-03-09T10:00:00.000Z",
    "updated_by": USER,
}

_LISTED_PIPELINE = {
    "pipeline_name": "iris-pip",
    "created_at": "2025-03-02T08:00:00.000Z",
    "status": "ready",
}

_PIPELINE = {
    "parameters": {
        "pipeline_name": "iris-pip",
        "function_path": "src/predict.py",
        "function_name": "predict",
        "inputs": [{"name": "petal", "data_type": "number", "is_required": True}],
        "outputs": [{"name": "label", "data_type": "string"}],
        "container_config": {
            "language": "python:3.11-slim",
            "repository_url": "git@example.org:team/iris.git",
            "repository_branch": "main",
        },
    },
    "creation_info": {
        "id": "91bb",
        "is_archived": False,
        "created_at": "2025-03-02T08:00:00.000Z",
        "created_by": USER,
        "commit_id": "a65ffe23",
        "status": "ready",
        "origin": "git_repository",
        "pipeline_template": None,
    },
}

GONE = object()
"""Stands for a key that is not there."""


def _bent(payload: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    bent = {**copy.deepcopy(payload), **changes}
    return {key: held for key, held in bent.items() if held is not GONE}


def an_execution(**changes: Any) -> dict[str, Any]:
    return _bent(_EXECUTION, changes)


def a_listed_execution(**changes: Any) -> dict[str, Any]:
    without = dict.fromkeys(("steps", "inputs", "outputs"), GONE)
    return _bent(_EXECUTION, {**without, **changes})


def an_input(**changes: Any) -> dict[str, Any]:
    return _bent(_EXECUTION["inputs"][0], changes)


def an_output(**changes: Any) -> dict[str, Any]:
    return _bent(_EXECUTION["outputs"][0], changes)


def a_secret_input(value: Any, **changes: Any) -> dict[str, Any]:
    return _bent(_EXECUTION["inputs"][1], {"value": value, **changes})


def a_step(**changes: Any) -> dict[str, Any]:
    return _bent(_EXECUTION["steps"][0], changes)


def a_deployment(**changes: Any) -> dict[str, Any]:
    return _bent(_DEPLOYMENT, changes)


def a_listed_deployment(**changes: Any) -> dict[str, Any]:
    return _bent(_LISTED_DEPLOYMENT, changes)


def a_pipeline(**changes: Any) -> dict[str, Any]:
    return _bent(_PIPELINE, changes)


def a_listed_pipeline(**changes: Any) -> dict[str, Any]:
    return _bent(_LISTED_PIPELINE, changes)

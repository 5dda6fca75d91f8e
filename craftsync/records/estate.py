"""Pipelines and deployments, read out of their listing and their own GET."""

from dataclasses import dataclass
from datetime import datetime

from craftsync.records.words import Raw


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline; `detail` is the raw answer to its own GET, None while only listed."""

    name: str
    created_at: datetime
    status: str | None
    listed: Raw
    detail: Raw | None = None
    exact: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment: its listing entry and its own GET read together."""

    name: str
    created_at: datetime
    pipeline_name: str | None
    execution_rule: str | None
    mode: str | None
    is_enabled: bool | None
    status: str | None
    schedule: str | None
    human_readable_schedule: str | None
    endpoint_url_path: str | None
    endpoint_token_fingerprint: str | None
    description: str | None
    created_by: str | None
    updated_at: datetime | None
    updated_by: str | None
    inputs_mapping: str | None  # JSON, as are the next three
    outputs_mapping: str | None
    pods: str | None
    settings: str | None  # the detail without what changes by itself; keys sorted
    raw: Raw
    exact: str | None = None

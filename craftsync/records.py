"""What flows through the house, from the wire to the store: frozen, without I/O.

Text in these records can be put into any SQL database: NUL stands as U+2400 and a lone surrogate
as U+FFFD. Where that changed something, `exact` of the record holds the truth: a JSON object in
pure ASCII, column name -> exact JSON value. Instants are aware and in UTC. JSON travels as text,
compact, with every digit as the platform sent it. Everything here is already redacted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from typing import IO, Any, NamedTuple, TypeAlias

Payload: TypeAlias = Mapping[str, Any]
"""A decoded JSON object of the platform; only `upstream/payloads.py` knows its keys."""

TERMINAL = frozenset({"succeeded", "failed", "error", "skipped", "success"})
"""Statuses, in lower case, after which an execution does not go on."""


class PartKind(StrEnum):
    """The parts an execution is fetched in."""

    DETAIL = auto()
    INPUT = auto()
    OUTPUT = auto()
    LOGS = auto()
    METRICS = auto()


class PartState(StrEnum):
    """What is held of a part."""

    OK = auto()
    PENDING = auto()  # not asked for yet, or left out by a flag
    ABSENT = auto()  # upstream has none
    TOO_BIG = auto()
    DENIED = auto()
    GONE = auto()
    REDACTED = auto()
    CAPPED = auto()  # the platform gives no more of it
    ERROR = auto()  # tried, failed, tried again later


class GoneCause(StrEnum):
    """Why upstream no longer lists a row."""

    DELETED_BY_CRAFTSYNC = auto()
    DEPLOYMENT_DELETED = auto()
    DELETED_UPSTREAM = auto()


class ObjectKind(StrEnum):
    """What a failure, a raw answer or a scope is about."""

    PIPELINES = auto()  # the listing
    DEPLOYMENTS = auto()  # the listing
    PIPELINE = auto()
    DEPLOYMENT = auto()
    EXECUTION = auto()


class Side(StrEnum):
    """Which side of an execution a value stands on."""

    INPUT = auto()
    OUTPUT = auto()


class Key(NamedTuple):
    """What tells two executions of an environment apart: ids may come back after a delete."""

    execution_id: str
    created_at: datetime


class Incarnation(NamedTuple):
    """What tells two deployments, or two pipelines, of one name apart."""

    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Raw:
    """The platform's answer, redacted: exact compact JSON in ASCII, and its SHA-256 (hex)."""

    body: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class ListedExecution:
    """An execution as its pipeline's listing shows it."""

    key: Key
    pipeline_name: str | None
    deployment_name: str | None
    status: str | None
    end_date: datetime | None


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


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of an execution's `steps`."""

    position: int
    step_name: str | None
    status: str | None
    start_date: datetime | None
    end_date: datetime | None
    commit_id: str | None
    repository_url: str | None
    repository_branch: str | None
    requirements_path: str | None
    origin: str | None
    exact: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output; `via` is the platform's source (input) or destination (output).

    `endpoint_name` is the endpoint's input or output name. `wants_file` says that its bytes are
    to be fetched by a request of their own.
    """

    side: Side
    position: int
    name: str
    data_type: str | None
    via: str | None
    endpoint_name: str | None
    environment_variable_name: str | None
    datastore_path: str | None
    constant_value: str | None  # JSON
    is_null: bool | None
    value: str | None  # JSON
    value_text: str | None
    value_number: float | None
    state: PartState
    wants_file: bool = False
    file_sha256: str | None = None
    size_bytes: int | None = None
    exact: str | None = None


class LogLine(NamedTuple):
    """One line of an execution's log; a tuple, for there are many.

    `timestamp` is the platform's own text; `timestamp_ns` counts nanoseconds since the epoch,
    None when the text is no instant.
    """

    line_number: int  # from 1, over all inner lists
    source: int  # index of the inner list
    timestamp: str | None
    timestamp_ns: int | None
    stream: str | None
    message: str
    exact: str | None = None  # the message as a JSON string in ASCII, where `message` is not exact


@dataclass(frozen=True, slots=True)
class Metric:
    """One recorded value; a list metric gives one a position."""

    name: str
    position: int
    value: float | None
    value_text: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """What became of a part that is not simply held, or was fetched on its own."""

    kind: PartKind
    name: str  # '' where there is none
    state: PartState
    size_bytes: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution as its own GET shows it."""

    key: Key
    pipeline_name: str
    deployment_name: str | None
    status: str | None
    created_by: str | None
    end_date: datetime | None
    steps: tuple[Step, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    raw: Raw
    exact: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the platform's word for its status is a final one."""
        return (self.status or "").lower() in TERMINAL

    @property
    def started_at(self) -> datetime | None:
        """The least step start, None when no step has started."""
        return min((step.start_date for step in self.steps if step.start_date), default=None)

    @property
    def commit_id(self) -> str | None:
        """The first step's commit that is known."""
        return next((step.commit_id for step in self.steps if step.commit_id), None)


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The bytes of a file value, spooled: `content` is at its start, closed by who saves it."""

    sha256: str
    size_bytes: int
    content: IO[bytes]


@dataclass(frozen=True, slots=True)
class FetchedPart:
    """A part of an execution that was asked for by itself: what came, or why nothing did."""

    part: Part
    lines: tuple[LogLine, ...] | None = None
    metrics: tuple[Metric, ...] | None = None
    file: FileBytes | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """One execution with everything that was fetched of it.

    `lines` is None when logs were not asked for or could not be read (`parts` says which);
    `metrics` likewise. `parts` has a row for each part that is not simply held.
    """

    execution: Execution
    lines: tuple[LogLine, ...] | None
    metrics: tuple[Metric, ...] | None = None
    parts: tuple[Part, ...] = ()
    files: tuple[FileBytes, ...] = field(default=())

    def state_of(self, kind: PartKind, name: str = "") -> PartState:
        """Return the state of a part that `parts` may name; one it does not name is held."""
        for part in self.parts:
            if part.kind is kind and part.name == name:
                return part.state
        return PartState.OK

    def close(self) -> None:
        """Let go of the spooled files of one that will not be saved."""
        for file in self.files:
            file.content.close()

"""One execution: as its own GET shows it, and whole with all its parts."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, NamedTuple

from craftsync.records.words import TERMINAL, Key, PartKind, PartState, Raw, Side


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

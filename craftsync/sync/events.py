"""What a sync says while it works: values, for whoever listens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from craftsync.errors import Usage


@dataclass(frozen=True, slots=True)
class Began:
    """An environment is about to be mirrored."""

    environment: str
    url: str
    store: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A pipeline's executions are listed; `to_fetch` of them will be asked for."""

    environment: str
    pipeline_name: str
    executions: int
    to_fetch: int


@dataclass(frozen=True, slots=True)
class Saved:
    """A batch is safely in the store; `fetched` counts all of this run."""

    executions: int
    fetched: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that waits for the next run, named: object, part, reason."""

    object_kind: str
    object_id: str
    part: str
    why: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """Absences that were not believed, a scope at a time."""

    kind: str  # pipelines, deployments or executions
    scope: str  # the pipeline, '' for the two others
    listed: int
    known: int
    missing: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the sync of one environment ended, with its figures."""

    environment: str
    url: str
    store: str
    run_id: int
    outcome: str
    started_at: datetime
    deployments: int = 0
    deployments_changed: int = 0
    pipelines: int = 0
    listed: int = 0
    new: int = 0
    fetched: int = 0
    running: int = 0
    gone: int = 0
    withheld: tuple[Withheld, ...] = ()
    failed: tuple[Failure, ...] = ()
    parts: int = 0
    too_big: int = 0
    requests: int = 0
    bytes_received: int = 0
    seconds: float = 0.0
    exit_code: int = 0
    error: str | None = None
    hint: str | None = None

    @property
    def is_mistaken(self) -> bool:
        """Whether the user's words did not fit: such a run leaves no record."""
        return self.exit_code == Usage.exit_code

    @property
    def unchanged(self) -> int:
        """How many listed executions needed no request of their own."""
        return max(self.listed - self.fetched, 0)  # one that was not listed may be fetched too

    @property
    def withheld_count(self) -> int:
        """How many absences were not believed."""
        return sum(one.missing for one in self.withheld)


Event: TypeAlias = Began | Listed | Saved | Failure | Withheld | Outcome
Listener: TypeAlias = Callable[[Event], None]

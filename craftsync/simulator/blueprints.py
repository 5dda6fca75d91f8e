"""What has to be known of a pipeline or a deployment before it can be made."""

from dataclasses import dataclass
from typing import Any, Literal

Rule = Literal["endpoint", "periodic", "run"]
Mode = Literal["elastic", "low_latency"]


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of a pipeline, and where its value comes from or goes to.

    `via` is the mapping type; `endpoint` stands for "from the caller" and becomes `run` in a direct
    run and a constant under a schedule. `target` is a constant, a variable's name or a path.
    """

    name: str
    data_type: str
    via: str = "endpoint"
    target: Any = None
    required: bool = True
    default: Any = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelinePlan:
    """A pipeline before it is built."""

    name: str
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    origin: Literal["git_repository", "local"] = "git_repository"
    repository_url: str | None = None
    branch: str = "main"
    description: str | None = None
    typical_run_s: float = 30.0
    queue_s: float = 1.5  # at least
    grows: bool = False  # each commit makes it a little slower
    metrics: tuple[str, ...] = ()
    list_metrics: tuple[str, ...] = ()
    logs_stream: bool = False
    runs_weight: int = 0
    runs_every_s: int = 3 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPlan:
    """A deployment before it is made; `every_s` is the schedule, or the mean time between calls."""

    name: str
    pipeline: str
    rule: Literal["endpoint", "periodic"]
    every_s: int
    weight: int
    mode: Mode = "elastic"
    description: str | None = None
    enabled: bool = True
    parallel: int | None = None

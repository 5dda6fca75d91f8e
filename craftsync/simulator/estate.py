"""Pipelines and deployments as they stand, and how their inputs and outputs are wired.

A name that was deleted and made again is a new object with a new id, token and creation date.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from craftsync.simulator.blueprints import DeploymentPlan, PipelinePlan, Port, Rule
from craftsync.simulator.dice import key_of, pick, uuid_of

INPUT_KEYS = {
    "endpoint": "endpoint_input_name",
    "run": "run_input_name",
    "constant": "constant_value",
    "environment_variable": "environment_variable_name",
    "datastore": "datastore_path",
    "is_null": "is_null",
}
OUTPUT_KEYS = {
    "endpoint": "endpoint_output_name",
    "run": "run_output_name",
    "datastore": "datastore_path",
    "is_null": "is_null",
}
USERS = (
    ("Ada Martin", "ada.martin@example.org"),
    ("Boris Petit", "boris.petit@example.org"),
    ("Chloé Durand", "chloe.durand@example.org"),
)


@dataclass(frozen=True, slots=True)
class Binding:
    """One input or output, wired: `target` stands under `key` in the mapping."""

    side: Literal["input", "output"]
    port: Port
    mapping_type: str
    key: str
    target: Any


@dataclass(slots=True)
class Pipeline:
    """A pipeline between its creation and its end."""

    plan: PipelinePlan
    pipeline_id: str
    created_ms: int
    created_by: str
    repository_url: str | None
    seen_by: tuple[Binding, ...] = ()  # inputs of a direct run
    gives: tuple[Binding, ...] = ()  # outputs of a direct run
    position: int = 0
    polls_left: int = 0
    creation_fails: bool = False
    gone_ms: int | None = None
    patch: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Give the name that its paths use."""
        return self.plan.name

    @property
    def status(self) -> str:
        """Give the state of its creation."""
        if self.polls_left:
            return "creation_pending"
        return "creation_failed" if self.creation_fails else "ready"


@dataclass(slots=True)
class Deployment:
    """A deployment between its creation and its end."""

    plan: DeploymentPlan
    pipeline: Pipeline
    deployment_id: str
    created_ms: int
    created_by: str
    endpoint_token: str
    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    every_s: int
    updated_ms: int
    enabled: bool = True
    polls_left: int = 0
    creation_fails: bool = False
    gone_ms: int | None = None
    patch: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Give the name that its paths use."""
        return self.plan.name

    @property
    def url_path(self) -> str:
        """Give the last part of the URL that triggers it."""
        return str(self.patch.get("endpoint_url_path", self.name))

    @property
    def status(self) -> str:
        """Give the state that a reply shows."""
        if self.polls_left:
            return "creation_pending"
        if self.creation_fails:
            return "creation_failed"
        return "up" if self.enabled else "disabled"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Everything a world holds that must not be seen by a stranger."""

    sdk_token: str
    environment_variables: dict[str, str]
    repository_password: str

    def all(self) -> tuple[str, ...]:
        """Give each secret value once; endpoint tokens belong to their deployments."""
        return (self.sdk_token, *self.environment_variables.values(), self.repository_password)


def build_pipeline(
    plan: PipelinePlan, *, seed: int, created_ms: int, position: int, password: str
) -> Pipeline:
    """Build a pipeline as of `created_ms`."""
    url = plan.repository_url
    if url is None and plan.origin == "git_repository":
        url = f"git@git.example.org:team/{plan.name}.git"
    return Pipeline(
        plan=plan,
        pipeline_id=uuid_of("pipeline", seed, plan.name, created_ms),
        created_ms=created_ms,
        created_by=user_id(seed, position),
        repository_url=None if url is None else url.replace("{password}", password),
        seen_by=tuple(bind_input(port, "run") for port in plan.inputs),
        gives=tuple(bind_output(port, "run") for port in plan.outputs),
        position=position,
    )


def build_deployment(
    plan: DeploymentPlan, pipeline: Pipeline, *, seed: int, created_ms: int, every_s: int
) -> Deployment:
    """Make a deployment as of `created_ms`."""
    drawn = key_of("deployment", seed, plan.name, created_ms)
    return Deployment(
        plan=plan,
        pipeline=pipeline,
        deployment_id=uuid_of("deployment", seed, plan.name, created_ms),
        created_ms=created_ms,
        created_by=user_id(seed, drawn[0]),
        endpoint_token="ept-" + drawn.hex()[:40],
        inputs=tuple(bind_input(port, plan.rule) for port in pipeline.plan.inputs),
        outputs=tuple(bind_output(port, plan.rule) for port in pipeline.plan.outputs),
        every_s=every_s,
        updated_ms=created_ms,
        enabled=plan.enabled,
    )


def user_id(seed: int, number: int) -> str:
    """Give the id of one of the users."""
    return uuid_of("user", seed, number % len(USERS))


def bind_input(port: Port, rule: Rule) -> Binding:
    """Wire an input: what a caller gives becomes a constant where nobody calls."""
    if port.via != "endpoint":
        target = True if port.via == "is_null" else port.target
        return Binding("input", port, port.via, INPUT_KEYS[port.via], target)
    if rule != "periodic":
        return Binding("input", port, rule, INPUT_KEYS[rule], port.name)
    if port.data_type == "file":
        return Binding("input", port, "datastore", "datastore_path", f"inputs/{port.name}")
    constant = port.target if port.target is not None else port.default
    if constant is None:
        return Binding("input", port, "is_null", "is_null", target=True)
    return Binding("input", port, "constant", "constant_value", constant)


def bind_output(port: Port, rule: Rule) -> Binding:
    """Wire an output: what a caller would take goes to the data store where nobody calls."""
    if port.via != "endpoint":
        target = True if port.via == "is_null" else port.target
        return Binding("output", port, port.via, OUTPUT_KEYS[port.via], target)
    if rule != "periodic":
        return Binding("output", port, rule, OUTPUT_KEYS[rule], port.name)
    if port.data_type == "file":
        return Binding(
            "output", port, "datastore", "datastore_path", f"outputs/{{execution_id}}/{port.name}"
        )
    return Binding("output", port, "is_null", "is_null", target=True)


def rebind(bindings: tuple[Binding, ...], mappings: list[dict[str, Any]]) -> tuple[Binding, ...]:
    """Apply mappings as a creation request gives them; what they do not name stays as it is."""
    wired = {binding.port.name: binding for binding in bindings}
    for mapping in mappings:
        name = mapping.get("pipeline_input_name", mapping.get("pipeline_output_name"))
        known = wired.get(str(name))
        if known is None:
            continue
        keys = INPUT_KEYS if known.side == "input" else OUTPUT_KEYS
        for mapping_type, key in keys.items():
            if key in mapping:
                wired[known.port.name] = replace(
                    known, mapping_type=mapping_type, key=key, target=mapping[key]
                )
    return tuple(wired.values())


def make_secrets(seed: int, names: tuple[str, ...], sdk_token: str | None) -> Secrets:
    """Make up the secrets of a world."""
    prefixes = ("s3://iris-", "sk_live_", "postgres://fraud:", "OCR-")
    return Secrets(
        sdk_token=sdk_token or "sdk-" + key_of("sdk token", seed).hex()[:48],
        environment_variables={
            name: prefixes[number % len(prefixes)] + key_of("variable", seed, name).hex()[:24]
            for number, name in enumerate(names)
        },
        repository_password=key_of("repository", seed).hex()[:20],
    )


def cron_of(every_s: int) -> tuple[str, str]:
    """Give the schedule of a period, for the platform and for people."""
    hours, minutes = divmod(max(every_s // 60, 1), 60)
    if hours // 24:
        return "0 0 * * *", "At 12:00 AM"
    if hours:
        return f"0 */{hours} * * *", f"Every {hours} hours"
    return f"*/{minutes} * * * *", f"Every {minutes} minutes"


def pod_ids(deployment: Deployment) -> tuple[str, ...]:
    """Name the pods of a low-latency deployment."""
    drawn = key_of("pods", deployment.deployment_id)
    letters = pick(("7c9d", "58fb", "6d4b"), drawn, 0)
    return tuple(f"{deployment.name}-{letters}-{drawn.hex()[at : at + 5]}" for at in (4, 12))

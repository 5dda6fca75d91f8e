"""The true history, for whoever checks a mirror: what is visible now, whole, and what went.

It is made from the same objects as the replies, without going through HTTP, faults, overrides of
single bodies, caps or windows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from craftsync.simulator.clock import iso, iso_ns
from craftsync.simulator.estate_payloads import (
    deployment_detail,
    deployment_entry,
    pipeline_detail,
    pipeline_entry,
)
from craftsync.simulator.history import Deletion, History
from craftsync.simulator.metrics import Row, metrics_of
from craftsync.simulator.payloads import execution_detail, stream_shown
from craftsync.simulator.reading import value_content
from craftsync.simulator.streams import Run


@dataclass(frozen=True, slots=True)
class TrueLine:
    """A log line: `part` is the inner list it comes in, `stream` None where none is sent."""

    part: int
    timestamp: str
    message: str
    stream: str | None


@dataclass(frozen=True, slots=True)
class TrueValue:
    """An input or output: `item` as the detail words it, `content` the bytes of a file value."""

    name: str
    data_type: str
    mapping_type: str
    item: dict[str, Any]
    content: bytes | None

    @property
    def has_value(self) -> bool:
        """Tell whether the detail carries a value, be it null."""
        return "value" in self.item

    @property
    def value(self) -> Any:
        """Give the value in the detail; None where there is none."""
        return self.item.get("value")


@dataclass(frozen=True, slots=True)
class TrueExecution:
    """One execution whole, as it stands now."""

    execution_id: str
    pipeline_name: str
    created_at: str
    status: str
    end_date: str | None
    deployment_name: str | None
    deployment_created_at: str | None
    detail: dict[str, Any]
    steps: list[dict[str, Any]]
    inputs: tuple[TrueValue, ...]
    outputs: tuple[TrueValue, ...]
    lines: tuple[TrueLine, ...]
    metrics: tuple[Row, ...]

    @property
    def is_over(self) -> bool:
        """Tell whether its status is one of the four last ones."""
        return self.status in ("Succeeded", "Failed", "Error", "Skipped")


class Truth:
    """Read the history as it is at one instant."""

    def __init__(self, history: History, at_ms: int) -> None:
        self._history = history
        self._at_ms = at_ms

    def pipelines(self) -> Iterator[dict[str, Any]]:
        """Give each pipeline: its list entry, with the whole of it under `detail`."""
        for pipeline in self._history.pipelines.values():
            yield pipeline_entry(pipeline) | {"detail": pipeline_detail(pipeline)}

    def deployments(self) -> Iterator[dict[str, Any]]:
        """Give each deployment: its list entry, with the whole of it under `detail`."""
        for deployment in self._history.deployments.values():
            yield deployment_entry(deployment) | {"detail": deployment_detail(deployment)}

    def executions(self, pipeline_name: str | None = None) -> Iterator[TrueExecution]:
        """Give each execution, of one pipeline or of all."""
        history = self._history
        if pipeline_name is None:
            runs = history.runs(self._at_ms)
        else:
            runs = history.runs_of(pipeline_name, self._at_ms)
        return map(self._whole, runs)

    def execution(self, execution_id: str) -> TrueExecution | None:
        """Give one execution; None if the platform does not show it."""
        run = self._history.find(execution_id, self._at_ms)
        return self._whole(run) if run else None

    def execution_ids(self) -> set[str]:
        """Give the ids of all executions; the cheapest way to compare two sides."""
        return {run.execution_id for run in self._history.runs(self._at_ms)}

    def deletions(self) -> list[Deletion]:
        """Give what was deleted and when; a deployment stands for all its executions."""
        return list(self._history.deletions)

    def _whole(self, run: Run) -> TrueExecution:
        history, at_ms = self._history, self._at_ms
        detail = execution_detail(history, run, at_ms)
        deployment = run.deployment
        streams = stream_shown(history, run)
        return TrueExecution(
            execution_id=detail["execution_id"],
            pipeline_name=detail["pipeline_name"],
            created_at=detail["created_at"],
            status=detail["status"],
            end_date=detail.get("end_date"),
            deployment_name=detail.get("deployment_name"),
            deployment_created_at=iso(deployment.created_ms) if deployment else None,
            detail=detail,
            steps=detail.get("steps") or [],
            inputs=self._values(run, "inputs", detail),
            outputs=self._values(run, "outputs", detail),
            lines=tuple(
                TrueLine(
                    line.part, iso_ns(line.at_ns), line.message, line.stream if streams else None
                )
                for line in history.lines(run, at_ms)
            ),
            metrics=tuple(
                row
                for lists in (False, True)
                for row in metrics_of(history, run, at_ms, lists=lists)
            ),
        )

    def _values(self, run: Run, side: str, detail: dict[str, Any]) -> tuple[TrueValue, ...]:
        return tuple(self._value(run, side, item) for item in detail.get(side) or [])

    def _value(self, run: Run, side: str, item: dict[str, Any]) -> TrueValue:
        name = item[f"pipeline_{side[:-1]}_name"]
        content = None
        if item.get("data_type") == "file":
            found = value_content(self._history, run, side, name, self._at_ms)
            content = None if found is None or found.body == b"null" else found.body
        return TrueValue(
            name, str(item.get("data_type")), str(item.get("mapping_type")), item, content
        )

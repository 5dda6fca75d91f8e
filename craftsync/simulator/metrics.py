"""Metrics that executions record: half-way through, a few pipelines only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from craftsync.simulator.clock import iso
from craftsync.simulator.dice import roll, share
from craftsync.simulator.history import History
from craftsync.simulator.patches import ABSENT
from craftsync.simulator.payloads import deployment_name
from craftsync.simulator.streams import Run

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which metrics are asked for; None asks for all."""

    name: str | None = None
    pipeline_name: str | None = None
    deployment_name: str | None = None
    execution_id: str | None = None


def metrics_of(history: History, run: Run, at_ms: int, *, lists: bool) -> Iterator[Row]:
    """Give what one execution has recorded until an instant, single values or lists."""
    plan = run.pipeline.plan
    recorded_ms = (run.started_ms + run.ended_ms) // 2
    kind = "values" if lists else "value"
    if run.ran and recorded_ms <= at_ms:
        for number, name in enumerate(plan.list_metrics if lists else plan.metrics):
            drawn = roll(run.drawn[:32], 500 + number + 50 * lists)
            value: Any = round(share(drawn, 0), 6)
            if lists:
                value = [round(share(drawn, at) / (1 + at), 6) for at in range(drawn[0] % 12)]
            yield _row(history, run, name, kind, value, recorded_ms)
    for name, at, value in history.metrics_recorded.get(run.execution_id, ()):
        if isinstance(value, list) == lists:
            yield _row(history, run, name, kind, value, at)


def select(history: History, asked: Filter, at_ms: int, *, lists: bool) -> list[Row]:
    """Give all metrics that pass a filter, oldest execution first within its pipeline."""
    if asked.execution_id is not None:
        run = history.find(asked.execution_id, at_ms)
        runs: Iterator[Run] = iter([run] if run else [])
    elif asked.pipeline_name is not None:
        runs = history.runs_of(asked.pipeline_name, at_ms)
    else:
        runs = (
            run
            for name in history.pipelines
            if _records(history, name)
            for run in history.runs_of(name, at_ms)
        )
    return [
        row
        for run in runs
        for row in metrics_of(history, run, at_ms, lists=lists)
        if asked.name in (None, row["name"])
        and asked.deployment_name in (None, row.get("deployment_name"))
    ]


def record(history: History, run: Run, name: str, value: Any, at_ms: int) -> None:
    """Take down a metric that code recorded; a single value replaces the one before."""
    rows = history.metrics_recorded.setdefault(run.execution_id, [])
    for number, (known, _, before) in enumerate(rows):
        if known == name and isinstance(before, list) == isinstance(value, list):
            rows[number] = (name, at_ms, before + value if isinstance(value, list) else value)
            return
    rows.append((name, at_ms, value))
    history.touch(run.pipeline.name)


def _records(history: History, pipeline_name: str) -> bool:
    plan = history.pipelines[pipeline_name].plan
    if plan.metrics or plan.list_metrics:
        return True
    recorded = history.metrics_recorded
    return any(key.startswith(pipeline_name) or key in history.single_ids for key in recorded)


def _row(history: History, run: Run, name: str, kind: str, value: Any, at_ms: int) -> Row:
    shown = deployment_name(history, run)
    return {
        "name": name,
        kind: value,
        "created_at": iso(at_ms),
        "execution_id": run.execution_id,
        "deployment_name": None if shown is ABSENT else shown,
        "pipeline_name": run.pipeline.name,
    }

"""A report as one object, for `--json`: the model of `craftsync.report`, named for scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from craftsync.cli.formats import Raw
from craftsync.report.figures import Compared, Figures, Outcomes
from craftsync.report.model import Group, Lengths, Report

Object = Mapping[str, object]


def as_object(report: Report) -> Object:
    """Return a report as an object for `formats.one`: mappings, lists, numbers and instants."""
    extent = report.extent
    return {
        "since": report.since,
        "until": report.until,
        "before_since": report.before_since,
        "as_of": report.as_of,
        "stale": report.stale,
        "environment": report.environment,
        "pipeline_name": report.pipeline_name,
        "history": {
            "executions": extent.held,
            "oldest_at": extent.oldest_at,
            "newest_at": extent.newest_at,
        },
        "headline": {**report.figures, "few": report.total.now.is_few},
        "before": _figures(report.total.before),
        "by": report.by,
        "buckets": _buckets(report.buckets, report.by_bucket),
        "deployments": [_group(one, report.buckets) for one in report.groups],
        "durations": [_lengths(one, report.buckets) for one in report.lengths],
        "failures": _rows(report.failures),
        "regressions": _rows(report.regressions),
        "stuck": _rows(report.stuck),
        "missed": _rows(report.missed),
        "drift": _rows(report.drift),
        "config_changes": _rows(report.changes, nested=("old_value", "new_value")),
        "mirror": [{**_row(one), "parts_held": one.held} for one in report.mirror],
    }


def _figures(figures: Figures) -> Object:
    return {
        **_row(figures),
        "ended": figures.ended,
        "failure_rate": figures.failure_rate,
        "error_rate": figures.error_rate,
        "few": figures.is_few,
    }


def _changes(compared: Compared) -> Object:
    return {
        "runs_change": compared.runs_change,
        "failure_rate_delta": compared.failure_rate_delta,
        "run_p50_change": compared.run_p50_change,
        "run_p95_change": compared.run_p95_change,
        "queue_p95_change": compared.queue_p95_change,
        "trend": str(compared.failing),
    }


def _group(group: Group, buckets: Sequence[datetime]) -> Object:
    return {
        "environment": group.environment,
        "pipeline_name": group.pipeline_name,
        "deployment_name": group.deployment_name,
        **_figures(group.compared.now),
        **_changes(group.compared),
        "before": _figures(group.compared.before),
        "buckets": _buckets(buckets, group.trend),
    }


def _buckets(buckets: Sequence[datetime], outcomes: Sequence[Outcomes]) -> list[Object]:
    return [
        {"starts_at": at, **_row(one), "failure_rate": one.failure_rate}
        for at, one in zip(buckets, outcomes, strict=True)
    ]


def _lengths(lengths: Lengths, buckets: Sequence[datetime]) -> Object:
    return {
        "environment": lengths.environment,
        "pipeline_name": lengths.pipeline_name,
        "buckets": [
            {"starts_at": at, **_row(one)}
            for at, one in zip(buckets, lengths.over_time, strict=True)
            if one is not None
        ],
    }


def _rows(found: Sequence[Any], *, nested: tuple[str, ...] = ()) -> list[Object]:
    return [
        {name: Raw(cell) if name in nested and cell else cell for name, cell in _row(one).items()}
        for one in found
    ]


def _row(one: Any) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(one)}

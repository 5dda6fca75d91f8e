"""Save and find pipelines and deployments. The caller owns the transaction, clock and revision.

A name that comes with another `created_at` is another object: it gets a row of its own, and the
one that had the name is gone. What is as it is held is not written.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, update

from craftsync import records
from craftsync.records import Incarnation, ObjectKind, Raw
from craftsync.store import raw
from craftsync.store.environments import Rev, number_of
from craftsync.store.incarnations import (
    EstateSaved,
    answer_hashes,
    held_rows,
    mark_gone,
    save,
)
from craftsync.store.models import Deployment, Execution, Pipeline
from craftsync.store.upsert import table_of
from craftsync.store.versions import note_versions, with_settings

__all__ = [
    "EstateSaved",
    "HeldDeployment",
    "HeldPipeline",
    "held_deployments",
    "held_pipelines",
    "mark_deployments_gone",
    "mark_pipelines_gone",
    "save_deployments",
    "save_pipelines",
]

_PIPELINE, _DEPLOYMENT = table_of(Pipeline), table_of(Deployment)
_OURS = frozenset(
    {
        "key",
        "environment_key",
        "name",
        "created_at",
        "first_seen_at",
        "last_seen_at",
        "gone_at",
        "rev",
    }
)


class HeldPipeline(NamedTuple):
    """What the store knows of a pipeline; `detail_sha256` is None until its own GET was read."""

    pipeline_key: int
    incarnation: Incarnation
    status: str | None
    gone: bool
    listed_sha256: str | None
    detail_sha256: str | None


class HeldDeployment(NamedTuple):
    """What the store knows of a deployment; `has_detail` once its own GET was read."""

    deployment_key: int
    incarnation: Incarnation
    pipeline_name: str | None
    status: str | None
    gone: bool
    raw_sha256: str | None
    has_detail: bool = True


def held_pipelines(connection: Connection, environment_key: int) -> Iterator[HeldPipeline]:
    """Give all pipelines held, gone ones too."""
    hashes = answer_hashes(connection, (ObjectKind.PIPELINE.value, raw.PIPELINE_LISTED))
    for row in held_rows(connection, Pipeline, environment_key):
        yield HeldPipeline(
            row.key,
            Incarnation(row.name, row.created_at),
            row.status,
            row.gone_at is not None,
            hashes.get((raw.PIPELINE_LISTED, row.key)),
            hashes.get((ObjectKind.PIPELINE.value, row.key)),
        )


def held_deployments(connection: Connection, environment_key: int) -> Iterator[HeldDeployment]:
    """Give all deployments held, gone ones too."""
    hashes = answer_hashes(connection, (ObjectKind.DEPLOYMENT.value,))
    detailed = with_settings(connection)
    for row in held_rows(connection, Deployment, environment_key):
        yield HeldDeployment(
            row.key,
            Incarnation(row.name, row.created_at),
            row.pipeline_name,
            row.status,
            row.gone_at is not None,
            hashes.get((ObjectKind.DEPLOYMENT.value, row.key)),
            row.key in detailed,
        )


def save_pipelines(
    connection: Connection,
    environment_key: int,
    pipelines: Sequence[records.Pipeline],
    *,
    seen_at: datetime,
    rev: int | Rev,
) -> EstateSaved:
    """Write pipelines as listed; a `detail` of None leaves the one that is held."""
    fresh = {
        Incarnation(one.name, one.created_at): (
            {"status": one.status, "exact": one.exact},
            _answers((raw.PIPELINE_LISTED, one.listed), (ObjectKind.PIPELINE.value, one.detail)),
        )
        for one in pipelines
    }
    saved, _ = save(connection, Pipeline, environment_key, fresh, seen_at=seen_at, rev=rev)
    return saved


def save_deployments(
    connection: Connection,
    environment_key: int,
    deployments: Sequence[records.Deployment],
    *,
    seen_at: datetime,
    rev: int | Rev,
) -> EstateSaved:
    """Write deployments, a version where the settings differ from the last one's."""
    names = [name for name in _DEPLOYMENT.c.keys() if name not in _OURS]  # noqa: SIM118
    by_incarnation = {Incarnation(one.name, one.created_at): one for one in deployments}
    fresh = {
        incarnation: (
            {name: getattr(one, name) for name in names},
            _answers((ObjectKind.DEPLOYMENT.value, one.raw)),
        )
        for incarnation, one in by_incarnation.items()
    }
    saved, keys = save(connection, Deployment, environment_key, fresh, seen_at=seen_at, rev=rev)
    written = {keys[one]: by_incarnation[one] for one in (*saved.new, *saved.changed)}
    note_versions(connection, written, seen_at=seen_at)
    for one in saved.new:
        _carry(connection, environment_key, one, number_of(rev))
    return saved


def mark_pipelines_gone(
    connection: Connection, pipeline_keys: Collection[int], *, gone_at: datetime, rev: int | Rev
) -> int:
    """Leave tombstones: confirmed absent upstream. Returns how many were not gone before."""
    return mark_gone(connection, _PIPELINE, pipeline_keys, gone_at=gone_at, rev=rev)


def mark_deployments_gone(
    connection: Connection, deployment_keys: Collection[int], *, gone_at: datetime, rev: int | Rev
) -> int:
    """Leave tombstones: confirmed absent upstream. Returns how many were not gone before."""
    return mark_gone(connection, _DEPLOYMENT, deployment_keys, gone_at=gone_at, rev=rev)


def _answers(*answers: tuple[str, Raw | None]) -> dict[str, Raw]:
    return {kind: answer for kind, answer in answers if answer is not None}


def _carry(connection: Connection, environment_key: int, one: Incarnation, rev: int) -> None:
    """Let all that a new incarnation changes by being there carry the revision.

    Executions after it point to it now; the last execution of its namesakes may be another.
    """
    execution = table_of(Execution)
    connection.execute(
        update(execution)
        .where(
            execution.c.environment_key == environment_key,
            execution.c.deployment_name == one.name,
            execution.c.created_at >= one.created_at,
        )
        .values(rev=rev)
    )
    connection.execute(
        update(_DEPLOYMENT)
        .where(_DEPLOYMENT.c.environment_key == environment_key, _DEPLOYMENT.c.name == one.name)
        .values(rev=rev)
    )

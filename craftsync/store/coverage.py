"""Which run last listed a pipeline to its end, and what became of later ones that were to.

Runs are told apart by their numbers, since a clock may be set back. What a run was to cover is not
written down: it is told by what it left behind, and where that says nothing, it may have been all.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from craftsync.records import ObjectKind
from craftsync.store.failures import EXECUTIONS, LISTING
from craftsync.store.models import Scope, SyncFailure, SyncRun
from craftsync.store.upsert import table_of

RUNNING = "running"
"""The outcome of a run that has not ended, or whose process has died."""

_SCOPE, _RUN, _FAILURE = table_of(Scope).c, table_of(SyncRun).c, table_of(SyncFailure).c
_TO_ITS_END = ("complete", "withheld")
_EVERY = (ObjectKind.PIPELINES.value, "")


class Coverage(NamedTuple):
    """The last run that listed a pipeline to its end: when it began, how it ended.

    Of the runs after it: `error` is what the pipeline, or all of them, could not be listed by;
    `passed_over` says that one listed all pipelines to their end, but not this one's executions;
    `cut_short` is the outcome of one that may have been to list it and did not get to its own end,
    and `running` only where there is no other.
    """

    at: datetime
    outcome: str | None
    error: str | None = None
    passed_over: bool = False
    cut_short: str | None = None


class _Run(NamedTuple):
    run_id: int
    outcome: str | None


def coverage(connection: Connection, environment_key: int) -> dict[str, Coverage]:
    """Return, by pipeline, the last run that listed it to its end, with what came after it."""
    scopes = {
        (kind, name): at
        for kind, name, at in connection.execute(
            select(_SCOPE.kind, _SCOPE.name, _SCOPE.last_complete_at).where(
                _SCOPE.environment_key == environment_key,
                _SCOPE.kind.in_((ObjectKind.PIPELINE.value, ObjectKind.PIPELINES.value)),
                _SCOPE.last_complete_at.is_not(None),
            )
        )
    }
    runs = _runs(connection, environment_key)
    errors = _errors(connection, environment_key)
    broken = _broken(connection, environment_key)
    unseen = _Run(0, None)
    of_all = runs.get(scopes[_EVERY], unseen).run_id if _EVERY in scopes else 0
    found = {}
    for (kind, name), at in scopes.items():
        if kind == ObjectKind.PIPELINE:
            run = runs.get(at, unseen)
            found[name] = Coverage(
                at,
                run.outcome,
                error=_after(run, errors.get(name)) or _after(run, errors.get("")),
                passed_over=of_all > run.run_id,
                cut_short=_after(run, broken.get(False)) or _after(run, broken.get(True)),
            )
    return found


def _after(run: _Run, other: _Run | None) -> str | None:
    """Return what is told of another run, where it is a later one."""
    return other.outcome if other is not None and other.run_id > run.run_id else None


def _runs(connection: Connection, environment_key: int) -> Mapping[datetime, _Run]:
    """Return the runs that listed a scope last, by their beginning."""
    rows = connection.execute(
        select(_RUN.started_at, _RUN.run_id, _RUN.outcome)
        .where(
            _RUN.environment_key == environment_key,
            _RUN.started_at.in_(
                select(_SCOPE.last_complete_at).where(_SCOPE.environment_key == environment_key)
            ),
        )
        .order_by(_RUN.run_id)
    )
    return {at: _Run(run_id, outcome) for at, run_id, outcome in rows}


def _errors(connection: Connection, environment_key: int) -> Mapping[str, _Run]:
    """Return why pipelines could not be listed, and in which run; under '' why none could be."""
    rows = connection.execute(
        select(_FAILURE.object_id, _FAILURE.run_id, _FAILURE.error).where(
            _FAILURE.environment_key == environment_key,
            ((_FAILURE.object_kind == ObjectKind.PIPELINE.value) & (_FAILURE.part == EXECUTIONS))
            | ((_FAILURE.object_kind == ObjectKind.PIPELINES.value) & (_FAILURE.part == LISTING)),
        )
    )
    return {name: _Run(run_id, error) for name, run_id, error in rows}


def _broken(connection: Connection, environment_key: int) -> Mapping[bool, _Run]:
    """Return the last run that did not get to its end: under True one that is `running`.

    One that is partial has an error of its own where it was cut short: else it did get there.
    """
    rows = connection.execute(
        select(_RUN.run_id, _RUN.outcome)
        .where(
            _RUN.environment_key == environment_key,
            _RUN.outcome.not_in(_TO_ITS_END),
            (_RUN.outcome != "partial") | _RUN.error.is_not(None),
        )
        .order_by(_RUN.run_id)
    )
    return {outcome == RUNNING: _Run(run_id, outcome) for run_id, outcome in rows}

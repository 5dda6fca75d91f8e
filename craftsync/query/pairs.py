"""Which executions a question means by their ids: the newest of an id, or the last good one."""

import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from craftsync.errors import Usage

if TYPE_CHECKING:
    import duckdb

LAST_GOOD = "last_good"
TAKES = frozenset({"a", "b", "environment", "since", "until", "pipeline_name"})

_COLUMNS = "environment, execution_id, created_at, pipeline_name, deployment_name"
_IN_VIEW = " and created_at >= $since and created_at < $until and pipeline_name glob $pipeline_name"
_OF_ID = (
    f"select {_COLUMNS} from executions where execution_id = $id"
    f" and ($environment is null or environment = $environment){_IN_VIEW}"
    " order by created_at desc, environment"
)
_LAST_GOOD = (
    f"select {_COLUMNS} from executions where environment = $environment"
    " and pipeline_name = $pipeline and ($deployment is null or deployment_name = $deployment)"
    f" and is_ok(status) and (created_at, execution_id) < ($before, $id){_IN_VIEW}"
    " order by created_at desc, execution_id desc limit 1"
)
_NEAR = (
    "select execution_id from executions group by 1"
    " having jaro_winkler_similarity(execution_id, $id) > 0.8"
    " order by jaro_winkler_similarity(execution_id, $id) desc, 1 limit 3"
)


class Run(NamedTuple):
    """An execution, by its key, and what it ran."""

    environment: str
    execution_id: str
    created_at: datetime
    pipeline_name: str
    deployment_name: str | None


def pick(connection: "duckdb.DuckDBPyConnection", values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bind the keys of `a` and `b`; raises `Usage` for an id that is not held, or held twice."""
    a = _of_id(connection, values, "a", values["environment"])
    if values["b"] == LAST_GOOD:
        b = _last_good(connection, values, a)
    else:
        b = _of_id(connection, values, "b", values["environment"], beside=a.environment)
    return {**values, **_key("a", a), **_key("b", b)}


def _key(side: str, run: Run) -> dict[str, Any]:
    return {
        f"{side}_environment": run.environment,
        f"{side}_id": run.execution_id,
        f"{side}_created_at": run.created_at,
    }


def _of_id(
    connection: "duckdb.DuckDBPyConnection",
    values: Mapping[str, Any],
    side: str,
    environment: str | None,
    beside: str | None = None,
) -> Run:
    """Return the newest execution of an id; of several environments the one `beside` wins."""
    wanted = {
        "id": values[side],
        "environment": environment,
        **{name: values[name] for name in ("since", "until", "pipeline_name")},
    }
    found = [Run(*row) for row in connection.execute(_OF_ID, wanted).fetchall()]
    if not found:
        near = [one for (one,) in connection.execute(_NEAR, {"id": values[side]}).fetchall()]
        if values[side] in near:
            raise Usage(
                f"{side}={values[side]}: it is in the store, but not among what is asked for by"
                " environment, since, until and pipeline_name.",
                hint=f"craftsync show {shlex.quote(values[side])}",
            )
        raise Usage(
            f"{side}={values[side]}: no such execution is in the store.",
            hint=f"Did you mean {', '.join(near)}?" if near else "craftsync runs",
        )
    found = [one for one in found if one.environment == beside] or found
    environments = sorted({one.environment for one in found})
    if len(environments) > 1:
        raise Usage(
            f"{side}={values[side]}: there is such an execution in several environments:"
            f" {', '.join(environments)}.",
            hint=f"Add -p environment={environments[0]}",
        )
    return found[0]


def _last_good(connection: "duckdb.DuckDBPyConnection", values: Mapping[str, Any], run: Run) -> Run:
    """Return the last that succeeded before `run`: of its deployment, or else of its pipeline."""
    wanted = {
        "environment": run.environment,
        "pipeline": run.pipeline_name,
        "deployment": run.deployment_name,
        "before": run.created_at,
        "id": run.execution_id,
        **{name: values[name] for name in ("since", "until", "pipeline_name")},
    }
    found = connection.execute(_LAST_GOOD, wanted).fetchone()
    if found is None:
        of = run.deployment_name or run.pipeline_name
        raise Usage(
            f"No execution of {of} succeeded before {run.execution_id}.",
            hint=f"craftsync runs --pipeline {shlex.quote(run.pipeline_name)} --status succeeded",
        )
    return Run(*found)

"""A commit that a question is asked about: it has to have run."""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from craftsync.errors import Usage

if TYPE_CHECKING:
    import duckdb

TAKES = frozenset({"commit_id", "until", "environment"})

_RAN = (
    "select bool_or(created_at < $until and ($environment is null or environment = $environment))"
    " from executions where starts_with(commit_id, $commit_id)"
)
_NEAR = (
    "select commit_id from executions where commit_id is not null group by 1"
    " having jaro_winkler_similarity(commit_id, $commit_id) > 0.8"
    " order by jaro_winkler_similarity(commit_id, $commit_id) desc, 1 limit 3"
)


def ran(connection: "duckdb.DuckDBPyConnection", values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave the values as they are; raises `Usage` for a commit that no execution ran."""
    commit = values["commit_id"]
    ran_in_time = connection.execute(_RAN, {name: values[name] for name in TAKES}).fetchone()
    if ran_in_time == (False,):
        raise Usage(
            f"commit_id={commit}: it ran, but in another environment, or not before until.",
            hint=f"craftsync query since_commit -p commit_id={shlex.quote(commit)}",
        )
    if ran_in_time != (True,):
        near = [one for (one,) in connection.execute(_NEAR, {"commit_id": commit}).fetchall()]
        raise Usage(
            f"commit_id={commit}: no execution in the store ran it.",
            hint=f"Did you mean {', '.join(near)}?" if near else "craftsync query regressions",
        )
    return values

"""Names that the store does not hold are refused, in one sentence wherever they are asked for.

An empty answer would say that nothing ran, where it was a slip of the pen.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from craftsync.errors import Usage, nearest

if TYPE_CHECKING:
    import duckdb

_LISTED_BY = {
    "execution": "craftsync runs",
    "pipeline": "craftsync runs",
    "deployment": "craftsync deployments --all",
}


def no_environment(name: str, held: Sequence[str]) -> Usage:
    """Say that there is no such environment, and which ones there are."""
    return Usage(
        f"The store holds no environment {name!r}.",
        hint=f"It holds: {', '.join(held)}." if held else "craftsync sync",
    )


def none_of(kind: str, name: str, near: Iterable[str]) -> Usage:
    """Say that there is no execution, pipeline or deployment of that name, and the nearest."""
    meant = ", ".join(near)
    return _none(kind, name, f"Did you mean {meant}?" if meant else None)


def _none(kind: str, name: str, hint: str | None) -> Usage:
    return Usage(f"No {kind} {name!r} is in the store.", hint=hint or _LISTED_BY[kind])


def environment(session: "duckdb.DuckDBPyConnection", name: str | None) -> None:
    """Refuse an environment that was never synced; raises `Usage` with those that were."""
    if name is None:
        return
    found = session.execute("select environment from environments order by 1").fetchall()
    names = [one for (one,) in found]
    if name not in names:
        raise no_environment(name, names)


def pipeline(
    session: "duckdb.DuckDBPyConnection", name: str | None, in_environment: str | None = None
) -> None:
    """Refuse a pipeline that the store does not know, whether or not it has runs.

    Raises `Usage` with the nearest names.
    """
    if name is None:
        return
    found = session.execute(
        "select pipeline_name from pipelines"
        " where $environment is null or environment = $environment"
        " union select pipeline_name from executions"
        " where $environment is null or environment = $environment",
        {"environment": in_environment},
    ).fetchall()
    names = [one for (one,) in found]
    if name not in names:
        raise _none("pipeline", name, nearest(name, names))

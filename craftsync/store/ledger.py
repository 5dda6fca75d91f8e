"""What craftsync itself did: runs, complete listings, failures. The caller owns the transaction."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, Update, delete, insert, select, update

from craftsync.store.failures import (
    FailureKey,
    clear_failure,
    clear_failures,
    failures,
    record_failure,
)
from craftsync.store.models import Scope, SyncRun
from craftsync.store.upsert import draw_keys, table_of, upsert

__all__ = [
    "IN_A_LOG",
    "LOGS",
    "Counts",
    "FailureKey",
    "Listing",
    "begin_run",
    "clear_failure",
    "clear_failures",
    "draw_run",
    "end_run",
    "failures",
    "forget_listing",
    "forget_run",
    "note_counts",
    "record_failure",
    "scopes",
    "set_scope",
    "whole_log",
]

LOGS = "logs"
"""The kind of scope under which it is noted how much a log held that came whole."""

IN_A_LOG = ("", "characters")
"""The names of such scopes: the first counts lines."""

_RUN, _SCOPE = table_of(SyncRun), table_of(Scope)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run did so far in an environment, as `sync_runs` shows it."""

    listed: int = 0
    fetched: int = 0
    unchanged: int = 0
    gone: int = 0
    withheld: int = 0
    failed: int = 0
    requests: int = 0
    bytes_received: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """The last listing of a scope that was read to its end."""

    last_complete_at: datetime | None
    last_listed: int | None
    listing_sha256: str | None
    tool_version: str | None


def draw_run(connection: Connection) -> int:
    """Return the id of a run that is about to begin; nobody else is given it."""
    (run_id,) = draw_keys(connection, "sync_run", 1)
    return run_id


def begin_run(
    connection: Connection,
    environment_key: int,
    run_id: int,
    *,
    started_at: datetime,
    version: str,
) -> None:
    """Begin an environment of a run.

    A run that a dead process left `running` is `interrupted`; nobody saw its end, so
    `finished_at` stays NULL.
    """
    connection.execute(
        update(_RUN)
        .where(_RUN.c.environment_key == environment_key, _RUN.c.outcome == "running")
        .values(outcome="interrupted")
    )
    connection.execute(
        insert(_RUN).values(
            run_id=run_id,
            environment_key=environment_key,
            started_at=started_at,
            outcome="running",
            version=version,
            **asdict(Counts()),
        )
    )


def note_counts(connection: Connection, environment_key: int, run_id: int, counts: Counts) -> None:
    """Write how far a run is, in the transaction of a batch."""
    connection.execute(_this_run(environment_key, run_id).values(**asdict(counts)))


def end_run(
    connection: Connection,
    environment_key: int,
    run_id: int,
    *,
    outcome: str,
    finished_at: datetime,
    counts: Counts,
    error: str | None = None,
) -> None:
    """End a run as `complete`, `partial`, `withheld`, `failed` or `interrupted`."""
    connection.execute(
        _this_run(environment_key, run_id).values(
            outcome=outcome, finished_at=finished_at, error=error, **asdict(counts)
        )
    )


def forget_run(connection: Connection, environment_key: int, run_id: int) -> None:
    """Drop the record of a run that could not be meant: it tells nothing of the platform."""
    connection.execute(
        delete(_RUN).where(_RUN.c.environment_key == environment_key, _RUN.c.run_id == run_id)
    )


def set_scope(
    connection: Connection,
    environment_key: int,
    kind: str,
    name: str,
    *,
    complete_at: datetime,
    listed: int,
    listing_sha256: str | None = None,
    tool_version: str | None = None,
) -> None:
    """Note a listing read to its end by the run begun at `complete_at`.

    `kind` is `pipelines` or `deployments` with the name '', or `pipeline` with its name.
    """
    row = {
        "environment_key": environment_key,
        "kind": kind,
        "name": name,
        "last_complete_at": complete_at,
        "last_listed": listed,
        "listing_sha256": listing_sha256,
        "tool_version": tool_version,
    }
    upsert(connection, Scope, [row], key=("environment_key", "kind", "name"))


def forget_listing(connection: Connection, environment_key: int, kind: str, name: str) -> None:
    """Drop the hash of a scope's listing, so that the next one is looked through again."""
    connection.execute(
        update(_SCOPE)
        .where(
            _SCOPE.c.environment_key == environment_key,
            _SCOPE.c.kind == kind,
            _SCOPE.c.name == name,
            _SCOPE.c.listing_sha256.is_not(None),
        )
        .values(listing_sha256=None)
    )


def scopes(connection: Connection, environment_key: int) -> dict[tuple[str, str], Listing]:
    """Return the last complete listing of each scope, by kind and name."""
    columns = _SCOPE.c
    statement = select(
        columns.kind,
        columns.name,
        columns.last_complete_at,
        columns.last_listed,
        columns.listing_sha256,
        columns.tool_version,
    ).where(columns.environment_key == environment_key)
    return {(row[0], row[1]): Listing(*row[2:]) for row in connection.execute(statement)}


def whole_log(connection: Connection, environment_key: int) -> tuple[int, ...]:
    """Return how much a log held that came whole in one answer, at most: lines, characters."""
    known = scopes(connection, environment_key)
    found = (known.get((LOGS, name)) for name in IN_A_LOG)
    return tuple((one.last_listed if one else None) or 0 for one in found)


def _this_run(environment_key: int, run_id: int) -> Update:
    return update(_RUN).where(_RUN.c.environment_key == environment_key, _RUN.c.run_id == run_id)

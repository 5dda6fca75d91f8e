"""Executions and deployments as the store shows them: the newest first, or one whole."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from craftsync.errors import Usage
from craftsync.query import known
from craftsync.store import read, relations
from craftsync.store.lookup import Found
from craftsync.store.relation import Relation

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pick:
    """Which of several of one id or name: by environment, by its birth; else the newest."""

    environment: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The one that was meant; `others` are earlier incarnations that were not."""

    key: int
    row: Row
    others: int


def execution(conn: Connection, execution_id: str, pick: Pick, *, exact: bool = False) -> Chosen:
    """Return the execution of that id; raises `Usage` for none, or one in two environments."""

    def find(created_at: datetime | None) -> list[Found]:
        return read.find_execution(
            conn,
            execution_id,
            environment=pick.environment,
            created_at=created_at,
            exact=exact,
        )

    return _choose(conn, "execution", execution_id, find, pick)


def deployment(conn: Connection, name: str, pick: Pick, *, exact: bool = False) -> Chosen:
    """Return the deployment of that name; raises as `execution` does."""

    def find(created_at: datetime | None) -> list[Found]:
        return read.find_deployment(
            conn, name, environment=pick.environment, created_at=created_at, exact=exact
        )

    return _choose(conn, "deployment", name, find, pick)


def whole(
    conn: Connection, chosen: Chosen, *, exact: bool
) -> Iterator[tuple[str, Relation, Sequence[Row]]]:
    """Give the parts of an execution that `show` shows beside its row."""
    for name in ("steps", "inputs", "outputs"):
        relation = relations.BY_NAME[name]
        rows = list(read.parts_of(conn, relation, chosen.key, exact=exact))
        yield name, relation, rows


def known_environment(conn: Connection, name: str | None) -> None:
    """Refuse an environment that was never synced; raises `Usage` with those that were."""
    names = read.environment_names(conn)
    if name is not None and name not in names:
        raise known.no_environment(name, names)


def known_names(
    conn: Connection, kind: str, names: Iterable[str], *, environment: str | None = None
) -> None:
    """Refuse pipelines or deployments that are neither held nor told of by a run.

    `kind` is pipeline or deployment. Raises `Usage` with the nearest names.
    """
    for name in names:
        near = read.near_names(conn, kind, name, environment=environment)
        ran = read.executions(
            conn,
            environment=environment,
            pipeline=name if kind == "pipeline" else None,
            deployment=name if kind == "deployment" else None,
            limit=1,
        )
        if name not in near and not any(ran):
            raise known.none_of(kind, name, near)


def unknown_statuses(
    conn: Connection, names: Iterable[str], *, environment: str | None = None
) -> tuple[list[str], list[str]]:
    """Return those of `names` that no execution has, and the statuses that some have.

    It is no error, as it is with a pipeline: that none has failed yet is an answer.
    """

    def found(name: str) -> bool:
        return any(read.executions(conn, environment=environment, statuses=[name], limit=1))

    unknown = [name for name in names if not found(name)]
    return unknown, read.statuses(conn, environment=environment) if unknown else []


def _choose(
    conn: Connection,
    kind: str,
    name: str,
    find: Callable[[datetime | None], list[Found]],
    pick: Pick,
) -> Chosen:
    known_environment(conn, pick.environment)
    found = find(pick.created_at)
    if not found:
        raise _unknown(conn, kind, name, find, pick)
    environments = sorted({one.row["environment"] for one in found})
    if len(environments) > 1:
        raise Usage(
            f"There is {'an' if kind == 'execution' else 'a'} {kind} {name!r} in several"
            f" environments: {', '.join(environments)}.",
            hint=f"Add --env {environments[0]}",
        )
    return Chosen(found[0].key, found[0].row, len(found) - 1)


def _unknown(
    conn: Connection,
    kind: str,
    name: str,
    find: Callable[[datetime | None], list[Found]],
    pick: Pick,
) -> Usage:
    if pick.created_at is not None and (births := [one.row["created_at"] for one in find(None)]):
        times = ", ".join(f"{birth:%Y-%m-%dT%H:%M:%S.%fZ}" for birth in births)
        return Usage(
            f"No {kind} {name!r} was created at {pick.created_at:%Y-%m-%dT%H:%M:%S.%fZ}.",
            hint=f"It was at: {times}",
        )
    near = read.near_names(conn, kind, name, environment=pick.environment)
    return known.none_of(kind, name, near)

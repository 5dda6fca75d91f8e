"""Rows told apart by name and `created_at`: written where they differ, gone when replaced."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, Table, case, select, update

from craftsync.records import Incarnation, Raw
from craftsync.store import raw
from craftsync.store.environments import Rev, number_of
from craftsync.store.models import Deployment, Pipeline, RawAnswer, Scope
from craftsync.store.upsert import batches, draw_keys, table_of, upsert

_KEY = ("environment_key", "name", "created_at")
_LISTING = {"pipeline": "pipelines", "deployment": "deployments"}

Fresh: TypeAlias = Mapping[Incarnation, tuple[Mapping[str, Any], Mapping[str, Raw]]]
"""What was read of each: its own columns, and the platform's answers by kind."""


@dataclass(frozen=True, slots=True)
class EstateSaved:
    """What was new, what differed, and which earlier holders of a name are gone now."""

    new: tuple[Incarnation, ...] = ()
    changed: tuple[Incarnation, ...] = ()
    replaced: tuple[Incarnation, ...] = ()

    @property
    def written(self) -> int:
        """Return how many rows were written because of their content."""
        return len(self.new) + len(self.changed)


def held_rows(
    connection: Connection, model: type[Pipeline | Deployment], environment_key: int
) -> Sequence[Row[Any]]:
    """Return all rows of an environment, gone ones too."""
    table = table_of(model)
    statement = select(table).where(table.c.environment_key == environment_key)
    return connection.execute(statement.order_by(table.c.key)).all()


def answer_hashes(connection: Connection, kinds: Collection[str]) -> dict[tuple[str, int], str]:
    """Return the hashes of the raw answers of these kinds, by kind and key."""
    statement = select(RawAnswer.object_kind, RawAnswer.object_key, RawAnswer.sha256)
    found = connection.execute(statement.where(RawAnswer.object_kind.in_(sorted(kinds))))
    return {(kind, key): sha256 for kind, key, sha256 in found}


def save(
    connection: Connection,
    model: type[Pipeline | Deployment],
    environment_key: int,
    fresh: Fresh,
    *,
    seen_at: datetime,
    rev: int | Rev,
) -> tuple[EstateSaved, dict[Incarnation, int]]:
    """Write what differs from what is held; return that, and the keys by incarnation."""
    table = table_of(model)
    held = {
        Incarnation(row.name, row.created_at): row
        for row in held_rows(connection, model, environment_key)
    }
    kinds = {kind for _, answers in fresh.values() for kind in answers}
    hashes = answer_hashes(connection, kinds)
    new = [one for one in fresh if one not in held]
    changed = [
        one
        for one, (columns, answers) in fresh.items()
        if (row := held.get(one)) and _differs(row, columns, answers, hashes)
    ]
    births = {one.name: one.created_at for one in sorted(fresh)}
    # A listing may show one as it once was: what is younger goes by other proofs.
    replaced = [
        one
        for one, row in held.items()
        if one.created_at < births.get(one.name, one.created_at) and row.gone_at is None
        if one not in fresh
    ]
    keys = {one: row.key for one, row in held.items()}
    if new:
        keys |= zip(new, draw_keys(connection, str(table.name), len(new)), strict=True)
    if new or changed:
        own = {
            "environment_key": environment_key,
            "first_seen_at": seen_at,
            "last_seen_at": None,
            "gone_at": None,
            "rev": number_of(rev),
        }
        rows = [
            {"key": keys[one], **one._asdict(), **fresh[one][0], **own} for one in (*new, *changed)
        ]
        upsert(connection, model, rows, key=_KEY, once=("first_seen_at",))
        answers_now = [
            (kind, keys[one], answer.sha256, raw.compress(answer))
            for one in (*new, *changed)
            for kind, answer in fresh[one][1].items()
        ]
        raw.keep(connection, answers_now)
    if replaced:
        gone_keys = [keys[one] for one in replaced]
        mark_gone(connection, table, gone_keys, gone_at=seen_at, rev=rev)
    return EstateSaved(tuple(new), tuple(changed), tuple(replaced)), keys


def mark_gone(
    connection: Connection,
    table: Table,
    keys: Collection[int],
    *,
    gone_at: datetime,
    rev: int | Rev,
) -> int:
    """Set the tombstone on rows that have none, and freeze their `last_seen_at`."""
    if not keys:
        return 0
    scope = table_of(Scope).c
    listed = (
        select(scope.last_complete_at)
        .where(
            scope.environment_key == table.c.environment_key,
            scope.kind == _LISTING[table.name],
            scope.name == "",
        )
        .scalar_subquery()
    )
    last_seen = case((listed > table.c.first_seen_at, listed), else_=table.c.first_seen_at)
    count, number = 0, number_of(rev)
    for some in batches(keys):
        count += connection.execute(
            update(table)
            .where(table.c.key.in_(some), table.c.gone_at.is_(None))
            .values(gone_at=gone_at, last_seen_at=last_seen, rev=number)
        ).rowcount
    return count


def _differs(
    row: Row[Any],
    columns: Mapping[str, Any],
    answers: Mapping[str, Raw],
    hashes: Mapping[tuple[str, int], str],
) -> bool:
    return (
        row.gone_at is not None
        or any(row._mapping[name] != value for name, value in columns.items())
        or any(hashes.get((kind, row.key)) != one.sha256 for kind, one in answers.items())
    )

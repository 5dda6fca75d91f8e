"""Environments, their revisions, and who the store itself is. The caller owns the transaction."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, insert, select, update

from craftsync.store import faults
from craftsync.store.models import Environment, Revision, StoreIdentity
from craftsync.store.upsert import draw_keys


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a store is, and the key its fingerprints are made with."""

    store_id: str
    fingerprint_key: bytes


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """An environment as the store knows it."""

    key: int
    name: str
    url: str
    upstream_id: str | None
    rev: int


def identity(connection: Connection) -> Identity:
    """Return the identity that the store was made with."""
    found = connection.execute(select(StoreIdentity.store_id, StoreIdentity.fingerprint_key))
    row = found.one_or_none()
    if row is None:
        raise faults.UnreadableError("it does not say which store it is")
    return Identity(row.store_id, bytes.fromhex(row.fingerprint_key))


def find(connection: Connection, name: str) -> EnvironmentRow | None:
    """Return the environment of that name, None if it was never synced."""
    row = connection.execute(
        select(
            Environment.key,
            Environment.name,
            Environment.url,
            Environment.upstream_id,
            Environment.rev,
        ).where(Environment.name == name)
    ).one_or_none()
    return EnvironmentRow(*row) if row else None


def enter(
    connection: Connection, name: str, *, url: str, upstream_id: str | None, seen_at: datetime
) -> EnvironmentRow:
    """Bring in an environment, or what is new of it; `seen_at` is the start of its first run."""
    held = find(connection, name)
    if held is None:
        (key,) = draw_keys(connection, "environment", 1)
        connection.execute(
            insert(Environment).values(
                key=key,
                name=name,
                url=url,
                upstream_id=upstream_id,
                first_synced_at=seen_at,
                rev=0,
            )
        )
        return EnvironmentRow(key, name, url, upstream_id, 0)
    if (held.url, held.upstream_id) != (url, upstream_id):
        connection.execute(
            update(Environment)
            .where(Environment.key == held.key)
            .values(url=url, upstream_id=upstream_id)
        )
    return EnvironmentRow(held.key, name, url, upstream_id, held.rev)


def forget(connection: Connection, environment_key: int) -> None:
    """Drop an environment of which nothing was ever mirrored."""
    connection.execute(
        delete(Environment).where(Environment.key == environment_key, Environment.rev == 0)
    )


def draw_rev(connection: Connection, environment_key: int) -> int:
    """Begin a change of the mirror: the first statement of its transaction.

    A reader that sees this revision sees all before it. The token tells two histories apart that
    went on from one backup.
    """
    rev = connection.execute(
        update(Environment)
        .where(Environment.key == environment_key)
        .values(rev=Environment.rev + 1)
        .returning(Environment.rev)
    ).scalar_one()
    connection.execute(
        insert(Revision).values(
            environment_key=environment_key, rev=rev, token=secrets.token_hex(8)
        )
    )
    return rev


class Rev:
    """A revision that is drawn when it is first needed, once: for a transaction that may write.

    Only under the environment's lock, where no other revision can be committed in between.
    """

    def __init__(self, connection: Connection, environment_key: int) -> None:
        self._connection = connection
        self._environment_key = environment_key
        self.drawn: int | None = None

    def number(self) -> int:
        """Return the revision, drawing it the first time."""
        if self.drawn is None:
            self.drawn = draw_rev(self._connection, self._environment_key)
        return self.drawn


def number_of(rev: int | Rev) -> int:
    """Return the number of a revision, drawn already or now."""
    return rev.number() if isinstance(rev, Rev) else rev


def revisions(engine: Engine) -> dict[str, int]:
    """Return the revision of each environment."""
    with engine.connect() as connection:
        found = connection.execute(select(Environment.name, Environment.rev))
        return {row.name: row.rev for row in found}


def mark_synced(connection: Connection, environment_key: int, *, at: datetime) -> None:
    """Note the start of the last complete run."""
    connection.execute(
        update(Environment).where(Environment.key == environment_key).values(last_synced_at=at)
    )

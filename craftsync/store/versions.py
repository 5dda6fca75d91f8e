"""What deployments were set to, and since when: a version each time their settings differ."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from craftsync.records import Deployment
from craftsync.store import models
from craftsync.store.upsert import batches, table_of

_VERSION = table_of(models.DeploymentVersion)
_TOKEN = '"endpoint_token":"'  # in compact JSON
_FINGERPRINT_BEGINS, _FINGERPRINT_LENGTH = "redacted:", 25


def note_versions(
    connection: Connection, deployments: Mapping[int, Deployment], *, seen_at: datetime
) -> None:
    """Begin a version of each deployment, by its key, that is set otherwise than held."""
    held = _current(connection, list(deployments))
    for key, deployment in deployments.items():
        last = held.get(key)
        if last is None:
            valid_from = deployment.updated_at or seen_at
            _begin(connection, key, 0, valid_from, deployment.settings, [])
        elif last.settings != deployment.settings:
            valid_from = _since(deployment.updated_at, last.valid_from, seen_at)
            connection.execute(
                update(_VERSION)
                .where(_VERSION.c.deployment_key == key, _VERSION.c.position == last.position)
                .values(valid_to=valid_from)
            )
            changed = differing_keys(last.settings, deployment.settings)
            _begin(connection, key, last.position + 1, valid_from, deployment.settings, changed)


def with_settings(connection: Connection) -> set[int]:
    """Return the deployments whose settings were ever read, by their keys."""
    columns = _VERSION.c
    statement = select(columns.deployment_key).where(columns.settings.is_not(None)).distinct()
    return set(connection.scalars(statement))


def current_settings(connection: Connection, deployment_key: int) -> str | None:
    """Return what a deployment was last seen to be set to, as JSON; None where that is not held."""
    last = _current(connection, [deployment_key]).get(deployment_key)
    return last.settings if last else None


def endpoint_tokens(connection: Connection, environment_key: int) -> set[str]:
    """Return the fingerprints of all tokens that endpoints have, or had."""
    settings, columns = _VERSION.c.settings, table_of(models.Deployment).c
    find = func.strpos if connection.dialect.name == "postgresql" else func.instr
    at = find(settings, _TOKEN + _FINGERPRINT_BEGINS)
    statement = (
        select(func.substr(settings, at + len(_TOKEN), _FINGERPRINT_LENGTH))
        .join_from(_VERSION, models.Deployment, _VERSION.c.deployment_key == columns.key)
        .where(columns.environment_key == environment_key, at > 0)
        .distinct()
    )
    return set(connection.scalars(statement))


def differing_keys(before: str | None, after: str | None) -> list[str]:
    """Return the top-level keys of two JSON objects that are not alike in both, sorted."""
    old, new = _read(before), _read(after)
    nothing = object()
    return sorted(
        key for key in old.keys() | new.keys() if old.get(key, nothing) != new.get(key, nothing)
    )


def unlike_keys(before: str | None, after: str | None) -> list[str]:
    """Return the top-level keys of two JSON objects that say something else; null says nothing."""
    old, new = _read(before), _read(after)
    return sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def _since(updated_at: datetime | None, last: datetime, seen_at: datetime) -> datetime:
    """Believe the platform where it tells of a later change, else what we saw."""
    if updated_at is not None and updated_at > last:
        return updated_at
    return max(seen_at, last)


def _read(settings: str | None) -> dict[str, Any]:
    if settings is None:
        return {}
    # Numbers are compared by their digits, and not mistaken for strings of them.
    read: dict[str, Any] = json.loads(
        settings,
        parse_int=lambda digits: ("number", digits),
        parse_float=lambda digits: ("number", digits),
    )
    return read


def _current(connection: Connection, keys: list[int]) -> dict[int, Any]:
    columns = _VERSION.c
    return {
        row.deployment_key: row
        for some in batches(keys)
        for row in connection.execute(
            select(_VERSION).where(columns.deployment_key.in_(some), columns.valid_to.is_(None))
        )
    }


def _begin(
    connection: Connection,
    key: int,
    position: int,
    valid_from: datetime,
    settings: str | None,
    changed: list[str],
) -> None:
    connection.execute(
        insert(_VERSION).values(
            deployment_key=key,
            position=position,
            valid_from=valid_from,
            settings=settings,
            changed=json.dumps(changed, separators=(",", ":"), ensure_ascii=False),
        )
    )

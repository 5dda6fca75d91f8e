"""The platform's own answers, redacted and compressed: unknown keys are never dropped."""

import zlib
from collections.abc import Sequence

from sqlalchemy import Connection, select

from craftsync.records import ObjectKind, Raw
from craftsync.store.models import RawAnswer
from craftsync.store.prepare import LEVEL
from craftsync.store.upsert import Row, upsert_rows

PIPELINE_LISTED = "pipeline_listed"
"""A pipeline's entry in the listing; `pipeline` is the answer to its own GET."""


def compress(raw: Raw) -> bytes:
    """Compress an answer as it is kept."""
    return zlib.compress(raw.body, LEVEL)


def keep(connection: Connection, rows: Sequence[Row]) -> None:
    """Keep answers, rows of (object kind, object key, sha256, compressed body), as the newest."""
    upsert_rows(connection, RawAnswer, rows, key=("object_kind", "object_key"))


def read(connection: Connection, kind: ObjectKind | str, key: int) -> Raw | None:
    """Return the newest answer about one object, None if there is none."""
    row = connection.execute(
        select(RawAnswer.body, RawAnswer.sha256).where(
            RawAnswer.object_kind == str(kind), RawAnswer.object_key == key
        )
    ).one_or_none()
    return Raw(zlib.decompress(row.body), row.sha256) if row else None


def hash_of(connection: Connection, kind: ObjectKind | str, key: int) -> str | None:
    """Return the hash of the newest answer about one object."""
    return connection.execute(
        select(RawAnswer.sha256).where(
            RawAnswer.object_kind == str(kind), RawAnswer.object_key == key
        )
    ).scalar_one_or_none()

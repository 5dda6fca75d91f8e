"""The tables of craftsync's own book-keeping: what it did, not what the platform showed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from craftsync.store.base import SMALL, Base, Big, BigKey, Key, Name, OfEnvironment


class StoreIdentity(Base):
    """Who this store is: one row, made with it, carried along by copies."""

    __tablename__ = "store_identity"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[Key]
    store_id: Mapped[str]
    fingerprint_key: Mapped[str]  # 32 random bytes in hex
    created_at: Mapped[datetime]


class Counter(Base):
    """The last surrogate key handed out, by table: `executemany` gives none back."""

    __tablename__ = "counter"

    name: Mapped[Name]
    value: Mapped[Big]


class Environment(Base):
    """A mirrored environment of the platform, and the revision its rows are at."""

    __tablename__ = "environment"
    __table_args__ = (UniqueConstraint("name"),)

    key: Mapped[Key]
    name: Mapped[str]
    url: Mapped[str]
    upstream_id: Mapped[str | None]
    first_synced_at: Mapped[datetime | None]
    last_synced_at: Mapped[datetime | None]
    rev: Mapped[Big]


class Revision(Base):
    """One committed change of an environment; the token tells restored histories apart."""

    __tablename__ = "revision"
    __table_args__ = SMALL

    environment_key: Mapped[OfEnvironment]
    rev: Mapped[BigKey]
    token: Mapped[str]


class Scope(Base):
    """When a listing was last read to its end: `last_seen_at` of its rows is computed from it.

    `kind` is `pipelines`, `deployments`, or `pipeline` for the executions of the one `name`.
    """

    __tablename__ = "scope"
    __table_args__ = SMALL

    environment_key: Mapped[OfEnvironment]
    kind: Mapped[Name]
    name: Mapped[Name]
    last_complete_at: Mapped[datetime | None]
    last_listed: Mapped[Big | None]
    listing_sha256: Mapped[str | None]
    tool_version: Mapped[str | None]


class SyncRun(Base):
    """One run over one environment; a run over several has one id and a row each."""

    __tablename__ = "sync_run"

    run_id: Mapped[BigKey]
    environment_key: Mapped[OfEnvironment]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str]
    listed: Mapped[Big]
    fetched: Mapped[Big]
    unchanged: Mapped[Big]
    gone: Mapped[Big]
    withheld: Mapped[Big]
    failed: Mapped[Big]
    requests: Mapped[Big]
    bytes_received: Mapped[Big]
    version: Mapped[str]
    error: Mapped[str | None]


class SyncFailure(Base):
    """What could not be read, as of now; `part` is '' for a whole object.

    `pipeline_name` says which scoped run may clear it; `raw` is an answer that had no key.
    """

    __tablename__ = "sync_failure"

    environment_key: Mapped[OfEnvironment]
    object_kind: Mapped[Name]
    object_id: Mapped[Name]
    part: Mapped[Name]
    pipeline_name: Mapped[str | None]
    run_id: Mapped[Big]
    error: Mapped[str]
    attempts: Mapped[int]
    first_failed_at: Mapped[datetime]
    last_failed_at: Mapped[datetime]
    raw: Mapped[bytes | None]


class DeleteEvent(Base):
    """One entry of the audit: written, never changed, chained by hash within its environment.

    `event` is `intent` (before a call) or `outcome` (after it, or after a later look). A try is
    a (deletion_id, attempt); its last outcome counts. `at` is when the event was written,
    `requested_at` when the user asked.
    """

    __tablename__ = "delete_event"
    __table_args__ = (Index(None, "environment_key", "deletion_id"),)

    environment_key: Mapped[OfEnvironment]
    event_number: Mapped[BigKey]
    deletion_id: Mapped[str]
    attempt: Mapped[int]
    event: Mapped[str]
    at: Mapped[datetime]
    plan_id: Mapped[str]
    kind: Mapped[str]
    object_id: Mapped[str]
    created_at: Mapped[datetime]
    reason: Mapped[str | None]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    outcome: Mapped[str | None]
    error: Mapped[str | None]
    execution_ids: Mapped[str | None]  # JSON: what a deployment takes along
    proof_sha256: Mapped[str]
    chain_sha256: Mapped[str]

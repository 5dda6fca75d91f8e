"""The tables of the mirror itself, a class each.

Surrogate keys are ours: the writer hands them out, children hang on them. The platform's names
and ids are unique beside them, always together with the environment and `created_at`, since they
come back after a delete. `children.py` has the parts of an execution, `books.py` what we did
ourselves; all tables are imported from here. No foreign key cascades: nothing vanishes by a side
effect.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from craftsync.store.base import SMALL, Base, Big, BigKey, Key, Name
from craftsync.store.books import (
    Counter,
    DeleteEvent,
    Environment,
    Revision,
    Scope,
    StoreIdentity,
    SyncFailure,
    SyncRun,
)
from craftsync.store.children import IoValue, LogLine, Metric, Part, StatusChange, Step

__all__ = [
    "Base",
    "Counter",
    "DeleteEvent",
    "Deployment",
    "DeploymentVersion",
    "Environment",
    "Execution",
    "File",
    "FileChunk",
    "IoValue",
    "LogLine",
    "Metric",
    "Part",
    "Pipeline",
    "RawAnswer",
    "Revision",
    "Scope",
    "StatusChange",
    "Step",
    "StoreIdentity",
    "SyncFailure",
    "SyncRun",
]


class Pipeline(Base):
    """One incarnation of a pipeline. `last_seen_at` is NULL until it is gone, then frozen."""

    __tablename__ = "pipeline"
    __table_args__ = (UniqueConstraint("environment_key", "name", "created_at"),)

    key: Mapped[Key]
    environment_key: Mapped[int] = mapped_column(ForeignKey("environment.key"))
    name: Mapped[str]
    created_at: Mapped[datetime]
    status: Mapped[str | None]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    rev: Mapped[Big]
    exact: Mapped[str | None]


class Deployment(Base):
    """One incarnation of a deployment. `last_seen_at` is NULL until it is gone, then frozen."""

    __tablename__ = "deployment"
    __table_args__ = (UniqueConstraint("environment_key", "name", "created_at"),)

    key: Mapped[Key]
    environment_key: Mapped[int] = mapped_column(ForeignKey("environment.key"))
    name: Mapped[str]
    created_at: Mapped[datetime]
    pipeline_name: Mapped[str | None]
    execution_rule: Mapped[str | None]
    mode: Mapped[str | None]
    is_enabled: Mapped[bool | None]
    status: Mapped[str | None]
    schedule: Mapped[str | None]
    human_readable_schedule: Mapped[str | None]
    endpoint_url_path: Mapped[str | None]
    endpoint_token_fingerprint: Mapped[str | None]
    description: Mapped[str | None]
    created_by: Mapped[str | None]
    updated_at: Mapped[datetime | None]
    updated_by: Mapped[str | None]
    inputs_mapping: Mapped[str | None]  # JSON, as are the next two
    outputs_mapping: Mapped[str | None]
    pods: Mapped[str | None]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    rev: Mapped[Big]
    exact: Mapped[str | None]


class DeploymentVersion(Base):
    """A deployment's settings from `valid_from` on; the current one has no `valid_to`."""

    __tablename__ = "deployment_version"

    deployment_key: Mapped[int] = mapped_column(ForeignKey("deployment.key"), primary_key=True)
    position: Mapped[Key]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    settings: Mapped[str | None]  # JSON
    changed: Mapped[str]  # JSON: the top-level keys that differ


class Execution(Base):
    """One execution. `last_seen_at` is NULL until it is gone, then frozen.

    `fetch_sha256` is of everything fetched: an equal one means nothing to write. A NULL
    `metrics_state` means that metrics were never asked for.
    """

    __tablename__ = "execution"
    __table_args__ = (
        UniqueConstraint("environment_key", "execution_id", "created_at"),
        Index(None, "environment_key", "pipeline_name", "created_at"),
        Index(None, "environment_key", "deployment_name", "created_at"),
        Index(None, "created_at"),
        Index(None, "environment_key", "rev"),
        # Of what is there, for each run: most of a history may be gone.
        Index(
            None,
            "environment_key",
            "pipeline_name",
            sqlite_where=text("gone_at IS NULL"),
            postgresql_where=text("gone_at IS NULL"),
        ),
    )

    key: Mapped[Key]
    environment_key: Mapped[int] = mapped_column(ForeignKey("environment.key"))
    execution_id: Mapped[str]
    created_at: Mapped[datetime]
    pipeline_name: Mapped[str]
    deployment_name: Mapped[str | None]
    status: Mapped[str | None]
    created_by: Mapped[str | None]
    started_at: Mapped[datetime | None]
    end_date: Mapped[datetime | None]
    commit_id: Mapped[str | None]
    detail_state: Mapped[str]
    logs_state: Mapped[str]
    metrics_state: Mapped[str | None]
    settled: Mapped[bool]
    fetched_at: Mapped[datetime]
    fetch_sha256: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    gone_cause: Mapped[str | None]
    rev: Mapped[Big]
    exact: Mapped[str | None]


class RawAnswer(Base):
    """The platform's redacted answer about one object, apart from what scans read."""

    __tablename__ = "raw_answer"

    object_kind: Mapped[Name]
    object_key: Mapped[BigKey]
    sha256: Mapped[str]  # of the JSON, uncompressed
    body: Mapped[bytes]  # zlib


class File(Base):
    """A file value, kept once however many executions have it."""

    __tablename__ = "file"
    __table_args__ = SMALL

    sha256: Mapped[Name]
    size_bytes: Mapped[Big]


class FileChunk(Base):
    """A piece of a file: 1 MiB, the last one less."""

    __tablename__ = "file_chunk"

    sha256: Mapped[str] = mapped_column(ForeignKey("file.sha256"), primary_key=True)
    n: Mapped[Key]
    bytes: Mapped[bytes]

"""The tables of an execution's parts: children that are replaced with it, a class each.

Their key is the execution's and a position: half the size of the platform's ids in every row.
"""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from craftsync.store.base import SMALL, Base, Big, Key, Name, OfExecution


class StatusChange(Base):
    """A status an execution was seen in, in the order it was seen."""

    __tablename__ = "status_change"
    __table_args__ = SMALL

    execution_key: Mapped[OfExecution]
    position: Mapped[Key]
    status: Mapped[str | None]
    observed_at: Mapped[datetime]


class Step(Base):
    """One step of an execution."""

    __tablename__ = "step"
    __table_args__ = SMALL

    execution_key: Mapped[OfExecution]
    position: Mapped[Key]
    step_name: Mapped[str | None]
    status: Mapped[str | None]
    start_date: Mapped[datetime | None]
    end_date: Mapped[datetime | None]
    commit_id: Mapped[str | None]
    repository_url: Mapped[str | None]
    repository_branch: Mapped[str | None]
    requirements_path: Mapped[str | None]
    origin: Mapped[str | None]
    exact: Mapped[str | None]


class IoValue(Base):
    """An input or output of an execution; its JSON, text and number each in their column."""

    __tablename__ = "io_value"
    __table_args__ = SMALL

    execution_key: Mapped[OfExecution]
    side: Mapped[Name]
    position: Mapped[Key]
    name: Mapped[str]
    data_type: Mapped[str | None]
    via: Mapped[str | None]
    endpoint_name: Mapped[str | None]
    environment_variable_name: Mapped[str | None]
    datastore_path: Mapped[str | None]
    constant_value: Mapped[str | None]  # JSON
    is_null: Mapped[bool | None]
    value: Mapped[str | None]  # JSON
    value_text: Mapped[str | None]
    value_number: Mapped[float | None]
    state: Mapped[str]
    file_sha256: Mapped[str | None]
    size_bytes: Mapped[Big | None]
    exact: Mapped[str | None]


class LogLine(Base):
    """One line of an execution's log.

    `timestamp_text` is kept only where `timestamp_ns` does not give the platform's text back.
    """

    __tablename__ = "log_line"
    __table_args__ = SMALL

    execution_key: Mapped[OfExecution]
    line_number: Mapped[Key]
    source: Mapped[int]
    timestamp_ns: Mapped[Big | None]
    timestamp_text: Mapped[str | None]
    stream: Mapped[str | None]
    message: Mapped[str]
    exact: Mapped[str | None]


class Metric(Base):
    """One recorded value; a list metric has one a position."""

    __tablename__ = "metric"
    __table_args__ = SMALL

    execution_key: Mapped[OfExecution]
    name: Mapped[Name]
    position: Mapped[Key]
    value: Mapped[float | None]
    value_text: Mapped[str | None]
    created_at: Mapped[datetime | None]


class Part(Base):
    """A part that is not plainly held: why, how often it was tried, and when to try again."""

    __tablename__ = "part"
    __table_args__ = (Index(None, "state"), SMALL)

    execution_key: Mapped[OfExecution]
    part: Mapped[Name]
    name: Mapped[Name]
    state: Mapped[str]
    error: Mapped[str | None]
    attempts: Mapped[int]
    next_try_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]
    size_bytes: Mapped[Big | None]

"""The words that records are made of: kinds, states, causes, and what tells two of a name apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import Any, NamedTuple, TypeAlias

Payload: TypeAlias = Mapping[str, Any]
"""A decoded JSON object of the platform; only `upstream/payloads.py` knows its keys."""

TERMINAL = frozenset({"succeeded", "failed", "error", "skipped", "success"})
"""Statuses, in lower case, after which an execution does not go on."""


class PartKind(StrEnum):
    """The parts an execution is fetched in."""

    DETAIL = auto()
    INPUT = auto()
    OUTPUT = auto()
    LOGS = auto()
    METRICS = auto()


class PartState(StrEnum):
    """What is held of a part."""

    OK = auto()
    PENDING = auto()  # not asked for yet, or left out by a flag
    ABSENT = auto()  # upstream has none
    TOO_BIG = auto()
    DENIED = auto()
    GONE = auto()
    REDACTED = auto()
    CAPPED = auto()  # the platform gives no more of it
    ERROR = auto()  # tried, failed, tried again later


class GoneCause(StrEnum):
    """Why upstream no longer lists a row."""

    DELETED_BY_CRAFTSYNC = auto()
    DEPLOYMENT_DELETED = auto()
    DELETED_UPSTREAM = auto()


class ObjectKind(StrEnum):
    """What a failure, a raw answer or a scope is about."""

    PIPELINES = auto()  # the listing
    DEPLOYMENTS = auto()  # the listing
    PIPELINE = auto()
    DEPLOYMENT = auto()
    EXECUTION = auto()


class Side(StrEnum):
    """Which side of an execution a value stands on."""

    INPUT = auto()
    OUTPUT = auto()


class Key(NamedTuple):
    """What tells two executions of an environment apart: ids may come back after a delete."""

    execution_id: str
    created_at: datetime


class Incarnation(NamedTuple):
    """What tells two deployments, or two pipelines, of one name apart."""

    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Raw:
    """The platform's answer, redacted: exact compact JSON in ASCII, and its SHA-256 (hex)."""

    body: bytes
    sha256: str

"""What a run of deletes works with, and what it says while it works."""

from collections.abc import Callable, Collection, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from itertools import chain, islice
from typing import TypeAlias

from sqlalchemy import Engine

from craftsync.purge.plan import Item
from craftsync.purge.policy import Limits, Protection
from craftsync.records import Key, ObjectKind, PartState
from craftsync.store.audit import open_tries
from craftsync.store.environments import EnvironmentRow
from craftsync.store.erasable import live_keys, live_keys_of
from craftsync.store.ledger import scopes
from craftsync.upstream.client import Platform
from craftsync.upstream.deletes import Eraser
from craftsync.upstream.whole import Fetcher

_SEVERAL = 2  # as for a sync: one that is missing is no sign of a broken listing
_WITNESSES = 1000  # so many of those listed are looked for in the store


class Outcome(StrEnum):
    """How the delete of one thing ended, in the words of `deletions.outcome`."""

    DELETED = auto()
    ALREADY_GONE = auto()  # somebody else was first
    CHANGED = auto()  # it was kept: not all that upstream shows is here as it was planned
    FAILED = auto()  # it is there still
    IN_DOUBT = auto()  # nobody knows


INTERRUPTED = "interrupted; what was done stays done, and it is safe to run again"
LEFT_OPEN = "the run ended before an answer came"
WENT_WELL = frozenset({Outcome.DELETED, Outcome.ALREADY_GONE})


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item of a plan; an `outcome` of None says that it was not tried."""

    item: Item
    outcome: Outcome | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """So many items of `of` have come to their end."""

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Settled:
    """It is known now, or still not, how a delete of an earlier run ended."""

    deletion_id: str
    kind: str
    key: Key
    outcome: Outcome
    error: str | None


Event: TypeAlias = Progress | Settled | Result
Listener: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One environment, its store, and who asked for what.

    `writer` and `reader` are two engines of the store. `fetcher` fetches all but the bytes of
    files, `fetcher_of_files` these too. `allow` are states of parts that may be missing here.
    """

    environment: EnvironmentRow
    platform: Platform
    eraser: Eraser
    fetcher: Fetcher
    fetcher_of_files: Fetcher
    writer: Engine
    reader: Engine
    protection: Protection
    limits: Limits
    allow: Set[PartState]
    workers: int
    requested_by: str
    requested_at: datetime
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    listener: Listener

    def knows_others(self, pipeline_name: str, keys: Set[Key], listed: Collection[Key]) -> bool:
        """Whether a listing of a pipeline shows none of several executions that should be in it.

        These are held and not gone, are none of `keys`, and nobody has begun to delete them. A
        pipeline that never listed as many has its executions listed elsewhere.
        """
        with self.reader.connect() as conn:
            last = scopes(conn, self.environment.key).get((ObjectKind.PIPELINE, pipeline_name))
            if last is None or (last.last_listed or 0) < _SEVERAL:
                return False
            begun = [one.what for one in open_tries(conn, self.environment.key)]
            asked = {key.execution_id for key in keys} | {one.key.execution_id for one in begun}
            asked.update(chain.from_iterable(one.execution_ids for one in begun))
            shown = islice((key for key in listed if key.execution_id not in asked), _WITNESSES)
            if live_keys(conn, self.environment.key, set(shown)):
                return False
            held = live_keys_of(conn, self.environment.key, pipeline_name)
            others = islice((key for key in held if key.execution_id not in asked), _SEVERAL)
            return len(list(others)) == _SEVERAL

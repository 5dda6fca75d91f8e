"""What to fetch, what is gone, what to doubt: decided over sets and times, without I/O.

A listing is evidence of what is there, and a weak one of what is not. So additions always pass,
and a loss that is too large to be believed is withheld: the rows stay as they are.
"""

from collections.abc import Collection, Hashable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Generic, TypeVar

from craftsync.records import TERMINAL, Ending, shows_change

K = TypeVar("K", bound=Hashable)

CONFIRMED_A_RUN = 200
"""So many absences are asked for one by one in a run; the others wait for the next."""

SAMPLED_A_DEPLOYMENT = 20
"""So many executions of a deleted deployment are asked for; they speak for the others."""


class Why(StrEnum):
    """Why an execution is fetched; the same in a dry run, in tests and in what is said."""

    NEW = auto()
    CAME_BACK = auto()  # it was gone, and is listed again
    UNSETTLED = auto()
    CHANGED = auto()  # settled, but the listing shows another status or end
    LOOKBACK = auto()
    FULL = auto()
    LEFT_OUT = auto()  # unsettled, there when asked for, and not listed


@dataclass(frozen=True, slots=True)
class Plan(Generic[K]):
    """What one scope needs: its keys to fetch, those believed gone, those doubted."""

    fetch: frozenset[K]
    gone: frozenset[K]
    withheld: frozenset[K]


def plan(
    *,
    listed: Set[K],
    held: Set[K],
    unsettled: Set[K],
    explained: Set[K] = frozenset(),
    begun: Set[K] = frozenset(),
    accept_vanished: int = 0,
) -> Plan[K]:
    """Fetch what is new or unsettled; what is held and no longer listed is gone, or withheld.

    `held` are those of this scope that are not gone yet; `unsettled` those of them that may still
    change, or that the listing shows changed; `explained` those whose absence has a proven cause
    (their deployment was deleted, or we deleted them). An explained absence never counts.

    `begun` are those that we began to delete, and do not know how that ended. That they are missing
    is no sign of a broken listing, unless it is empty: they do not count beside others. But they
    are believed or withheld with them, for a delete that was begun proves nothing.
    """
    vanished = held - listed
    missing = vanished - explained
    counted = missing - begun if listed else missing
    doubted = too_many(missing=len(counted), known=len(held), listed=len(listed))
    withheld = missing if doubted and len(missing) > accept_vanished else frozenset()
    return Plan(
        fetch=frozenset((listed - held) | (listed & unsettled)),
        gone=frozenset(vanished - withheld),
        withheld=frozenset(withheld),
    )


def too_many(*, missing: int, known: int, listed: int) -> bool:
    """Whether so many unexplained absences are more likely a broken listing than the truth."""
    emptied = listed == 0 and known >= 2 and missing > 0
    return emptied or (missing > 10 and missing * 10 > known)


def why_again(
    *,
    settled: bool,
    listed: Ending,
    held: Ending,
    now: datetime,
    lookback: timedelta | None,
    full: bool,
) -> Why | None:
    """Say why a held execution is fetched again; None when it is left alone.

    `listed` and `held` say how far it has come upstream and in the store.
    """
    if full:
        return Why.FULL
    if not settled:
        return Why.UNSETTLED
    if shows_change(listed=listed, held=held):
        return Why.CHANGED
    if ended_lately(held[1], now=now, lookback=lookback):
        return Why.LOOKBACK
    return None


def ended_lately(end_date: datetime | None, *, now: datetime, lookback: timedelta | None) -> bool:
    """Whether `--lookback` asks for an execution that ended then to be fetched again."""
    return lookback is not None and end_date is not None and end_date >= now - lookback


def is_settled(
    *,
    status: str | None,
    end_date: datetime | None,
    held: bool,
    unchanged_since: datetime,
    now: datetime,
    settle: timedelta,
) -> bool:
    """Whether an execution fetched `now` is not expected to change any more.

    `held` says that detail and logs are stored; `unchanged_since` is when its content was first
    fetched as it is now. A known final status settles a settle time after its end. A status this
    tool does not know, or an end nobody can read, settles when two fetches a settle time apart
    gave the same.
    """
    is_over = (status or "").lower() in TERMINAL
    if not held or not (is_over or end_date is not None):
        return False
    if is_over and end_date is not None:
        return now - end_date >= settle
    return now - unchanged_since >= settle


def evenly(items: Collection[K], most: int) -> Sequence[K]:
    """Return at most `most` of `items`, spread evenly from the first to the last."""
    ordered = list(items)
    if len(ordered) <= most:
        return ordered
    if most == 1:
        return ordered[:1]
    return [ordered[index * (len(ordered) - 1) // (most - 1)] for index in range(most)]

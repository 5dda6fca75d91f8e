"""What goes along the conveyor: an item at its turn, and what was found at each station."""

from dataclasses import dataclass
from typing import TypeAlias

from craftsync.errors import CraftsyncError
from craftsync.purge.asking import Answered
from craftsync.purge.evidence import Copy
from craftsync.purge.look import Seen
from craftsync.purge.plan import Item
from craftsync.purge.proof import Proof
from craftsync.store.audit import Try


@dataclass(frozen=True, slots=True)
class Turn:
    """An item, how often it was tried, how long to wait before the next try, and why.

    `sent`: a DELETE of it may have come through late.
    """

    item: Item
    tried: int = 0
    sent: bool = False
    wait_s: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What the store holds of some items, read at once."""

    copies: list[tuple[Turn, Copy | None]]


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of an item: a proof, or what a look saw of one that upstream denies.

    `at` is when it was proved, on the monotonic clock.
    """

    turn: Turn
    proof: Proof
    seen: Seen | None = None
    at: float = 0.0
    fatal: CraftsyncError | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of a try."""

    turn: Turn
    what: Try
    answered: Answered


Found: TypeAlias = Read | Examined | Erased

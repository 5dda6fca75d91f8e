"""An execution as its pipeline's listing shows it, and whether it changed since it was held."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from craftsync.records.words import Key
from craftsync.times import epoch_ms

Ending: TypeAlias = tuple[str | None, datetime | None]
"""How far an execution has come: its status and its `end_date`."""


@dataclass(frozen=True, slots=True)
class ListedExecution:
    """An execution as its pipeline's listing shows it."""

    key: Key
    pipeline_name: str | None
    deployment_name: str | None
    status: str | None
    end_date: datetime | None


def shows_change(*, listed: Ending, held: Ending) -> bool:
    """Whether a listing shows another status or end than is held; case is no difference.

    Not every platform lists an end, and one that does may tell fewer digits of it than the object
    itself: no end says nothing, and ends are the same to the millisecond.
    """
    (status, end), (held_status, held_end) = listed, held
    if (status or "").lower() != (held_status or "").lower():
        return True
    if end is None or end == held_end:
        return False
    return held_end is None or epoch_ms(end) != epoch_ms(held_end)

"""What came of a sync of one environment, or of several."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftsync.errors import worst

if TYPE_CHECKING:
    from craftsync.sync.events import Outcome


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one `sync` did, an environment at a time, and the code it ends with."""

    run_id: int
    outcomes: tuple["Outcome", ...]
    wrote: bool  # whether the mirror is another than before

    @property
    def exit_code(self) -> int:
        """The first of the contract's precedence over all environments."""
        return worst(outcome.exit_code for outcome in self.outcomes)

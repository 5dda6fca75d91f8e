"""What there is to fetch, and what came of it."""

from dataclasses import dataclass
from datetime import datetime

from craftsync.records import FetchedPart, Key, Whole
from craftsync.store.mirror import Prepared
from craftsync.store.open_parts import OpenPart
from craftsync.sync.plan import Why


@dataclass(frozen=True, slots=True)
class Wanted:
    """An execution to be fetched whole."""

    key: Key
    pipeline_name: str
    why: Why


@dataclass(frozen=True, slots=True)
class Fetched:
    """An execution that is ready to be saved."""

    wanted: Wanted
    whole: Whole
    prepared: Prepared
    fetched_at: datetime

    def close(self) -> None:
        """Let go of the files of one that is not saved."""
        self.whole.close()


@dataclass(frozen=True, slots=True)
class FetchedAlone:
    """A part that was asked for alone and is ready to be saved."""

    wanted: OpenPart
    fetched: FetchedPart
    fetched_at: datetime

    def close(self) -> None:
        """Let go of the file of one that is not saved."""
        if self.fetched.file is not None:
            self.fetched.file.content.close()

"""What a sync was asked to do, and what it works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from craftsync.records import PartKind, PartState
from craftsync.store.open_parts import OpenPart
from craftsync.sync.events import Listener
from craftsync.upstream import client
from craftsync.upstream.client import Platform
from craftsync.upstream.gathered import Wants, limit_broken
from craftsync.upstream.redact import Redactor
from craftsync.upstream.whole import Fetcher


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for beside mirroring; `pipelines` empty means all of them."""

    pipelines: tuple[str, ...] = ()
    full: bool = False
    lookback: timedelta | None = None
    settle: timedelta = timedelta(hours=1)
    accept_vanished: int = 0
    accept_environment: str | None = None
    workers: int = 16
    wants: Wants = field(default_factory=Wants)
    max_requests: int | None = None
    max_duration: timedelta | None = None

    def asks_for(self, part: OpenPart) -> bool:
        """Whether this sync wants a part that is not held."""
        if part.kind is PartKind.METRICS:
            return True
        is_log = part.kind is PartKind.LOGS
        if not (self.wants.logs if is_log else self.wants.files):
            return False
        if part.state is not PartState.TOO_BIG:
            return True
        limit = client.LOG_BYTES if is_log else self.wants.max_file_bytes
        if part.size_bytes is not None:
            return part.size_bytes <= limit
        broken = limit_broken(part.error)
        return broken is None or broken < limit


@dataclass(frozen=True, slots=True)
class Job:
    """One environment and its store. `now` and `monotonic` (s) are the clocks.

    `engine` is the store's writer.
    """

    environment: str
    url: str
    platform: Platform
    redactor: Redactor
    fetcher: Fetcher
    engine: Engine
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    listener: Listener
    options: Options

    def wanted(self, pipeline_name: str | None) -> bool:
        """Whether a pipeline is in the scope of this sync."""
        return not self.options.pipelines or pipeline_name in self.options.pipelines

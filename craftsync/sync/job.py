"""What a sync was asked to do, and what it works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from craftsync.sync.events import Listener
from craftsync.upstream.client import Platform
from craftsync.upstream.redact import Redactor
from craftsync.upstream.whole import Wants


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


@dataclass(frozen=True, slots=True)
class Job:
    """One environment and its store. `now` and `monotonic` (s) are the clocks.

    `engine` is the store's writer.
    """

    environment: str
    url: str
    platform: Platform
    redactor: Redactor
    engine: Engine
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    listener: Listener
    options: Options

    def wanted(self, pipeline_name: str | None) -> bool:
        """Whether a pipeline is in the scope of this sync."""
        return not self.options.pipelines or pipeline_name in self.options.pipelines

"""The store as the commands see it: read, counted, upgraded."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from craftsync.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

    from craftsync.store.schema import Upgrade


def utc_now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Stored:
    """Settings, clocks and the store. The clocks and `sleep` are arguments: a test has its own."""

    settings: Settings
    environ: Mapping[str, str]
    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def url(self) -> "URL":
        """Return the address of the store."""
        from craftsync.store import engine  # noqa: PLC0415 - a wing is opened when first asked

        return engine.address(self.settings.store)

    def upgrade(self) -> "Upgrade":
        """Bring the store to this craftsync's schema, or make it; the lock is taken first."""
        from craftsync.store import engine, lock, schema  # noqa: PLC0415 - a wing

        url = self.url()
        with lock.lock(url, ()), engine.store_errors(url):
            return schema.upgrade(url)

    def revision(self) -> tuple[str, str]:
        """Return the revision the store is at, and the newest this craftsync knows."""
        from craftsync.store import schema  # noqa: PLC0415 - a wing

        url = self.url()
        found = schema.current(url)
        if found is None:
            schema.require_current(url)  # tells what to type
        return str(found), schema.head()

    def status(self) -> dict[str, Any]:
        """Return the figures of `status --json`."""
        from craftsync.store import peek  # noqa: PLC0415 - a wing

        return peek.status(self.settings.store, now=self.now())

    @contextmanager
    def reading(self) -> Iterator["Connection"]:
        """Open the store to read it, in one snapshot.

        Raises `StoreUnusable` for a store that is missing, older or newer, or cannot be read.
        """
        from craftsync.store import engine, schema  # noqa: PLC0415 - a wing

        url = self.url()
        with schema.reading(url) as reader, engine.store_errors(url), reader.connect() as conn:
            yield conn

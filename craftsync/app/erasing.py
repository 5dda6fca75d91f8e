"""What deletes upstream: the platform opened for it, under the lock of the store."""

import os
import pwd
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from craftsync import __version__
from craftsync.app.plans import Planner
from craftsync.errors import Refused
from craftsync.records import PartState
from craftsync.settings import Environment

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from craftsync.purge.job import Job, Listener
    from craftsync.purge.plan import Plan
    from craftsync.purge.run import Report
    from craftsync.upstream.deletes import Eraser


@dataclass(frozen=True, slots=True)
class App(Planner):
    """What the commands work with, deletes included."""

    def erase(
        self,
        plan: "Plan",
        *,
        listener: "Listener",
        allow: Set[PartState] = frozenset(),
        max_deletes: int | None = None,
    ) -> "Report":
        """Delete what a plan holds, under the store's lock; the user has confirmed it.

        Raises `Refused` before the first call, `Busy`, `BadSettings` without a token, and what
        ends any run before it began.
        """
        from craftsync.purge import run  # noqa: PLC0415 - a room of the works
        from craftsync.store import engine, lock, schema  # noqa: PLC0415 - a wing

        self.require_purge()
        environment = self.settings.environment(plan.environment)
        token = environment.token(self.environ)
        deleting = self.settings.purge.token(self.environ) or token
        url = self.url()
        schema.require_current(url)
        with lock.lock(url, [environment.name]), engine.store_errors(url):
            schema.require_current(url)
            writer = engine.writer(url)
            reader = engine.reader(url, kept_open=self.settings.sync.workers + 1)
            try:
                with (
                    self._eraser(environment, deleting) as eraser,
                    self._purge_job(
                        (writer, reader), environment, token, eraser, listener, allow
                    ) as job,
                ):
                    limits = job.limits
                    if max_deletes is not None:
                        limits = replace(limits, max_deletes=max_deletes)
                    return run.apply(replace(job, limits=limits), plan)
            finally:
                reader.dispose()
                writer.dispose()

    @contextmanager
    def _purge_job(
        self,
        engines: "tuple[Engine, Engine]",
        environment: Environment,
        token: str,
        eraser: "Eraser",
        listener: "Listener",
        allow: Set[PartState],
    ) -> Iterator["Job"]:
        from craftsync.purge.job import Job  # noqa: PLC0415 - a room of the works
        from craftsync.store import environments  # noqa: PLC0415 - a wing
        from craftsync.upstream.gathered import Wants  # noqa: PLC0415 - a wing
        from craftsync.upstream.whole import Fetcher  # noqa: PLC0415 - a wing

        writer, reader = engines
        with reader.connect() as conn:
            row = environments.find(conn, environment.name)
        if row is None:
            raise Refused(
                f"The store holds nothing of {environment.name}.",
                hint=f"craftsync sync --env {environment.name}",
            )
        row = replace(row, url=environment.url)
        limits, most = self._limits(), self.settings.sync.max_file_bytes
        options = self.sync_options()
        reading = self._job(reader, environment, token, options, lambda _: None, limits)
        with reading as mirror:
            try:
                yield Job(
                    environment=row,
                    platform=mirror.platform,
                    eraser=eraser,
                    fetcher=Fetcher(
                        mirror.platform, mirror.redactor, Wants(files=False, max_file_bytes=most)
                    ),
                    fetcher_of_files=Fetcher(
                        mirror.platform, mirror.redactor, Wants(max_file_bytes=most)
                    ),
                    writer=writer,
                    reader=reader,
                    protection=self.protection(),
                    limits=self.purge_limits(),
                    allow=allow,
                    workers=self.settings.sync.workers,
                    requested_by=_who(),
                    requested_at=self.now(),
                    now=self.now,
                    sleep=self.sleep,
                    listener=listener,
                )
            finally:
                limits.stop()

    @contextmanager
    def _eraser(self, environment: Environment, token: str) -> Iterator["Eraser"]:
        """Open the deleting side of an environment."""
        from craftsync.upstream.deletes import Eraser  # noqa: PLC0415 - a wing
        from craftsync.upstream.retries import Retries  # noqa: PLC0415 - a wing
        from craftsync.upstream.transport import Transport  # noqa: PLC0415 - a wing

        eraser = Eraser(
            environment_url=environment.url,
            control_url=environment.control_url,
            sdk_token=token,
            transport=Transport(
                client=f"craftsync/{__version__}",
                bases=(environment.url, environment.control_url),
                at_once=self.settings.sync.workers,
            ),
            retries=Retries(sleep=self.sleep, now=self.now),
            monotonic=self.monotonic,
            now=self.now,
        )
        try:
            yield eraser
        finally:
            eraser.close()


def _who() -> str:
    """Return user@host, as the audit has it."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user without a name
        user = str(os.geteuid())
    return f"{user}@{os.uname().nodename}"

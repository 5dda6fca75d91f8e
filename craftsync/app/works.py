"""Puts the parts together: settings in, a wing opened when it is first asked for, one clock.

A command asks the App for one thing and shows what comes back. Rooms are imported when they are
needed, so that `status` starts without HTTP and without the ORM.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from craftsync import __version__
from craftsync.app.reporting import Reporting
from craftsync.app.synced import SyncReport
from craftsync.errors import BadSettings
from craftsync.settings import Environment
from craftsync.settings.environments import tokens_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from craftsync.health import Finding
    from craftsync.store.chosen import Candidate
    from craftsync.sync.dry_run import Row, Unable
    from craftsync.sync.events import Listener, Outcome
    from craftsync.sync.job import Job, Options
    from craftsync.sync.limits import Limits
    from craftsync.sync.sampling import Sample
    from craftsync.sync.verify import Verification
    from craftsync.upstream.client import Platform
    from craftsync.upstream.transport import Transport


@dataclass(frozen=True, slots=True)
class App(Reporting):
    """What the commands work with."""

    def sync_options(self, *, logs: bool = True, files: bool = True, **asked: Any) -> "Options":
        """Return the options of a sync: what was asked for, the rest by the settings."""
        from craftsync.sync.job import Options  # noqa: PLC0415 - a room of the works
        from craftsync.upstream.gathered import Wants  # noqa: PLC0415 - a wing

        mine = self.settings.sync
        return Options(
            settle=mine.settle,
            workers=mine.workers,
            wants=Wants(logs=logs, files=files, max_file_bytes=mine.max_file_bytes),
            **asked,
        )

    def sync(
        self,
        environments: Sequence[Environment],
        options: "Options",
        *,
        listener: "Listener",
        parallel: bool = False,
    ) -> SyncReport:
        """Mirror environments, one after the other or `parallel`, under the store's lock.

        Raises `Busy` when another craftsync holds the lock and `StoreUnusable` when the store
        cannot be written; what else goes wrong is in the report.
        """
        from craftsync.store import engine, ledger, lock, schema  # noqa: PLC0415 - a wing
        from craftsync.store.environments import revisions  # noqa: PLC0415 - a wing
        from craftsync.sync import collecting, naming, run, turns  # noqa: PLC0415 - a room of the works

        tokens = tokens_of(environments, self.environ)
        url, limits = self.url(), self._limits(options)
        with lock.lock(url, tokens.keys()), engine.store_errors(url):
            schema.upgrade(url)
            writer = engine.writer(url)

            def mirror(one: Environment) -> "Outcome":
                token = tokens[one.name]
                unable, told = (None, token) if isinstance(token, str) else (token, "")
                with self._job(writer, one, told, options, listener, limits) as job:
                    return run.sync(job, run_id=run_id, unable=unable)

            try:
                before = revisions(writer)
                with writer.begin() as conn:
                    naming.require_names(conn, tokens.keys())
                    run_id = ledger.draw_run(conn)
                with collecting.rarely():
                    outcomes = turns.take(mirror, environments, parallel=parallel, stop=limits.stop)
                return SyncReport(run_id, tuple(outcomes), revisions(writer) != before)
            finally:
                writer.dispose()

    @contextmanager
    def _job(
        self,
        writer: "Engine",
        environment: Environment,
        token: str,
        options: "Options",
        listener: "Listener",
        limits: "Limits",
    ) -> Iterator["Job"]:
        from craftsync.store import environments, ledger, versions  # noqa: PLC0415 - a wing
        from craftsync.sync.job import Job  # noqa: PLC0415 - a room of the works
        from craftsync.upstream.logs import NOTHING, Size  # noqa: PLC0415 - a wing
        from craftsync.upstream.redact import Redactor  # noqa: PLC0415 - a wing
        from craftsync.upstream.whole import Fetcher  # noqa: PLC0415 - a wing

        with writer.connect() as conn:
            key = self.settings.fingerprint_key or environments.identity(conn).fingerprint_key
            row = environments.find(conn, environment.name)
            whole_log = Size(*ledger.whole_log(conn, row.key)) if row else NOTHING
            endpoint_tokens = versions.endpoint_tokens(conn, row.key) if row else ()
        redact = self.settings.redact
        redactor = Redactor(
            key,
            environment_values=redact.environment_values,
            constants=redact.constants,
            patterns=[pattern.pattern for pattern in redact.patterns],
            tokens=[token],
            endpoint_tokens=endpoint_tokens,
        )
        with self.platform(environment, token=token, limits=limits) as platform:
            yield Job(
                environment=environment.name,
                url=environment.url,
                platform=platform,
                redactor=redactor,
                fetcher=Fetcher(platform, redactor, options.wants, whole_log=whole_log),
                engine=writer,
                now=self.now,
                monotonic=self.monotonic,
                listener=listener,
                options=options,
            )

    def rehearse(
        self, environments: Sequence[Environment], options: "Options"
    ) -> Iterator["Row | Unable"]:
        """Yield what a sync would do: the listings are made, nothing is written, no lock taken.

        Of several environments one that fails is told, and the others are rehearsed.
        """
        from craftsync.app import rehearsals  # noqa: PLC0415 - a room of the works

        return rehearsals.rehearse(self, environments, options)

    def _limits(self, options: "Options | None" = None) -> "Limits":
        from craftsync.sync.limits import Limits  # noqa: PLC0415 - a room of the works

        return Limits(
            max_requests=options.max_requests if options else None,
            max_duration=options.max_duration if options else None,
            monotonic=self.monotonic,
        )

    @contextmanager
    def platform(
        self,
        environment: Environment,
        *,
        token: str | None = None,
        limits: "Limits | None" = None,
        transport: "Callable[..., Transport] | None" = None,
    ) -> Iterator["Platform"]:
        """Open the reading side of an environment; its own token is taken if none is given.

        `transport` makes what carries the requests, where it is to be more than a `Transport`.
        """
        from craftsync.upstream.client import Platform  # noqa: PLC0415 - a wing
        from craftsync.upstream.retries import Retries  # noqa: PLC0415 - a wing
        from craftsync.upstream.transport import Transport  # noqa: PLC0415 - a wing

        limits = limits or self._limits()
        platform = Platform(
            environment_url=environment.url,
            control_url=environment.control_url,
            sdk_token=environment.token(self.environ) if token is None else token,
            transport=(transport or Transport)(
                client=f"craftsync/{__version__}",
                bases=(environment.url, environment.control_url),
                at_once=self.settings.sync.workers,
                before=limits.before_request,
            ),
            retries=Retries(sleep=self.sleep, now=self.now, longest_wait_s=limits.longest_wait_s),
            monotonic=self.monotonic,
            now=self.now,
        )
        try:
            yield platform
        finally:
            platform.close()

    @contextmanager
    def verification(
        self, environments: Sequence[Environment], chosen: "Sample | Sequence[int]"
    ) -> Iterator["Verification"]:
        """Open what compares executions with upstream: nothing is written, no lock is taken.

        Raises `StoreUnusable` for a store that cannot be read, `BadSettings` where the only
        environment has no token.
        """
        from craftsync.store import engine, schema  # noqa: PLC0415 - a wing
        from craftsync.sync.verify import Verification  # noqa: PLC0415 - a room of the works

        url, limits, options = self.url(), self._limits(), self.sync_options()
        tokens = tokens_of(environments, self.environ)
        with (
            schema.reading(url) as reader,
            engine.store_errors(url),
            ExitStack() as opened,
        ):
            jobs, unable = {}, {}
            for one in environments:
                token = tokens[one.name]
                if isinstance(token, BadSettings):
                    unable[one.name] = token
                    continue
                job = self._job(reader, one, token, options, lambda _: None, limits)
                jobs[one.name] = opened.enter_context(job)
            opened.callback(limits.stop)
            yield Verification(jobs, reader, chosen, unable)

    def repair(self, environments: Sequence[Environment], ones: "Sequence[Candidate]") -> None:
        """Save executions of these environments anew; raises as `sync`, and what ends any run."""
        from craftsync.app import repairs  # noqa: PLC0415 - a room of the works

        repairs.repair(self, environments, ones)

    def doctor(self, flaws: Sequence[BadSettings] = ()) -> Iterator["Finding"]:
        """Examine settings, platform and store; `flaws` are those of settings read in part."""
        from craftsync import health  # noqa: PLC0415 - a room of the works

        return health.examine(
            self.settings,
            flaws,
            self.environ,
            now=self.now,
            platform=self.platform,
            reading=self.reading,
        )

    def write_metrics(self, path: Path, report: SyncReport) -> None:
        """Write what a sync did for Prometheus; raises `Usage` when it cannot be written."""
        from craftsync.report import metrics_file  # noqa: PLC0415 - a room of the works
        from craftsync.store import peek  # noqa: PLC0415 - a wing

        figures = peek.figures(self.settings.store, now=self.now())
        last = {one.environment: one.last_complete_at for one in figures.environments}
        metrics_file.write(path, report.outcomes, last_complete=last)

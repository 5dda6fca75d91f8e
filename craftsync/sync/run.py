"""The story of one sync: list, decide, fetch, save, and write down how it went.

Nothing is believed to be gone that was not listed completely and asked for; nothing is saved that
was not fetched whole. Every batch is one transaction: rows, bookkeeping and figures together.
"""

from dataclasses import replace
from datetime import datetime

from craftsync import __version__
from craftsync.errors import (
    CraftsyncError,
    Interrupted,
    LimitReached,
    StoreUnusable,
    worst,
)
from craftsync.store import engine as engines
from craftsync.store import environments, failures, ledger
from craftsync.sync import estate, executions
from craftsync.sync.events import Began, Outcome
from craftsync.sync.job import Job
from craftsync.sync.tally import Tally
from craftsync.upstream.recognition import recognise

TOO_LITTLE = "The listings took all of it, and would again: allow more than they take."


def sync(job: Job, *, run_id: int, unable: CraftsyncError | None = None) -> Outcome:
    """Mirror one environment once and tell how it went; the caller holds the store's lock.

    `run_id` is that of the run, which may mirror other environments too.

    What single objects failed by is in the outcome. Whatever ends the run early (`BadCredentials`,
    `Unreachable`, `Refused` because the environment is another one, `Interrupted`) is in it too:
    what was saved stays. A pipeline that nobody knows (`Usage`) leaves no trace of the run. Only
    `StoreUnusable` is raised, for then nothing can be written down. `unable` is why nothing can
    even be asked.
    """
    started_at = job.now()
    job.listener(Began(job.environment, job.url, engines.place(job.engine.url)))
    with job.engine.begin() as conn:
        known = environments.find(conn, job.environment)
        row = known or environments.enter(
            conn, job.environment, url=job.url, upstream_id=None, seen_at=started_at
        )
        ledger.begin_run(conn, row.key, run_id, started_at=started_at, version=__version__)
    tally = Tally(job, run_id=run_id, environment_key=row.key, started_at=started_at)
    try:
        if unable is not None:
            raise unable
        _recognise(job, row, started_at)
        executions.mirror_all(job, tally, estate.mirror(job, tally))
    except LimitReached as limit:
        outcome = tally.outcome(word="partial", error=str(limit))
        code = worst([limit.exit_code, outcome.exit_code])
        hint = None if outcome.fetched or not outcome.listed else TOO_LITTLE
        outcome = replace(outcome, exit_code=code, hint=hint)
    except (KeyboardInterrupt, Interrupted):
        outcome = tally.outcome(word="interrupted", error="interrupted")
        outcome = replace(outcome, exit_code=Interrupted.exit_code)
    except StoreUnusable:
        raise
    except CraftsyncError as error:
        outcome = tally.outcome(word="failed", error=str(error))
        outcome = replace(outcome, exit_code=error.exit_code, hint=error.hint)
    else:
        outcome = tally.outcome()
    if outcome.is_mistaken:
        with job.engine.begin() as conn:
            ledger.forget_run(conn, row.key, run_id)
            if known is None:
                environments.forget(conn, row.key)
    else:
        _write_down(job, tally, outcome)
    job.listener(outcome)
    return outcome


def _recognise(job: Job, row: environments.EnvironmentRow, seen_at: datetime) -> None:
    """Refuse to go on when the platform says that this is another environment than last time."""
    known = row.upstream_id
    found = recognise(
        job.platform,
        environment=job.environment,
        url=job.url,
        known=known,
        accepted=job.options.accept_environment,
    )
    if (row.url, known) != (job.url, found or known):
        with job.engine.begin() as conn:
            environments.enter(
                conn, job.environment, url=job.url, upstream_id=found or known, seen_at=seen_at
            )


def _write_down(job: Job, tally: Tally, outcome: Outcome) -> None:
    """Close the run's record, on the disk: exit 0 comes after it, and so do all rows before it."""
    key = tally.environment_key
    with engines.durable_transaction(job.engine) as conn:
        ledger.end_run(
            conn,
            key,
            outcome.run_id,
            outcome=outcome.outcome,
            finished_at=job.now(),
            counts=tally.counts(),
            error=outcome.error,
        )
        for scope in tally.scopes:
            ledger.set_scope(
                conn,
                key,
                scope.kind,
                scope.name,
                complete_at=tally.started_at,
                listed=scope.listed,
                listing_sha256=scope.listing_sha256,
                tool_version=__version__,
            )
        for what, failed in tally.failures.items():
            ledger.record_failure(
                conn,
                key,
                outcome.run_id,
                what.object_kind,
                what.object_id,
                what.part,
                failed.failure.why,
                at=tally.started_at,
                raw=failed.raw.encode() if failed.raw else None,
                pipeline_name=failed.pipeline_name,
            )
        if outcome.error is None:
            ledger.clear_failures(
                conn,
                key,
                keep=tally.standing(failures.standing(conn, key)),
                pipelines=job.options.pipelines or None,
            )
        if outcome.outcome == "complete" and not job.options.pipelines:
            environments.mark_synced(conn, key, at=tally.started_at)

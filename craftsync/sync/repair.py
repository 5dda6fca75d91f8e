"""Fetch executions that drifted again and save them whole, by the path of every sync."""

from collections.abc import Sequence
from dataclasses import replace

from craftsync.records import ObjectKind
from craftsync.store import engine as engines
from craftsync.store import environments, ledger
from craftsync.store.chosen import Candidate, largest_file
from craftsync.sync.executions import METRICS
from craftsync.sync.job import Job
from craftsync.sync.plan import Why
from craftsync.sync.saving import Saver
from craftsync.sync.tally import Tally
from craftsync.sync.work import Wanted
from craftsync.upstream.gathered import Wants

_NO_RUN = 0  # a repair is no run: it lists nothing, and vouches for nothing but what it saved


def repair(job: Job, ones: Sequence[Candidate]) -> None:
    """Bring executions of one environment to what upstream shows; the caller holds the lock.

    They are written even where upstream is as it was at the last fetch. What cannot be fetched
    stays as it is held. Raises what ends any run: `BadCredentials`, `Unreachable`.
    """
    with job.engine.begin() as conn:
        row = environments.find(conn, job.environment)
        if row is None:
            return
        # A listing stands for executions that are held and settled: these may not be any more.
        for name in sorted({one.pipeline_name for one in ones}):
            ledger.forget_listing(conn, row.key, ObjectKind.PIPELINE, name)
        known = ledger.scopes(conn, row.key)
        largest = max(largest_file(conn), job.options.wants.max_file_bytes)
    whole = Wants(logs=True, files=True, max_file_bytes=largest)
    job = replace(job, fetcher=job.fetcher.wanting(whole))
    tally = Tally(job, run_id=_NO_RUN, environment_key=row.key, started_at=job.now())
    recording = {name for kind, name in known if kind == METRICS and name}
    recording |= {one.pipeline_name for one in ones if one.metrics}
    wanted = [Wanted(one.key, one.pipeline_name, Why.FULL) for one in ones]
    Saver(job, tally, frozenset(recording), anew=True).run([wanted])
    failed = {failure.object_id for failure in tally.failures}
    with engines.durable_transaction(job.engine) as conn:
        for one in ones:
            if one.key.execution_id not in failed:
                ledger.clear_failure(conn, row.key, ObjectKind.EXECUTION, one.key.execution_id)

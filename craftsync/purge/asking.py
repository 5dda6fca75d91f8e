"""One DELETE, and the look that tells what came of it. It is never repeated from here."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from craftsync.errors import CraftsyncError, Missing, UpstreamFault
from craftsync.purge import look
from craftsync.purge.book import NOT_SENT
from craftsync.purge.job import Job, Outcome
from craftsync.purge.look import Seen, Sight
from craftsync.purge.plan import Item
from craftsync.records import Incarnation
from craftsync.upstream import exact
from craftsync.upstream.deletes import NotSent, Unclear


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a DELETE.

    `may_repeat` says that nobody knows why it is there still; then the platform may have wished
    for a pause. `was_sent`: the platform may have done something. `fatal` is what ends the run.
    """

    outcome: Outcome
    error: str | None = None
    may_repeat: bool = False
    wait_s: float = 0.0
    was_sent: bool = True
    fatal: CraftsyncError | None = None


def for_execution(job: Job, item: Item, *, tried_before: bool) -> Answered:
    """Delete an execution; `tried_before` says that a try of ours may have come through late."""
    pipeline = item.pipeline_name or ""
    return _ask(
        lambda: job.eraser.execution(item.key.execution_id),
        lambda: look.at_execution(job.platform, item.key),
        lambda: look.closely_at_execution(job, item.key, pipeline),
        tried_before=tried_before,
    )


def for_deployment(
    job: Job, item: Item, pool: Executor, *, execution_rule: str | None, tried_before: bool
) -> Answered:
    """Delete a deployment; each of its executions has to be gone too."""
    deployment = Incarnation(*item.key)

    def after() -> Seen:
        seen = look.at_deployment(job.platform, deployment)
        if seen.sight is not Sight.GONE:
            return seen
        keys = [one.key for one in item.executions]
        for key, its in zip(
            keys, pool.map(lambda key: look.at_execution(job.platform, key), keys), strict=True
        ):
            if its.sight is not Sight.GONE:
                return Seen(Sight.UNKNOWN, f"{key.execution_id}: {its.why}")
        return seen

    return _ask(
        lambda: job.eraser.deployment(deployment.name, execution_rule=execution_rule),
        after,
        lambda: look.closely_at_deployment(
            job, deployment, item.pipeline_name, {one.key for one in item.executions}
        ),
        tried_before=tried_before,
    )


def _ask(
    delete: Callable[[], None],
    after: Callable[[], Seen],
    closely: Callable[[], Seen],
    *,
    tried_before: bool,
) -> Answered:
    try:
        delete()
    except Missing as fault:
        ours = Outcome.DELETED if tried_before else Outcome.ALREADY_GONE
        return _looked(closely, fault, gone=ours)
    except NotSent as fault:
        ours = Outcome.DELETED if tried_before else Outcome.ALREADY_GONE
        looked = _looked(closely, fault, gone=ours, may_repeat=True)
        error = looked.error and f"{NOT_SENT}: {looked.error}"
        return replace(looked, error=error, was_sent=False)
    except Unclear as fault:
        return _looked(
            closely, fault, gone=Outcome.DELETED, may_repeat=True, wait_s=fault.retry_after_s or 0
        )
    except UpstreamFault as fault:
        return Answered(Outcome.FAILED, exact.plain(str(fault)))
    except CraftsyncError as fatal:  # no token could be had: nothing was sent
        return Answered(Outcome.FAILED, exact.plain(str(fatal)), fatal=fatal)
    try:
        seen = after()
    except CraftsyncError as fatal:
        return Answered(Outcome.IN_DOUBT, exact.plain(str(fatal)), fatal=fatal)
    if seen.sight is Sight.GONE:
        return Answered(Outcome.DELETED)
    return Answered(Outcome.IN_DOUBT, f"the platform says that it is deleted, but {seen.why}")


def _looked(
    closely: Callable[[], Seen],
    fault: UpstreamFault,
    *,
    gone: Outcome,
    may_repeat: bool = False,
    wait_s: float = 0.0,
) -> Answered:
    said = exact.plain(str(fault))
    try:
        seen = closely()
    except CraftsyncError as fatal:
        return Answered(Outcome.IN_DOUBT, said, fatal=fatal)
    if seen.sight is Sight.GONE:
        return Answered(gone)
    if seen.sight is Sight.THERE:
        return Answered(Outcome.FAILED, said, may_repeat=may_repeat, wait_s=wait_s)
    return Answered(Outcome.IN_DOUBT, f"{said}; {seen.why}")

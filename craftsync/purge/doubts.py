"""Deletes of earlier runs of which nobody knows how they ended: looked for, before anything else.

A process may have died between its intent and the answer, or the answer was lost. What is gone is
closed as deleted; what is there still may be tried again by its plan; the rest stays in doubt.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from craftsync.purge import look
from craftsync.purge.book import NOT_SENT, Book, End
from craftsync.purge.job import Job, Outcome, Settled
from craftsync.purge.look import Seen, Sight
from craftsync.records import Incarnation, Key, ObjectKind
from craftsync.store import audit, erasable
from craftsync.store.audit import Open


def settle(job: Job, book: Book) -> list[Settled]:
    """Look for all that is in doubt in the environment, and write down what was seen."""
    with job.reader.connect() as conn:
        still_open = audit.open_tries(conn, job.environment.key)
        places = [_place(conn, job, one) for one in still_open]
    settled = []
    for one, (pipeline, keys) in zip(still_open, places, strict=True):
        outcome, error = _outcome(one, _look(job, one, pipeline, keys))
        if outcome is not Outcome.IN_DOUBT or one.is_new:
            book.write(ends=[End(one.what, outcome, error)])
        told = Settled(one.what.deletion_id, one.what.kind, one.what.key, outcome, error)
        job.listener(told)
        settled.append(told)
    return settled


def _place(conn: Connection, job: Job, one: Open) -> tuple[str | None, Sequence[Key]]:
    """Return the pipeline to look in, and the executions that must not be there."""
    key = job.environment.key
    pipeline = erasable.pipeline_of(conn, key, one.what.kind, one.what.key)
    if one.what.kind != ObjectKind.DEPLOYMENT:
        return pipeline, [one.what.key]
    its = erasable.executions_of(conn, key, Incarnation(*one.what.key))
    return pipeline, [execution.key for execution in its]


def _look(job: Job, one: Open, pipeline: str | None, keys: Sequence[Key]) -> Seen:
    if one.what.kind == ObjectKind.DEPLOYMENT:
        deployment = Incarnation(*one.what.key)
        return look.closely_at_deployment(job, deployment, pipeline, set(keys))
    if pipeline is None:
        return Seen(Sight.UNKNOWN, "the store does not hold it")
    return look.closely_at_execution(job, one.what.key, pipeline)


def _outcome(one: Open, seen: Seen) -> tuple[Outcome, str | None]:
    if seen.sight is Sight.GONE:
        asked = not (one.error or "").startswith(NOT_SENT)
        return (Outcome.DELETED if asked else Outcome.ALREADY_GONE), None
    if seen.sight is Sight.THERE:
        return Outcome.FAILED, seen.why
    return Outcome.IN_DOUBT, seen.why

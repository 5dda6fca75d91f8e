"""Whether the last sync of a pipeline is something to choose on what is deleted by its age."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection

from craftsync.errors import Refused
from craftsync.store import coverage
from craftsync.store.coverage import RUNNING, Coverage
from craftsync.store.environments import EnvironmentRow
from craftsync.times import utc_text

FRESH = timedelta(hours=24)
"""A plan is made only where the last sync of a pipeline is younger than this."""
CLOCKS = timedelta(minutes=5)
"""So much the clocks of the machines of a team may differ."""


def nobody() -> bool:
    """Say that no sync is at work: under the lock a run that has not ended is one that died."""
    return False


def require_fresh(
    connection: Connection,
    environment: EnvironmentRow,
    pipelines: Collection[str],
    *,
    now: datetime,
    at_work: Callable[[], bool],
) -> None:
    """Raise `Refused` where the last sync of a pipeline was not complete, or is too long ago.

    `at_work` tells whether another craftsync may be mirroring the environment; it is asked only
    where that matters.
    """
    covered = coverage.coverage(connection, environment.key)
    for name in sorted(pipelines):
        why = _doubt(covered.get(name), now, at_work)
        if why is not None:
            raise Refused(
                f"The pipeline {name} {why}: nothing is planned or deleted on such a base.",
                hint=f"craftsync sync --env {environment.name}",
            )


def _doubt(last: Coverage | None, now: datetime, at_work: Callable[[], bool]) -> str | None:
    """Say why the last sync that covered a pipeline cannot be believed; None where it can."""
    if last is None:
        return "was never listed to its end"
    if last.outcome != "complete":
        return f"was last covered by a sync that ended {last.outcome or 'unseen'}"
    if last.error is not None:
        return f"could not be listed any more ({last.error})"
    # A sync at work takes nothing away: nothing is deleted before it ends and is judged itself.
    if last.cut_short is not None and not (last.cut_short == RUNNING and at_work()):
        ended = "unseen" if last.cut_short == RUNNING else last.cut_short
        return f"may have been in the scope of a later sync that ended {ended}"
    if last.passed_over:
        return "was not listed by a later sync of all pipelines"
    if now - last.at >= FRESH:
        return f"was last mirrored at {utc_text(last.at)[:19]}Z, more than a day ago"
    if last.at - now > CLOCKS:
        return f"was last mirrored at {utc_text(last.at)[:19]}Z, which is yet to come"
    return None

"""Deployments and pipelines alike: named objects of which a name may come back anew."""

from collections.abc import Callable, Sequence, Set
from typing import TypeVar

from craftsync.errors import Missing
from craftsync.records import Deployment, Incarnation, ObjectKind, Payload, Pipeline
from craftsync.store.estate import HeldDeployment, HeldPipeline
from craftsync.sync import absences
from craftsync.sync.events import Withheld
from craftsync.sync.fetch import in_parallel
from craftsync.sync.job import Job
from craftsync.sync.plan import plan
from craftsync.sync.tally import Tally
from craftsync.upstream import payloads
from craftsync.upstream.fields import body_of

T = TypeVar("T", Deployment, Pipeline)


def read_all(
    job: Job,
    tally: Tally,
    kind: ObjectKind,
    name_key: str,
    entries: Sequence[Payload],
    read: Callable[[Payload], T],
) -> tuple[list[T], frozenset[str]]:
    """Read listed objects, each by its own GET where that is needed; name those that fail."""
    found: list[T] = []
    unread: set[str] = set()
    workers = min(job.options.workers, max(len(entries), 1))
    for entry, one in in_parallel(read, entries, workers=workers):
        if not isinstance(one, Exception):
            found.append(one)
            continue
        unread.add(entry[name_key])
        if not isinstance(one, Missing):  # deleted since it was listed: the next listing tells
            shown = payloads.shown_id(entry, name_key)
            tally.fail(kind, shown, "detail", str(one), raw=body_of(one))
    return found, frozenset(unread)


def live(
    held: Sequence[HeldDeployment] | Sequence[HeldPipeline],
    unread: Set[str],
) -> frozenset[Incarnation]:
    """Return those held that are not gone; of those listed but not read nothing is known."""
    return frozenset(
        row.incarnation for row in held if not row.gone and row.incarnation.name not in unread
    )


def gone_of(
    job: Job,
    tally: Tally,
    kind: ObjectKind,
    *,
    listed: Set[Incarnation],
    held: Set[Incarnation],
    ask: absences.Ask,
) -> frozenset[Incarnation]:
    """Return those held that are gone. One that is listed anew under its name needs no asking."""
    if job.options.pipelines:  # a scoped run never marks what it did not list
        return frozenset()
    births = {one.name: one.created_at for one in listed}
    made_again = {
        one for one in held - listed if births.get(one.name, one.created_at) > one.created_at
    }
    decision = plan(
        listed=listed,
        held=held,
        unsettled=frozenset(),
        explained=made_again,
        accept_vanished=job.options.accept_vanished,
    )
    if decision.withheld:
        tally.withhold(Withheld(kind, "", len(listed), len(held), len(decision.withheld)))
    return frozenset(
        one
        for one in decision.gone
        if one in made_again or absences.is_gone(ask, one.name, one.created_at)
    )

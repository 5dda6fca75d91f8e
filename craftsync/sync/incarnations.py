"""Deployments and pipelines alike: named objects of which a name may come back anew."""

from collections.abc import Callable, Iterator, Sequence, Set
from typing import TypeVar

from craftsync import times
from craftsync.errors import BadAnswer, Missing, UpstreamFault
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
LISTED_YET_404 = "It is listed, and answers 404 all the same."


def read_all(
    job: Job,
    tally: Tally,
    kind: ObjectKind,
    name_key: str,
    entries: Sequence[Payload],
    read: Callable[[Payload], T],
    list_again: Callable[[], Sequence[Payload]],
) -> tuple[list[T], frozenset[str]]:
    """Read listed objects, each by its own GET where that is needed; name those that fail.

    Where something answers 404, `list_again` tells whether it was deleted meanwhile.
    """
    found: list[T] = []
    unread: set[str] = set()
    missing: list[Payload] = []
    workers = min(job.options.workers, max(len(entries), 1))
    for entry, one in in_parallel(read, entries, workers=workers):
        if not isinstance(one, Exception):
            found.append(one)
            continue
        unread.add(entry[name_key])
        if isinstance(one, Missing):
            missing.append(entry)
            continue
        shown = payloads.shown_id(entry, name_key)
        tally.fail(kind, shown, "detail", str(one), raw=body_of(one))
    if missing:
        for entry, why in _there_still(missing, name_key, list_again):
            tally.fail(kind, payloads.shown_id(entry, name_key), "detail", why)
    return found, frozenset(unread)


def _there_still(
    missing: Sequence[Payload], name_key: str, list_again: Callable[[], Sequence[Payload]]
) -> Iterator[tuple[Payload, str]]:
    """Yield what is listed still although it answers 404, and why it is not read."""
    try:
        births = {one[name_key]: payloads.birth_of(one) for one in list_again()}
    except UpstreamFault as fault:
        yield from ((entry, str(fault)) for entry in missing)
        return
    for entry in missing:
        born = births.get(entry[name_key])
        if entry[name_key] in births and born == payloads.birth_of(entry):
            yield entry, LISTED_YET_404


def refuse_another(entry: Payload, detail: Payload, kind: ObjectKind, name: str) -> None:
    """Refuse to tell of one what another says: in its place, or under its name since its listing.

    Raises `BadAnswer`.
    """
    listed, born = payloads.birth_of(entry), payloads.birth_of(detail)
    payloads.require_about(detail, kind, name, born=listed)
    if listed and born and times.epoch_ms(born) > times.epoch_ms(listed):
        raise BadAnswer("It was made again after it was listed.")


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

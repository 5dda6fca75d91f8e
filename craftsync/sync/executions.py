"""Executions, all pipelines in scope: list and decide one after the other, then fetch and save.

A listing that is to the letter what it was when everything in it was held and settled is not
looked into at all.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain

from craftsync import __version__
from craftsync.errors import Denied, Missing, UpstreamFault
from craftsync.records import Key, ObjectKind, PartState
from craftsync.store import failures, ledger, mirror
from craftsync.store.failures import EXECUTIONS, FailureKey
from craftsync.store.open_parts import OpenPart, open_parts
from craftsync.sync import absences
from craftsync.sync.estate import Known
from craftsync.sync.events import Listed
from craftsync.sync.fetch import in_parallel
from craftsync.sync.job import Job
from craftsync.sync.saving import Saver
from craftsync.sync.scope import Scope, by_pipeline
from craftsync.sync.tally import Tally, of_part
from craftsync.sync.work import Wanted
from craftsync.upstream import metrics
from craftsync.upstream.client import ExecutionListing

METRICS = "metrics"
"""The kind of scope under which it is noted which pipelines record metrics, and when that was
last asked for all of them."""

_ASKED_EVERY = timedelta(days=1)
_LISTINGS_AT_ONCE = 4
_SMALL = 20_000  # executions; larger listings come one at a time


def mirror_all(job: Job, tally: Tally, known: Known) -> None:
    """Mirror the executions of all pipelines in scope."""
    key = tally.environment_key
    with job.engine.connect() as conn:
        standing = failures.standing(conn, key)
        listings = ledger.scopes(conn, key)
    recording = _recording(job, tally, known, listings, standing)
    with job.engine.connect() as conn:
        waiting = by_pipeline(open_parts(conn, key, recording=recording))
    for part in chain.from_iterable(waiting.values()):
        if part.state is PartState.ERROR and not job.options.asks_for(part):
            tally.leave_out(of_part(part.key.execution_id, part.kind, part.name))
    asked = absences.Asked(job.platform.execution, tally.run_id)
    strays: dict[Key, tuple[str, str]] = {}
    items: list[Collection[Wanted | OpenPart]] = []

    def scope(name: str) -> Scope:
        return Scope(job, tally, known, asked, standing, name, waiting.get(name, ()), strays)

    for name, listing in _listings(job, known.pipelines, waiting, listings):
        if isinstance(listing, Exception):
            # A pipeline that nobody lists any more has no listing: that is no failure.
            if not (isinstance(listing, Missing) and name in known.unlisted):
                tally.fail(ObjectKind.PIPELINE, name, EXECUTIONS, str(listing), pipeline=name)
        elif listing.entries is None:
            before = listings[ObjectKind.PIPELINE, name]
            tally.unchanged(name, before.last_listed or 0, listing.sha256)
            job.listener(Listed(job.environment, name, before.last_listed or 0, 0))
        else:
            decision = scope(name).decide(listing.entries)
            items += (decision.wanted, decision.parts)
            if decision.is_quiet:
                tally.note_hash(name, listing.sha256)
        del listing  # before the next one comes, and before anything is fetched
    items += [scope(name).decide([]).wanted for name in known.vanished]
    proved = job.fetcher.whole_log
    Saver(job, tally, recording).run(items)
    if strays and not job.options.pipelines:
        _name_lost(job, tally, strays)
    for counted, least, most in zip(ledger.IN_A_LOG, proved, job.fetcher.whole_log, strict=True):
        if most > least:
            _note(job, tally, ledger.LOGS, [counted], most)


def _name_lost(job: Job, tally: Tally, strays: Mapping[Key, tuple[str, str]]) -> None:
    """Name the strays that the pipeline they name has not brought in: it does not list them."""
    with job.engine.connect() as conn:
        held = mirror.held_content(conn, tally.environment_key, list(strays))
    failed = {one.object_id for one in tally.failures if one.object_kind is ObjectKind.EXECUTION}
    for key, (lister, stated) in strays.items():
        if key not in held and key.execution_id not in failed:
            why = f"{lister} lists it, and it names {stated}, which does not."
            tally.fail(ObjectKind.EXECUTION, key.execution_id, "detail", why, pipeline=lister)


def _listings(
    job: Job,
    names: Sequence[str],
    waiting: dict[str, list[OpenPart]],
    known: dict[tuple[str, str], ledger.Listing],
) -> Iterator[tuple[str, ExecutionListing | Exception]]:
    """List pipelines: small ones some at once, large and unknown ones one at a time."""

    def ask(name: str) -> ExecutionListing:
        return job.platform.executions(name, unless_sha256=_hash_of(job, name, waiting, known))

    sizes = {
        name: last.last_listed
        for name in names
        if (last := known.get((ObjectKind.PIPELINE, name))) and last.last_listed is not None
    }
    small = [name for name in names if sizes.get(name, _SMALL) < _SMALL]
    yield from in_parallel(ask, small, workers=min(_LISTINGS_AT_ONCE, len(small)), waiting=1)
    for name in names:
        if sizes.get(name, _SMALL) >= _SMALL:
            try:
                yield name, ask(name)
            except UpstreamFault as fault:
                yield name, fault


def _hash_of(
    job: Job,
    name: str,
    waiting: dict[str, list[OpenPart]],
    known: dict[tuple[str, str], ledger.Listing],
) -> str | None:
    """Return the hash of a listing that needs no looking into, None where every one does."""
    last = known.get((ObjectKind.PIPELINE, name))
    if last is None or last.tool_version != __version__:
        return None
    options = job.options
    if options.full or options.lookback or any(map(options.asks_for, waiting.get(name, ()))):
        return None
    return last.listing_sha256


def _recording(
    job: Job,
    tally: Tally,
    known: Known,
    scopes: Mapping[tuple[str, str], ledger.Listing],
    standing: Mapping[FailureKey, failures.Standing],
) -> frozenset[str]:
    """Return the pipelines that record metrics: known ones, and those a daily pass finds."""
    held = frozenset(name for kind, name in scopes if kind == METRICS and name)
    last = scopes.get((METRICS, ""))
    if (
        last is not None
        and last.last_complete_at is not None
        and abs(tally.started_at - last.last_complete_at) < _ASKED_EVERY
        and not job.options.full
    ):
        return held
    try:
        found = metrics.recording_pipelines(job.platform, known=known.names)
    except Missing:
        found = frozenset()
    except UpstreamFault as fault:
        what = FailureKey(ObjectKind.PIPELINES, "", METRICS)
        before = standing.get(what)
        if isinstance(fault, Denied) and before is not None and before.error == str(fault):
            tally.leave_out(what)
        else:
            tally.fail(*what, str(fault))
        return held
    _note(job, tally, METRICS, sorted((found - held) | {""}), len(found))
    return held | found


def _note(job: Job, tally: Tally, kind: str, names: Sequence[str], count: int) -> None:
    """Note something that later runs need to know, in the manner of a listing."""
    with job.engine.begin() as conn:
        for name in names:
            ledger.set_scope(
                conn,
                tally.environment_key,
                kind,
                name,
                complete_at=tally.started_at,
                listed=count,
            )

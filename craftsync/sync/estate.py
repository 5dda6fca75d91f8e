"""Deployments and pipelines: listed, read one by one where that is needed, saved, or gone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from sqlalchemy import Connection

from craftsync.errors import (
    BadAnswer,
    BadCredentials,
    Missing,
    Unreachable,
    UpstreamFault,
    Usage,
    nearest,
)
from craftsync.records import Deployment, Incarnation, ObjectKind, Payload, Pipeline
from craftsync.store import estate as store_estate
from craftsync.store import ledger
from craftsync.store import mirror as mirror_store
from craftsync.store.environments import Rev
from craftsync.store.failures import LISTING
from craftsync.sync import absences
from craftsync.sync.incarnations import gone_of, live, read_all, refuse_another
from craftsync.sync.job import Job
from craftsync.sync.tally import Tally
from craftsync.upstream import payloads
from craftsync.upstream.fields import is_name

Listing = Sequence[Payload] | UpstreamFault


@dataclass(frozen=True, slots=True)
class Known:
    """What the executions' turn needs to know of the rest of the estate.

    `names` are those of all pipelines that upstream knows. `pipelines` are to be listed, those
    among them in `unlisted` because a deployment or the store names them, and no answer says that
    they are gone; `vanished` answer 404 themselves, so that their executions count as none.
    """

    deployments: absences.Deployments
    names: frozenset[str]
    pipelines: tuple[str, ...]
    unlisted: frozenset[str]
    vanished: tuple[str, ...]


def mirror(job: Job, tally: Tally) -> Known:
    """Mirror the deployments and pipelines in scope; a failed listing leaves its scope as it is.

    Raises `Unreachable` when neither listing can be had, `BadCredentials` when the platform takes
    no request of this token, `Usage` for a pipeline that nobody knows.
    """
    deployments = _listing(job.platform.deployments)
    pipelines = _listing(job.platform.pipelines)
    if isinstance(deployments, UpstreamFault) and isinstance(pipelines, UpstreamFault):
        _nothing_works(deployments, pipelines)
    known, named = _mirror_deployments(job, tally, deployments)
    listed, lost = _mirror_pipelines(job, tally, pipelines)
    wanted = job.options.pipelines
    if not isinstance(pipelines, UpstreamFault):
        refuse_unknown(wanted, listed | named | lost)
    left_over = lost - named if not wanted else lost & set(wanted) - named
    vanished = {name for name in left_over if absences.is_denied(job.platform.pipeline, name)}
    there = listed | named | (left_over - vanished)  # a listing may hide what is there
    in_scope = set(wanted) or there
    return Known(
        deployments=known,
        names=there,
        pipelines=tuple(sorted(in_scope - vanished)),
        unlisted=frozenset(in_scope - listed),
        vanished=tuple(sorted(vanished)),
    )


def refuse_unknown(wanted: Iterable[str], names: Set[str]) -> None:
    """Refuse to mirror pipelines of which nobody knows."""
    for name in wanted:
        if name not in names:
            raise Usage(f"No pipeline is called {name}.", hint=nearest(name, names))


def _listing(ask: Callable[[], Sequence[Payload]]) -> Listing:
    try:
        return ask()
    except UpstreamFault as fault:
        return fault


def _nothing_works(*faults: UpstreamFault) -> None:
    """Tell a platform out of reach, or one that takes no request, from malformed listings."""
    statuses = [fault.status if isinstance(fault, BadAnswer) else 0 for fault in faults]
    if all(status == HTTPStatus.UNAUTHORIZED for status in statuses):
        raise BadCredentials(
            "The platform refuses every request of this token (HTTP 401).",
            hint="Take a new token from your account on the platform and set it.",
        )
    if all(status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR for status in statuses):
        raise Unreachable(
            f"The platform gives no listing: {faults[0]}", hint="Try again later: craftsync sync"
        )


def _mirror_deployments(
    job: Job, tally: Tally, entries: Listing
) -> tuple[absences.Deployments, frozenset[str]]:
    """Save what is listed, mark what is gone; return also the names of pipelines in it."""
    with job.engine.connect() as conn:
        held = list(store_estate.held_deployments(conn, tally.environment_key))
    births: dict[str, list[datetime]] = defaultdict(list)
    for row in sorted(held, key=lambda row: row.incarnation):
        births[row.incarnation.name].append(row.incarnation.created_at)
    if isinstance(entries, UpstreamFault):
        tally.fail(ObjectKind.DEPLOYMENTS, "", LISTING, str(entries))
        return absences.Deployments(None, births, job.platform.deployment), frozenset()
    there = [entry for entry in entries if not payloads.is_archived(entry)]
    in_scope = [entry for entry in there if job.wanted(payloads.pipeline_of(entry))]
    tally.deployments = len(in_scope)

    # Once its detail was held, a listing alone says too little of it.
    known = {row.incarnation for row in held if row.has_detail or row.gone}

    def read(entry: Payload) -> Deployment:
        try:
            answer = job.platform.deployment(entry["name"])
            refuse_another(entry, answer, ObjectKind.DEPLOYMENT, entry["name"])
            detail = job.redactor.deployment(answer)
        except Missing:
            born = payloads.birth_of(entry)
            if born is None or Incarnation(entry["name"], born) in known:
                raise
            detail = None  # the pseudo-deployments of direct runs have none
        return payloads.deployment(job.redactor.deployment(entry), detail)

    listing = job.platform.deployments
    found, unread = read_all(job, tally, ObjectKind.DEPLOYMENT, "name", in_scope, read, listing)
    gone = gone_of(
        job,
        tally,
        ObjectKind.DEPLOYMENTS,
        listed={Incarnation(one.name, one.created_at) for one in found},
        held=live(held, unread),
        ask=job.platform.deployment,
    )
    with job.engine.begin() as conn:
        rev = Rev(conn, tally.environment_key)
        saved = store_estate.save_deployments(
            conn, tally.environment_key, found, seen_at=tally.started_at, rev=rev
        )
        store_estate.mark_deployments_gone(
            conn,
            {row.deployment_key for row in held if row.incarnation in gone},
            gone_at=tally.started_at,
            rev=rev,
        )
    tally.deployments_changed = saved.written
    if not job.options.pipelines:
        tally.complete(ObjectKind.DEPLOYMENTS, "", len(there))
    # One whose detail could not be read is there: no absence is explained by it.
    long_ago = datetime.min.replace(tzinfo=UTC)
    listed = {entry["name"]: long_ago for entry in there}
    listed.update((one.name, one.created_at) for one in found)
    named = frozenset(name for entry in there if (name := payloads.pipeline_of(entry)))
    return absences.Deployments(listed, births, job.platform.deployment), named


def _mirror_pipelines(
    job: Job, tally: Tally, entries: Listing
) -> tuple[frozenset[str], frozenset[str]]:
    """Save what is listed, mark what is gone.

    Return the names listed, and those of pipelines that are not, while they or executions of
    theirs are held that are not gone.
    """
    with job.engine.connect() as conn:
        held = list(store_estate.held_pipelines(conn, tally.environment_key))
    if isinstance(entries, UpstreamFault):
        tally.fail(ObjectKind.PIPELINES, "", LISTING, str(entries))
        return frozenset(row.incarnation.name for row in held if not row.gone), frozenset()
    there = [entry for entry in entries if not payloads.is_archived(entry)]
    names = frozenset(name for entry in there if is_name(name := entry["pipeline_name"]))
    in_scope = [entry for entry in there if job.wanted(entry["pipeline_name"])]
    tally.pipelines = len(in_scope)
    detailed = {row.incarnation for row in held if row.detail_sha256 and not row.gone}
    known = {row.incarnation for row in held if row.detail_sha256 or row.gone}

    def read(entry: Payload) -> Pipeline:
        listed = payloads.pipeline(job.redactor.pipeline(entry))
        if Incarnation(listed.name, listed.created_at) in detailed:
            return listed
        try:
            answer = job.platform.pipeline(listed.name)
        except Missing:
            if Incarnation(listed.name, listed.created_at) in known:
                raise
            return listed
        refuse_another(entry, answer, ObjectKind.PIPELINE, listed.name)
        return payloads.pipeline(job.redactor.pipeline(entry), job.redactor.pipeline(answer))

    listing, key = job.platform.pipelines, "pipeline_name"
    found, unread = read_all(job, tally, ObjectKind.PIPELINE, key, in_scope, read, listing)
    gone = gone_of(
        job,
        tally,
        ObjectKind.PIPELINES,
        listed={Incarnation(one.name, one.created_at) for one in found},
        held=live(held, unread),
        ask=job.platform.pipeline,
    )
    with job.engine.begin() as conn:
        rev = Rev(conn, tally.environment_key)
        store_estate.save_pipelines(
            conn, tally.environment_key, found, seen_at=tally.started_at, rev=rev
        )
        store_estate.mark_pipelines_gone(
            conn,
            {row.pipeline_key for row in held if row.incarnation in gone},
            gone_at=tally.started_at,
            rev=rev,
        )
    if not job.options.pipelines:
        tally.complete(ObjectKind.PIPELINES, "", len(there))
    with job.engine.connect() as conn:
        return names, left_over(conn, tally.environment_key, names)


def left_over(conn: Connection, environment_key: int, listed: Set[str]) -> frozenset[str]:
    """Return the pipelines that are not `listed`, while they or executions of theirs are held."""
    held = {
        row.incarnation.name
        for row in store_estate.held_pipelines(conn, environment_key)
        if not row.gone
    }
    known = {
        name for kind, name in ledger.scopes(conn, environment_key) if kind == ObjectKind.PIPELINE
    }
    alone = known - held - listed
    of_runs = {name for name in alone if mirror_store.has_live(conn, environment_key, name)}
    return frozenset((held - listed) | of_runs)

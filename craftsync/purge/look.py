"""Whether something is still there upstream, after an answer that left it open.

Gone is only what its own GET denies, with an error object, and a complete listing of its parent
does not have. A token that lost its rights sees 404 everywhere: then there is no listing, or one
that shows nothing of what is known to be there, and nobody knows.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto

from craftsync.errors import BadPayload, Missing, UpstreamFault
from craftsync.purge.job import Job
from craftsync.records import Incarnation, Key, ListedExecution, Payload
from craftsync.store.erasable import LiveExecution
from craftsync.times import epoch_ms
from craftsync.upstream import exact, payloads
from craftsync.upstream.client import Platform


class Sight(StrEnum):
    """What a look showed."""

    THERE = auto()
    GONE = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen, and in words why nothing could be, or what is left."""

    sight: Sight
    why: str = ""


GONE = Seen(Sight.GONE)


def at_execution(platform: Platform, key: Key) -> Seen:
    """Ask for an execution by its id alone; enough after a delete that was answered with yes."""
    return _at(platform.execution, key.execution_id, key.created_at)


def closely_at_execution(job: Job, key: Key, pipeline_name: str) -> Seen:
    """Ask for an execution, and when it is denied for its pipeline's listing too."""
    seen = at_execution(job.platform, key)
    if seen.sight is not Sight.GONE:
        return seen
    return _none_listed(job, pipeline_name, {key})


def at_deployment(platform: Platform, deployment: Incarnation) -> Seen:
    """Ask for a deployment by its name alone."""
    return _at(platform.deployment, deployment.name, deployment.created_at)


def is_the_same(platform: Platform, deployment: Incarnation) -> bool:
    """Whether a deployment is there as it was made then: a doubt says no, unlike everywhere else.

    Its own GET may leave out when it was made; then the listing has to tell. Raises `Missing`.
    """
    try:
        found = platform.deployment(deployment.name)
        if found.get("name") != deployment.name or payloads.is_archived(found):
            return False
        born = payloads.birth_of(found) or _listed_birth(platform, deployment.name)
    except Missing:
        raise
    except UpstreamFault:
        return False
    return born is not None and epoch_ms(born) == epoch_ms(deployment.created_at)


def _listed_birth(platform: Platform, name: str) -> datetime | None:
    try:
        births = [payloads.birth_of(one) for one in platform.deployments() if one["name"] == name]
    except Missing:
        return None
    return births[0] if len(births) == 1 else None


def closely_at_deployment(
    job: Job, deployment: Incarnation, pipeline_name: str | None, keys: Set[Key]
) -> Seen:
    """Ask for a deployment, then for the listings that it and its executions `keys` stand in."""
    seen = at_deployment(job.platform, deployment)
    if seen.sight is not Sight.GONE:
        return seen
    try:
        listed = job.platform.deployments()
    except UpstreamFault as fault:
        return _unknown(fault)
    for entry in listed:
        if entry["name"] == deployment.name and not payloads.is_another(
            entry, deployment.created_at
        ):
            return Seen(Sight.UNKNOWN, "it is listed, though its own GET denies it")
    if pipeline_name is None:
        return Seen(Sight.GONE) if not keys else Seen(Sight.UNKNOWN, "its pipeline is not known")
    return _none_listed(job, pipeline_name, keys)


def listed_with(
    platform: Platform,
    name: str,
    pipeline_name: str,
    *,
    held: Callable[[Set[Key]], Mapping[Key, LiveExecution]],
) -> Sequence[ListedExecution] | None:
    """Return the executions that upstream lists under a deployment's name.

    Of one that is listed under none the store knows whose it is, where it is `held`; else it is
    asked for by itself. None where all that is not known: no listing, or an entry in it that
    cannot be read.
    """
    try:
        found, nameless = [], {}
        for entry in platform.executions(pipeline_name).entries or ():
            if isinstance(entry, BadPayload):
                return None
            if entry.deployment_name == name:
                found.append(entry)
            elif entry.deployment_name is None:
                nameless[entry.key] = entry
        known = held(nameless.keys())
        for key in sorted(nameless):
            if key in known:
                is_his = known[key].deployment_name == name
            else:
                is_his = _is_of(platform, key, name, pipeline_name)
            if is_his:
                found.append(nameless[key])
    except UpstreamFault:
        return None
    return found


def _is_of(platform: Platform, key: Key, name: str, pipeline_name: str) -> bool:
    try:
        found = platform.execution(key.execution_id)
    except Missing:
        return False  # it has gone since it was listed
    return payloads.listed_execution(found, scope_pipeline=pipeline_name).deployment_name == name


def _at(ask: Callable[[str], Payload], name: str, born: datetime) -> Seen:
    try:
        found = ask(name)
    except Missing:
        return GONE
    except UpstreamFault as fault:
        return _unknown(fault)
    if not payloads.is_about(found, name):
        return Seen(Sight.UNKNOWN, "upstream answered with something else")
    if payloads.is_another(found, born):
        return GONE
    return Seen(Sight.THERE, "it is there still")


def _none_listed(job: Job, pipeline_name: str, keys: Set[Key]) -> Seen:
    """Look for executions in a listing of their pipeline, which has to show others that are there.

    As for a sync, a listing that is empty of two and more that are known is not believed.
    """
    try:
        entries = job.platform.executions(pipeline_name).entries or ()
    except UpstreamFault as fault:
        return _unknown(fault)
    wanted = {(key.execution_id, epoch_ms(key.created_at)) for key in keys}
    ids = {key.execution_id for key in keys}
    for entry in entries:
        if isinstance(entry, ListedExecution):
            listed = (entry.key.execution_id, epoch_ms(entry.key.created_at)) in wanted
        else:
            listed = payloads.shown_id(entry.payload) in ids
        if listed:
            return Seen(Sight.UNKNOWN, "it is listed, though its own GET denies it")
    listed_keys = [entry.key for entry in entries if isinstance(entry, ListedExecution)]
    is_doubted = job.knows_others(pipeline_name, keys, listed_keys)
    if is_doubted:
        why = f"the listing of {pipeline_name} shows none of the others that are known to be there"
        return Seen(Sight.UNKNOWN, why)
    return GONE


def _unknown(fault: UpstreamFault) -> Seen:
    return Seen(Sight.UNKNOWN, exact.plain(str(fault)))

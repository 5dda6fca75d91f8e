"""Which object a payload is: its name or id, its birth, its pipeline, and if it still counts."""

from datetime import datetime
from typing import Any

from craftsync import times
from craftsync.errors import BadAnswer
from craftsync.records import ObjectKind, Payload
from craftsync.upstream import exact
from craftsync.upstream.fields import instant_or_none, name_or_none


def pipeline_of(entry: Payload) -> str | None:
    """Return the name of the pipeline that a listed deployment runs, None where it tells none."""
    try:
        return name_or_none(named_pipeline(entry))
    except ValueError:
        return None


def birth_of(entry: Payload) -> datetime | None:
    """Return when a listed object was made, None where its entry does not tell."""
    return instant_or_none(made(entry).get("created_at"))


def is_archived(payload: Payload) -> bool:
    """Whether an object that can still be read counts as deleted."""
    return made(payload).get("is_archived") is True


def is_another(payload: Payload, created_at: datetime) -> bool:
    """Whether what now has this name or id is not what was made at `created_at`; a doubt says no.

    To the millisecond, since a listing may tell fewer digits than the object itself.
    """
    born = instant_or_none(made(payload).get("created_at"))
    another = born is not None and times.epoch_ms(born) != times.epoch_ms(created_at)
    return another or is_archived(payload)


def is_about(payload: Payload, name: str, *, born: datetime | None = None) -> bool:
    """Whether an object says itself that it has this id, or this name.

    What stands between may answer with something else: that says nothing of what was asked for.
    One that tells no name at all is known by the time it was made, where `born` is given.
    """
    parameters = payload.get("parameters")  # where a pipeline tells its name
    told = {**(parameters if type(parameters) is dict else {}), **payload}
    keys = ("execution_id", "name", "pipeline_name")
    said = next((told[key] for key in keys if key in told), None)
    if said is None and born is not None and (made_at := birth_of(payload)) is not None:
        return times.epoch_ms(made_at) == times.epoch_ms(born)
    return bool(said == name)


def require_about(
    payload: Payload, kind: ObjectKind, name: str, *, born: datetime | None = None
) -> None:
    """Raise `BadAnswer` for something else in the place of an object; see `is_about`."""
    if not is_about(payload, name, born=born):
        raise BadAnswer(f"{kind} {name}: the platform answered with another one")


def shown_id(payload: Any, key: str = "execution_id") -> str:
    """Return what an object that cannot be read may be called in a message."""
    said = payload.get(key) if type(payload) is dict else None
    return exact.plain(said)[:200] if type(said) is str and said else "?"


def named_pipeline(deployment: Payload) -> Any:
    """Return what a deployment says of its pipeline's name."""
    nested = deployment.get("pipeline")
    of_detail = nested.get("name") if type(nested) is dict else None
    return deployment.get("pipeline_name") or of_detail


def made(payload: Payload) -> Payload:
    """Return an object with what a pipeline tells of its making."""
    made = payload.get("creation_info")
    return {**payload, **made} if type(made) is dict else payload

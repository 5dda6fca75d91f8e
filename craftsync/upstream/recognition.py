"""Whether an address still leads to the environment that was mirrored from it."""

import shlex

from craftsync.errors import Refused, Unreachable, UpstreamFault
from craftsync.upstream.client import Platform


def recognise(
    platform: Platform,
    *,
    environment: str,
    url: str,
    known: str | None,
    accepted: str | None = None,
) -> str | None:
    """Return the id that upstream tells, None for a platform too old to tell one.

    Raises `Refused` when that is neither the `known` one nor the `accepted` one, and `Unreachable`
    when there is no answer.
    """
    try:
        found = platform.environment_id()
    except UpstreamFault as fault:
        raise Unreachable(
            f"{url} does not answer: {fault}",
            hint=fault.hint or "Check the url with: craftsync config show",
        ) from fault
    if known and found and found not in {known, accepted}:
        raise Refused(
            f"The environment {environment} is another one than last time: upstream says"
            f" {found}, the store knows {known}. Nothing was read.",
            hint="If it is meant to be: craftsync sync"
            f" --env {environment} --accept-environment {shlex.quote(found)}",
        )
    return found

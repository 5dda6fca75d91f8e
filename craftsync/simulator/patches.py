"""Keys that a tester lays over payloads."""

from typing import Any

Payload = dict[str, Any]
_ONLY_IN_DETAIL = ("inputs", "outputs", "steps")


class Absent:
    """Stands for a key that is left out of a reply."""


ABSENT = Absent()


def patched(payload: Payload, patch: Payload) -> Payload:
    """Lay `patch` over a payload; a key that is ABSENT there is left out."""
    if not patch:
        return payload
    return {key: value for key, value in (payload | patch).items() if value is not ABSENT}


def listed(patch: Payload) -> Payload:
    """Keep the keys that a list shows too."""
    return {key: value for key, value in patch.items() if key not in _ONLY_IN_DETAIL}

"""Addresses made of quoted segments: a name never becomes another path, a query or a fragment.

`requests` and its friends would turn `/deployments/../x` into `/x`, and `a#b` into `a`; what is
built here is sent as it is.
"""

import re
import urllib.parse
from collections.abc import Mapping

from craftsync.errors import BadAnswer

_API = "/api/v1"
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")  # what quoting leaves as it is


def segment(name: str) -> str:
    """Quote one path segment.

    Raises `BadAnswer` for a name that no path can carry: nothing, `.`, `..`, control characters,
    half a surrogate pair.
    """
    if _PLAIN.fullmatch(name) and name not in {".", ".."}:
        return name  # nearly every one
    if name in {"", ".", ".."} or any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in name):
        raise BadAnswer(f"{name!r} cannot stand in the path of a request.")
    try:
        return urllib.parse.quote(name, safe="")
    except UnicodeEncodeError as flaw:
        raise BadAnswer(f"{name!r} cannot stand in the path of a request.") from flaw


def url(base: str, *segments: str, query: Mapping[str, str] | None = None) -> str:
    """Return the address of an API resource under `base`; raises as `segment` does."""
    address = f"{base}{_API}/{'/'.join([segment(name) for name in segments])}"
    return f"{address}?{urllib.parse.urlencode(query)}" if query else address

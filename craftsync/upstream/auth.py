"""SDK token in, bearer out: renewed before it ends, and once when the platform says 401.

The access token's lifetime (`exp - iat`) counts on this machine's own monotonic clock, so a wrong
local date does no harm. The margin is the official client's, 120 s.
"""

import base64
import json
import threading
from collections.abc import Callable

from craftsync.errors import CraftsyncError

MARGIN_S = 120.0
"""An access token with less than this left is renewed before it is used again."""


class Bearer:
    """Hold the access token that all workers sign with, renewed before it ends.

    `renew` asks the platform for a new access token; it raises `BadCredentials` when the platform
    refuses. `clock` counts seconds, monotonically.
    """

    def __init__(self, renew: Callable[[], str], *, clock: Callable[[], float]) -> None:
        self._renew = renew
        self._clock = clock
        self._renewing = threading.Lock()
        self._access_token = ""
        self._renew_at = 0.0
        self._failed: CraftsyncError | None = None

    def token(self) -> str:
        """Return an access token that is good for a while; raises what `renew` raises.

        Of many who ask at once one renews. Where that fails, it has failed for all who waited.
        """
        before = self._failed
        with self._renewing:
            if not self._access_token or self._clock() >= self._renew_at:
                if self._failed is not before and self._failed is not None:
                    raise self._failed
                try:
                    self._take(self._renew())
                except CraftsyncError as flaw:
                    self._failed = flaw
                    raise
            return self._access_token

    def forget(self, refused: str) -> None:
        """Renew before the next request, unless another worker already replaced `refused`."""
        with self._renewing:
            if self._access_token == refused:
                self._access_token = ""

    def _take(self, access_token: str) -> None:
        lifetime = _lifetime_s(access_token)
        # A token that lives no longer than the margin is used for half of its life.
        margin = MARGIN_S if lifetime > 2 * MARGIN_S else lifetime / 2
        self._renew_at = self._clock() + lifetime - margin
        self._access_token = access_token


def _lifetime_s(access_token: str) -> float:
    """Read `exp - iat` out of a JWT; a token that tells neither is used until it is refused."""
    try:
        body = access_token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return max(float(claims["exp"]) - float(claims["iat"]), 0.0)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return float("inf")

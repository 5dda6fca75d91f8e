"""The exchange of the SDK token for an access token, at the control host."""

import json
import re
from collections.abc import Callable
from datetime import datetime

from craftsync.errors import BadAnswer, BadCredentials, Missing, TooBig, Unreachable
from craftsync.upstream.answers import json_object
from craftsync.upstream.paths import url
from craftsync.upstream.retries import Retries, Transient
from craftsync.upstream.transport import Transport

_MOST_BYTES = 1 << 20
_OF_A_HEADER = re.compile("[!-~]+")  # an error about any other token would repeat it

# Other 4xx answers say that the SDK token is wrong; these say something else.
_NOT_ABOUT_THE_TOKEN = frozenset({404, 408, 425, 429})


class SignIn:
    """Sign in with an SDK token, as often as a new access token is wanted."""

    def __init__(
        self,
        control_url: str,
        sdk_token: str,
        *,
        transport: Transport,
        retries: Retries,
        now: Callable[[], datetime],
    ) -> None:
        self._control_url = control_url
        self._sdk_token = sdk_token
        self._transport = transport
        self._retries = retries
        self._now = now

    def renew(self) -> str:
        """Return a new access token.

        Raises `BadCredentials` when the platform refuses the SDK token, and `Unreachable` when
        there is no answer that says so.
        """
        try:
            return self._retries.run(self._ask)
        except (BadAnswer, Missing, TooBig) as fault:
            raise Unreachable(
                f"No access token could be had from {self._control_url}: {fault}",
                hint=fault.hint or "Check the control_url with: craftsync config show",
            ) from fault

    def _ask(self) -> str:
        address = url(self._control_url, "auth", "refresh")
        body = json.dumps({"refresh_token": self._sdk_token}).encode()
        answer = self._transport.send("POST", address, body=body, max_bytes=_MOST_BYTES)
        if 400 <= answer.status < 500 and answer.status not in _NOT_ABOUT_THE_TOKEN:
            raise BadCredentials(
                f"The platform does not accept the SDK token (HTTP {answer.status}).",
                hint="Take a new token from your account on the platform and set it.",
            )
        found = json_object(answer.checked(now=self._now())).get("access_token")
        if not isinstance(found, str) or not _OF_A_HEADER.fullmatch(found):
            raise Transient(f"{answer.what}: no access token in the answer", attempts=2)
        self._transport.hide(found)
        return found

"""One environment of the platform as a token sees it: what reading and deleting have in common."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from craftsync.errors import BadAnswer
from craftsync.upstream.answers import Answer
from craftsync.upstream.auth import Bearer
from craftsync.upstream.retries import Retries, Transient
from craftsync.upstream.signing_in import SignIn
from craftsync.upstream.transport import Through, Transport


class Access:
    """A way into one environment; safe to use from many threads."""

    def __init__(
        self,
        *,
        environment_url: str,
        control_url: str,
        sdk_token: str,
        transport: Transport,
        retries: Retries,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._environment_url = environment_url
        self._transport = transport
        self._retries = retries
        self._now = now
        self._monotonic = monotonic
        sign_in = SignIn(control_url, sdk_token, transport=transport, retries=retries, now=now)
        self._bearer = Bearer(sign_in.renew, clock=monotonic)
        transport.hide(sdk_token)

    @property
    def requests(self) -> int:
        """How many requests were sent so far, second attempts and renewals included."""
        return self._transport.requests

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _signed(
        self,
        method: str,
        address: str,
        *,
        max_bytes: int,
        body: bytes | None = None,
        through: Through | None = None,
        spooled: bool = False,
        again: bool = True,
    ) -> Answer:
        """Send one request; a 401 renews the token, and the request is sent once more at once.

        A second 401 is `Transient`: the token may have ended as it came. Without `again` nothing is
        sent once more, and the next request renews.
        """
        for may_renew in (True, False):
            token = self._bearer.token()
            answer = self._transport.send(
                method,
                address,
                token=token,
                body=body,
                max_bytes=max_bytes,
                through=through,
                spooled=spooled,
            )
            if answer.status != 401 or not may_renew:
                break
            self._bearer.forget(refused=token)
            if not again:
                break
        try:
            return answer.checked(now=self._now())
        except BadAnswer as fault:
            if again and fault.status == HTTPStatus.UNAUTHORIZED:
                raise Transient(str(fault), status=fault.status, attempts=2) from fault
            raise

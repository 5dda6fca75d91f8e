"""The only code that sends DELETE. Each call sends one request, and never repeats it.

An answer that does not say clearly what was done is `Unclear`: whoever called looks then, and
decides. A 401 alone is sent again with a new token: nothing was done for it.
"""

import urllib.parse
from http import HTTPStatus

from craftsync.errors import BadAnswer, TooBig
from craftsync.records import Payload
from craftsync.upstream.access import Access
from craftsync.upstream.answers import Answer, json_object
from craftsync.upstream.paths import url
from craftsync.upstream.retries import Transient

_MOST_BYTES = 1 << 20
_LATE_S = 5.0  # what takes longer lets a proof grow old


class Unclear(BadAnswer):
    """Nobody knows whether the platform did it; `retry_after_s` is its own wish, if it has one."""

    def __init__(
        self, message: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class NotSent(Unclear):
    """The platform has done nothing: no DELETE was sent, or none with a token that it takes."""


class Eraser(Access):
    """Delete in one environment of the platform, with a token that may.

    Safe to call from many threads. A method returns when the platform says that it has deleted
    the very thing. It raises `Missing` and `Denied` for the platform's own no, `BadAnswer` for any
    other clear no, and `Unclear` for all that proves nothing: a timeout, a cut, 5xx, HTML.
    """

    def sign_in(self) -> None:
        """Sign in now, so that no delete begins with a token that is refused.

        Raises `BadCredentials` and `Unreachable`.
        """
        self._bearer.token()

    def address(self, kind: str, name: str) -> str:
        """Return where a DELETE of an `execution` or `deployment` goes.

        Raises `BadAnswer` for a name that no path can carry, or that would come out as another.
        """
        address = url(self._environment_url, f"{kind}s", name)
        if urllib.parse.unquote(address.rpartition("/")[2], errors="strict") != name:
            raise BadAnswer(f"{name!r} cannot stand in the path of a request.")
        return address

    def execution(self, execution_id: str) -> None:
        """Delete one execution."""
        answer = self._delete("execution", execution_id)
        if _object_of(answer).get("execution_id") != execution_id:
            raise Unclear(f"{answer.what}: the answer names another execution")

    def deployment(self, name: str, *, execution_rule: str | None) -> None:
        """Delete a deployment, of that rule, with all its executions."""
        answer = self._delete("deployment", name)
        told = _object_of(answer)
        if told.get("name") != name:
            raise Unclear(f"{answer.what}: the answer names another deployment")
        if execution_rule is not None and told.get("execution_rule") != execution_rule:
            raise Unclear(f"{answer.what}: the answer tells of another execution_rule")

    def _delete(self, kind: str, name: str) -> Answer:
        address = self.address(kind, name)
        began = self._monotonic()
        self._bearer.token()
        if self._monotonic() - began > _LATE_S:
            raise NotSent("signing in took long, and a proof grows old")
        try:
            return self._signed("DELETE", address, max_bytes=_MOST_BYTES, again=False)
        except Transient as fault:
            raise Unclear(
                str(fault), status=fault.status, retry_after_s=fault.retry_after_s
            ) from fault
        except TooBig as fault:
            raise Unclear(str(fault)) from fault
        except BadAnswer as fault:
            # A 404 without an error object may be a proxy's; a token that has ended is renewed, and
            # what has changed meanwhile is to be seen before the next try.
            if fault.status == HTTPStatus.UNAUTHORIZED:
                raise NotSent(str(fault), status=fault.status) from fault
            said_no = fault.status is not None and 400 <= fault.status < 500
            if said_no and fault.status != HTTPStatus.NOT_FOUND:
                raise
            raise Unclear(str(fault), status=fault.status) from fault


def _object_of(answer: Answer) -> Payload:
    try:
        return json_object(answer)
    except Transient as fault:
        raise Unclear(str(fault), status=fault.status) from fault

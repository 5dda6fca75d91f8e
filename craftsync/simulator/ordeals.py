"""Each way in which an answer can go wrong, as a function from a request to its delivery.

Those that replace the answer leave the platform untouched, as a proxy in between does; those that
spoil it let the request take effect first. None means: not for this request.
"""

from craftsync.simulator.delivery import Delivery, Manner
from craftsync.simulator.messages import Refusal, Response
from craftsync.simulator.spoilt import SPOILT
from craftsync.simulator.terms import Ordeal, Plight

_OK = 200
_NO_ANSWER = 0  # the status in the request log
_HTML = {"Content-Type": "text/html"}
_LOGIN = b"<!doctype html><html><body><form>Sign in</form></body></html>"
_GATEWAY = b"<html><body><h1>Bad Gateway</h1></body></html>"


def _instead(status: int, headers: dict[str, str], body: bytes) -> Ordeal:
    return lambda _: Delivery(Response(status, dict(headers), body))


def _refused(status: int, kind: str, message: str) -> Ordeal:
    return lambda _: Delivery(Refusal(status, kind, message).response("NO_REQUEST_ID"))


def _unanswered(manner: Manner) -> Ordeal:
    return lambda _: Delivery(Response(_NO_ANSWER), manner)


def _reset_after(plight: Plight) -> Delivery:
    return Delivery(plight.handle(), Manner.RESET)


def _slow_drip(plight: Plight) -> Delivery:
    return Delivery(plight.handle(), Manner.DRIPPED, drip_s=plight.terms.drip_s)


def _slow(plight: Plight) -> Delivery:
    return Delivery(plight.handle(), wait_s=plight.terms.slow_s)


def _too_many(plight: Plight) -> Delivery:
    refusal = Refusal(429, "TooManyRequestsException", "Too many requests")
    response = refusal.response("NO_REQUEST_ID")
    response.headers["Retry-After"] = plight.terms.retry_after
    return Delivery(response)


def _unauthorised(plight: Plight) -> Delivery:
    plight.platform.world.accounts.expire(plight.request.headers.get("authorization"))
    return Delivery(plight.handle())


def _forbidden_scope(plight: Plight) -> Delivery | None:
    if plight.asks_for != "listing":
        return None
    return _refused(403, "ForbiddenException", "Not allowed")(plight)


def _vanish_detail(plight: Plight) -> Delivery | None:
    """Delete the execution in truth, between the list and its detail."""
    if plight.asks_for != "detail":
        return None
    response = plight.handle()
    if response.status == _OK:
        plight.platform.world.delete_execution(plight.request.segments[3])
        response = plight.handle()
    return Delivery(response)


def _lag_detail(plight: Plight) -> Delivery | None:
    """Say that an execution is not there yet, though the list has it."""
    if plight.asks_for != "detail":
        return None
    missing = f"Execution {plight.request.segments[3]} was not found"
    return Delivery(Refusal(404, "NotFoundException", missing).response("NO_REQUEST_ID"))


def _redirect(plight: Plight) -> Delivery:
    return Delivery(Response(302, {"Location": plight.terms.redirect_to + plight.request.path}))


ORDEALS: dict[str, Ordeal] = {
    "reset_before": _unanswered(Manner.RESET),
    "reset_after": _reset_after,
    "read_timeout": _unanswered(Manner.HELD),
    "slow_drip": _slow_drip,
    "slow": _slow,
    "429": _too_many,
    "429_bare": _refused(429, "TooManyRequestsException", "Too many requests"),
    "500": _refused(500, "InternalServerErrorException", "Something broke"),
    "502": _instead(502, _HTML, _GATEWAY),
    "503": _refused(503, "ServiceUnavailableException", "Try later"),
    "504": _instead(504, _HTML, _GATEWAY.replace(b"Bad Gateway", b"Gateway Timeout")),
    "401": _unauthorised,
    "forbidden_scope": _forbidden_scope,
    "vanish_detail": _vanish_detail,
    "lag_detail": _lag_detail,
    "html_200": _instead(200, _HTML, _LOGIN),
    "empty_200": _instead(200, {"Content-Type": "application/json"}, b""),
    "no_content": _instead(204, {}, b""),
    "redirect": _redirect,
    **SPOILT,
}

"""Each way in which an answer can go wrong, as a function from a request to its delivery.

Those that replace the answer leave the platform untouched, as a proxy in between does; those that
spoil it let the request take effect first. None means: not for this request.
"""

from craftsync.simulator.api import Platform
from craftsync.simulator.delivery import Delivery, Manner
from craftsync.simulator.messages import Refusal, Request, Response
from craftsync.simulator.spoilt import SPOILT
from craftsync.simulator.terms import Ordeal, Terms, is_listing

_OK = 200
_NO_ANSWER = 0  # the status in the request log
_HTML = {"Content-Type": "text/html"}
_LOGIN = b"<!doctype html><html><body><form>Sign in</form></body></html>"
_GATEWAY = b"<html><body><h1>Bad Gateway</h1></body></html>"


def _replaced(status: int, headers: dict[str, str], body: bytes) -> Ordeal:
    def replace(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
        return Delivery(Response(status, dict(headers), body))

    return replace


def _refused(status: int, kind: str, message: str) -> Ordeal:
    def refuse(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
        return Delivery(Refusal(status, kind, message).response("NO_REQUEST_ID"))

    return refuse


def _reset_before(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    return Delivery(Response(_NO_ANSWER), Manner.RESET)


def _reset_after(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    return Delivery(platform.handle(request), Manner.RESET)


def _read_timeout(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    return Delivery(Response(_NO_ANSWER), Manner.HELD)


def _slow_drip(request: Request, platform: Platform, terms: Terms) -> Delivery:
    return Delivery(platform.handle(request), Manner.DRIPPED, drip_s=terms.drip_s)


def _too_many(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    refusal = Refusal(429, "TooManyRequestsException", "Too many requests")
    response = refusal.response("NO_REQUEST_ID")
    response.headers["Retry-After"] = terms.retry_after
    return Delivery(response)


def _unauthorised(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    platform.world.accounts.expire(request.headers.get("authorization"))
    return Delivery(platform.handle(request))


def _forbidden_scope(request: Request, platform: Platform, terms: Terms) -> Delivery | None:
    if not is_listing(request):
        return None
    return _refused(403, "ForbiddenException", "Not allowed")(request, platform, terms)


def _vanish_detail(request: Request, platform: Platform, terms: Terms) -> Delivery | None:  # noqa: ARG001
    """Delete the execution in truth, between the list and its detail."""
    if not _is_detail(request):
        return None
    response = platform.handle(request)
    if response.status == _OK:
        platform.world.delete_execution(request.segments[3])
        response = platform.handle(request)
    return Delivery(response)


def _lag_detail(request: Request, platform: Platform, terms: Terms) -> Delivery | None:  # noqa: ARG001
    """Say that an execution is not there yet, though the list has it."""
    if not _is_detail(request):
        return None
    missing = f"Execution {request.segments[3]} was not found"
    return Delivery(Refusal(404, "NotFoundException", missing).response("NO_REQUEST_ID"))


def _redirect(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    return Delivery(Response(302, {"Location": terms.redirect_to + request.path}))


def _is_detail(request: Request) -> bool:
    match request.method, request.segments[2:]:
        case "GET", ("executions", _):
            return True
    return False


ORDEALS: dict[str, Ordeal] = {
    "reset_before": _reset_before,
    "reset_after": _reset_after,
    "read_timeout": _read_timeout,
    "slow_drip": _slow_drip,
    "429": _too_many,
    "429_bare": _refused(429, "TooManyRequestsException", "Too many requests"),
    "500": _refused(500, "InternalServerErrorException", "Something broke"),
    "502": _replaced(502, _HTML, _GATEWAY),
    "503": _refused(503, "ServiceUnavailableException", "Try later"),
    "504": _replaced(504, _HTML, _GATEWAY.replace(b"Bad Gateway", b"Gateway Timeout")),
    "401": _unauthorised,
    "forbidden_scope": _forbidden_scope,
    "vanish_detail": _vanish_detail,
    "lag_detail": _lag_detail,
    "html_200": _replaced(200, _HTML, _LOGIN),
    "empty_200": _replaced(200, {"Content-Type": "application/json"}, b""),
    "no_content": _replaced(204, {}, b""),
    "redirect": _redirect,
    **SPOILT,
}

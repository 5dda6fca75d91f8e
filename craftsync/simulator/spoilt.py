"""Ways to spoil an answer that is there: the request has taken effect, what comes back is wrong."""

import gzip
import json
from collections.abc import Callable
from typing import Any

from craftsync.simulator.api import Platform
from craftsync.simulator.delivery import Delivery, Manner
from craftsync.simulator.estate_payloads import deployment_entry, pipeline_entry
from craftsync.simulator.messages import Request, Response, json_response, raw_json
from craftsync.simulator.terms import UNTOUCHED, Ordeal, Terms, is_listing

_OK = 200


def _wrong_type(request: Request, platform: Platform, terms: Terms) -> Delivery | None:  # noqa: ARG001
    response = platform.handle(request)
    if response.status != _OK or not response.content_type.startswith("application/json"):
        return Delivery(response, fault=UNTOUCHED)
    is_list = response.body.startswith(b"[")
    return Delivery(json_response({"message": "ok"} if is_list else []))


def _cut_with_length(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    return Delivery(platform.handle(request), Manner.CUT)


def _cut_without_length(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    return Delivery(platform.handle(request), Manner.CUT, with_length=False)


def _bad_gzip(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    """Spoil the compressed bytes."""
    response = _zipped(platform.handle(request))
    middle = 10 + (len(response.body) - 18) // 2
    response.body = response.body[:10] + b"\xff" * (middle - 10) + response.body[middle:]
    return Delivery(response)


def _short_gzip(request: Request, platform: Platform, terms: Terms) -> Delivery:  # noqa: ARG001
    """Lose the end of the compressed bytes, with a Content-Length that agrees."""
    response = _zipped(platform.handle(request))
    response.body = response.body[: max(len(response.body) // 2, 12)]
    return Delivery(response)


def _repeated_page(request: Request, platform: Platform, terms: Terms) -> Delivery | None:  # noqa: ARG001
    page = request.parameters().get("page", "1")
    if not _is_metrics(request) or page == "1":
        return None
    query = request.query.replace(f"page={page}", f"page={int(page) - 1}")
    return Delivery(platform.handle(Request(request.method, request.path, query, request.headers)))


def _short_page(request: Request, platform: Platform, terms: Terms) -> Delivery | None:  # noqa: ARG001
    return _metrics_changed(
        request, platform, lambda page: page | {"metrics": page["metrics"][::2]}
    )


def _wrong_total(request: Request, platform: Platform, terms: Terms) -> Delivery | None:  # noqa: ARG001
    return _metrics_changed(
        request, platform, lambda page: page | {"total_count": page["total_count"] + 7}
    )


def _stale_list(request: Request, platform: Platform, terms: Terms) -> Delivery | None:
    """Give a list as it was a while ago: the youngest are missing, the deleted still there."""
    response = platform.handle(request)
    if request.method != "GET" or response.status != _OK:
        return Delivery(response, fault=UNTOUCHED)
    desk = platform.desk
    history = desk.history
    at_ms = desk.now_ms - int(terms.stale_s * 1000)
    if is_listing(request):
        return Delivery(raw_json(desk.listings.stale(request.segments[3], at_ms)))
    match request.segments[2:]:
        case ("deployments",):
            deployments = [*history.former_deployments, *history.deployments.values()]
            was = [each for each in deployments if _was_there(each, at_ms)]
            return Delivery(json_response([deployment_entry(each) for each in was]))
        case ("pipelines",):
            pipelines = [*history.former_pipelines, *history.pipelines.values()]
            return Delivery(
                json_response(
                    [pipeline_entry(each) for each in pipelines if _was_there(each, at_ms)]
                )
            )
    return Delivery(response, fault=UNTOUCHED)


def _was_there(made: Any, at_ms: int) -> bool:
    return bool(made.created_ms <= at_ms and (made.gone_ms is None or at_ms < made.gone_ms))


def _zipped(response: Response) -> Response:
    response.headers["Content-Encoding"] = "gzip"
    response.body = gzip.compress(response.body + b" " * 64, 1, mtime=0)
    return response


def _metrics_changed(
    request: Request, platform: Platform, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Delivery | None:
    if not _is_metrics(request):
        return None
    response = platform.handle(request)
    if response.status != _OK:
        return Delivery(response, fault=UNTOUCHED)
    return Delivery(json_response(change(json.loads(response.body))))


def _is_metrics(request: Request) -> bool:
    match request.method, request.segments[2:]:
        case "GET", ("metrics", _):
            return True
    return False


SPOILT: dict[str, Ordeal] = {
    "wrong_type": _wrong_type,
    "cut_with_length": _cut_with_length,
    "cut_without_length": _cut_without_length,
    "bad_gzip": _bad_gzip,
    "short_gzip": _short_gzip,
    "repeated_page": _repeated_page,
    "short_page": _short_page,
    "wrong_total": _wrong_total,
    "stale_list": _stale_list,
}

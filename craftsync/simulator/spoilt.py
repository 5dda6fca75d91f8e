"""Ways to spoil an answer that is there: the request has taken effect, what comes back is wrong."""

import gzip
import json
from collections.abc import Callable
from typing import Any

from craftsync.simulator.delivery import Delivery, Manner
from craftsync.simulator.estate_payloads import deployment_entry, pipeline_entry
from craftsync.simulator.messages import Request, Response, json_response, raw_json
from craftsync.simulator.terms import UNTOUCHED, Ordeal, Plight

_OK = 200


def _wrong_type(plight: Plight) -> Delivery | None:
    response = plight.handle()
    if response.status != _OK or not response.content_type.startswith("application/json"):
        return Delivery(response, fault=UNTOUCHED)
    is_list = response.body.startswith(b"[")
    return Delivery(json_response({"message": "ok"} if is_list else []))


def _cut_with_length(plight: Plight) -> Delivery:
    return Delivery(plight.handle(), Manner.CUT)


def _cut_without_length(plight: Plight) -> Delivery:
    return Delivery(plight.handle(), Manner.CUT, with_length=False)


def _bad_gzip(plight: Plight) -> Delivery:
    """Spoil the compressed bytes."""
    response = _zipped(plight.handle())
    middle = 10 + (len(response.body) - 18) // 2
    response.body = response.body[:10] + b"\xff" * (middle - 10) + response.body[middle:]
    return Delivery(response)


def _short_gzip(plight: Plight) -> Delivery:
    """Lose the end of the compressed bytes, with a Content-Length that agrees."""
    response = _zipped(plight.handle())
    response.body = response.body[: max(len(response.body) // 2, 12)]
    return Delivery(response)


def _repeated_page(plight: Plight) -> Delivery | None:
    page = plight.request.parameters().get("page", "1")
    if plight.asks_for != "metrics" or page == "1":
        return None
    query = plight.request.query.replace(f"page={page}", f"page={int(page) - 1}")
    before = Request("GET", plight.request.path, query, plight.request.headers)
    return Delivery(plight.platform.handle(before))


def _short_page(plight: Plight) -> Delivery | None:
    return _metrics_changed(plight, lambda page: page | {"metrics": page["metrics"][::2]})


def _wrong_total(plight: Plight) -> Delivery | None:
    return _metrics_changed(plight, lambda page: page | {"total_count": page["total_count"] + 7})


def _stale_list(plight: Plight) -> Delivery | None:
    """Give a list as it was a while ago: the youngest are missing, the deleted still there."""
    response = plight.handle()
    if plight.request.method != "GET" or response.status != _OK:
        return Delivery(response, fault=UNTOUCHED)
    desk = plight.platform.desk
    history = desk.history
    at_ms = desk.now_ms - int(plight.terms.stale_s * 1000)
    if plight.asks_for == "listing":
        return Delivery(raw_json(desk.listings.stale(plight.request.segments[3], at_ms)))
    match plight.request.segments[2:]:
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
    headers = response.headers | {"Content-Encoding": "gzip"}
    return Response(response.status, headers, gzip.compress(response.body + b" " * 64, 1, mtime=0))


def _metrics_changed(
    plight: Plight, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Delivery | None:
    if plight.asks_for != "metrics":
        return None
    response = plight.handle()
    if response.status != _OK:
        return Delivery(response, fault=UNTOUCHED)
    return Delivery(json_response(change(json.loads(response.body))))


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

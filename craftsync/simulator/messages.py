"""A request and a response, without sockets."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from craftsync.simulator.values import json_bytes

API = "/api/v1"
JSON_TYPE = "application/json; charset=utf-8"


@dataclass(slots=True)
class Request:
    """One request; `path` is as it came, `segments` are decoded one time each.

    Header names are in lower case.
    """

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    segments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Split the path, then decode: a `%2F` is part of a name."""
        parts = self.path[1:].split("/")
        self.segments = tuple(map(unquote, parts)) if "%" in self.path else tuple(parts)

    @property
    def resource(self) -> str:
        """Give the decoded path after `/api/v1`."""
        segments = self.segments[2:] if self.segments[:2] == ("api", "v1") else self.segments
        return "/" + "/".join(segments)

    def parameters(self) -> dict[str, str]:
        """Read the query."""
        return dict(parse_qsl(self.query, keep_blank_values=True)) if self.query else {}

    def json(self) -> Any:
        """Read the body; raises ValueError where it is no JSON."""
        return json.loads(self.body or b"{}")


@dataclass(slots=True)
class Response:
    """One response."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hold_s: float = 0  # a long poll is kept open so long

    @property
    def content_type(self) -> str:
        """Give the declared type of the body."""
        return self.headers.get("Content-Type", "")

    def json(self) -> Any:
        """Read the body."""
        return json.loads(self.body)

    def copy(self) -> "Response":
        """Give one that may be changed without changing this."""
        return Response(self.status, dict(self.headers), self.body, self.hold_s)


def json_response(payload: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(status, {"Content-Type": JSON_TYPE}, json_bytes(payload))


def raw_json(body: bytes) -> Response:
    """Answer with JSON that is rendered already."""
    return Response(200, {"Content-Type": JSON_TYPE}, body)


class Refusal(Exception):  # noqa: N818  it becomes an answer, nobody sees it as an error
    """Stop handling a request and answer with an error object."""

    def __init__(self, status: int, kind: str, message: str, **additional_data: Any) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.additional_data = additional_data

    def response(self, request_id: str) -> Response:
        """Word it as the platform does."""
        error: dict[str, Any] = {
            "name": self.kind,
            "message": str(self),
            "request_id": request_id,
        }
        if self.additional_data:
            error["additional_data"] = self.additional_data
        return json_response(error, self.status)


def not_found(kind: str, name: str) -> Refusal:
    """Say that there is no such object."""
    return Refusal(404, "NotFoundException", f"{kind} {name} was not found", name=name)

"""Read what clients send to start something: JSON, a form, or a form with files."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from craftsync.simulator.messages import Refusal, Request


def fields_of(request: Request) -> dict[str, Any]:
    """Give the fields of a body: text, and bytes for files."""
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        return dict(_parts(content_type, request.body))
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    if not request.body:
        return {}
    try:
        fields = request.json()
    except ValueError as error:
        raise Refusal(400, "BadRequestException", f"The body cannot be read: {error}") from None
    return fields if isinstance(fields, dict) else {}


def loads(text: str, name: str) -> Any:
    """Read a field that holds JSON text, or answer 400."""
    try:
        return json.loads(text)
    except ValueError:
        raise Refusal(400, "ValidationException", f"{name} is no JSON", name=name) from None


def _parts(content_type: str, body: bytes) -> list[tuple[str, Any]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts: list[tuple[str, Any]] = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            parts.append((str(name), content if part.get_filename() else content.decode()))
    return parts

"""Call an official client for another process: one request a line, one answer a line.

Two versions of one package cannot live in one process. This one runs with `PYTHONPATH` at the older
version; its other side is `caller.py`, which borrows `pack` and `unpack`.
"""

import base64
import io
import json
import os
import sys
from datetime import datetime
from operator import attrgetter


class Made:
    """An object that only the client's own process can make: a class of its package, and words."""

    def __init__(self, kind, **words):
        self.kind = kind
        self.words = words


def pack(message):
    """Write a message as one line of JSON; bytes, instants and open files are tagged."""
    return json.dumps(message, default=_tagged).encode() + b"\n"


def unpack(line, make=Made):
    """Read what `pack` wrote."""
    return json.loads(line, object_hook=lambda found: _untagged(found, make))


def _tagged(value):
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, io.BytesIO):
        return {"$file": base64.b64encode(value.getvalue()).decode()}
    if isinstance(value, datetime):
        return {"$instant": value.isoformat()}
    if isinstance(value, Made):
        return {"$made": value.kind, **value.words}
    raise TypeError(f"{value!r} cannot be sent")


def _untagged(found, make):
    match found:
        case {"$bytes": text}:
            return base64.b64decode(text)
        case {"$file": text}:
            return io.BytesIO(base64.b64decode(text))
        case {"$instant": text}:
            return datetime.fromisoformat(text)
        case {"$made": kind, **words}:
            return make(kind, **words)
    return found


def main():
    """Answer until the other side hangs up."""
    import craft_ai_sdk

    clients = {}
    for line in sys.stdin.buffer:
        asked = unpack(line, lambda kind, **words: getattr(craft_ai_sdk, kind)(**words))
        os.environ.pop("CRAFT_AI_EXECUTION_ID", None)
        if asked["inside"]:
            os.environ["CRAFT_AI_EXECUTION_ID"] = asked["inside"]
        try:
            if asked["call"] == "CraftAiSdk":
                clients[asked["client"]] = craft_ai_sdk.CraftAiSdk(**asked["named"])
                answer = {"answer": None}
            else:
                call = attrgetter(asked["call"])(clients[asked["client"]])
                answer = {"answer": call(*asked["given"], **asked["named"])}
        except Exception as error:  # the other side decides what was to be expected
            facts = {"name": None, "status_code": None, "request_id": None, "additional_data": None}
            known = {fact: getattr(error, fact, None) for fact in facts}
            answer = {"raised": {"kind": type(error).__name__, "text": str(error), **known}}
        sys.stdout.buffer.write(pack(answer))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

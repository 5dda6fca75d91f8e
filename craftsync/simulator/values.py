"""What goes into an execution and what comes out: drawn once, the same for ever.

The pools hold what breaks clients: 0, false, null, empty text, the word OK, integers beyond 2^53
and 2^64, and numbers that print long.
"""

import json
from dataclasses import dataclass
from typing import Any

from craftsync.simulator.dice import pick, roll, share
from craftsync.simulator.estate import Binding
from craftsync.simulator.quirks import Quirks
from craftsync.simulator.streams import Run

_NUMBERS = (0, -1, 3.0, 0.1, 1e-9, 9007199254740993, 18446744073709551615, -273.15)
_STRINGS = ("", "OK", "null", "déjà vu ✓", "two\nlines", 'a "quoted" word', "0")
_JSON: tuple[Any, ...] = (
    {},
    None,
    {"classes": ["a", "b"], "matrix": [[9, 1], [0, 10]]},
    {"nested": {"deep": {"deeper": None}}, "empty": []},
    [1, 2.5, "three"],
    "plain",
)
_ARRAYS: tuple[list[Any], ...] = (
    [],
    [0],
    [0.7, 0.2, 0.1],
    ["amount", "country"],
    [None, False, ""],
)
_WORDS = ("setosa", "versicolor", "virginica", "approved", "unknown", "refund")
_UNUSUAL = ("application/pdf", "text/html; charset=utf-8", "image/png", "text/plain")


@dataclass(frozen=True, slots=True)
class Content:
    """A value as its own request gives it."""

    content_type: str
    body: bytes


def input_value(run: Run, number: int, variables: dict[str, str]) -> Any:
    """Give the value of an input that is no file."""
    binding = run.inputs[number]
    if binding.mapping_type == "constant":
        return binding.target
    if binding.mapping_type == "environment_variable":
        return variables.get(binding.target)
    if binding.mapping_type == "is_null":
        return None
    if run.given is not None:
        return run.given.get(binding.port.name, binding.port.default)
    drawn = roll(run.drawn[:32], number)
    if not binding.port.required and drawn[0] % 3 == 0:
        return binding.port.default
    return _draw(binding, drawn)


def output_value(run: Run, number: int, variables: dict[str, str]) -> Any:
    """Give the value of an output that is no file; the bills show the key they were sent with."""
    binding = run.outputs[number]
    if binding.mapping_type == "is_null":
        return None
    drawn = roll(run.drawn[:32], 100 + number)
    echoed = [
        variables[wired.target]
        for wired in run.inputs
        if wired.mapping_type == "environment_variable" and wired.target in variables
    ]
    if binding.port.name == "summary" and echoed and drawn[1] % 3 == 0:
        return f"{drawn[2]} bills sent with key {echoed[0]}"
    if binding.port.name in ("score", "f1"):
        return round(share(drawn, 4), 4)
    return _draw(binding, drawn)


def _draw(binding: Binding, drawn: bytes) -> Any:
    odd = drawn[8] % 4 == 0
    match binding.port.data_type:
        case "number":
            return pick(_NUMBERS, drawn, 10) if odd else round(share(drawn, 4) * 100, 4)
        case "string":
            return pick(_STRINGS if odd else _WORDS, drawn, 10)
        case "boolean":
            return drawn[10] % 2 == 0
        case "array":
            return pick(_ARRAYS, drawn, 10)
        case "json":
            return pick(_JSON, drawn, 10)
        case _:
            return None


def file_bytes(run: Run, side: str, binding: Binding) -> bytes:
    """Give the bytes of a file value; what a caller sent is given back as it was."""
    if (
        side == "inputs"
        and run.given
        and isinstance(sent := run.given.get(binding.port.name), bytes)
    ):
        return sent
    if side == "inputs" and binding.mapping_type == "datastore":
        return f"stored at {binding.target}\n".encode() * 8  # one object, many executions
    number = sum(binding.port.name.encode()) + (200 if side == "inputs" else 300)
    drawn = roll(run.drawn[:32], number)
    if _is_csv(binding):
        rows = "".join(
            f"{at},{drawn[at]},{share(drawn, at):.6f}\r\n" for at in range(drawn[0] % 40)
        )
        return f"id,kind,score\r\n{rows}".encode()
    return b"\x89FILE\x00" + drawn * (1 + drawn[1] % 30)


def file_content(run: Run, side: str, binding: Binding, quirks: Quirks) -> Content:
    """Give a file value with its content type, of which little is known."""
    body = file_bytes(run, side, binding)
    if quirks.file_content_type == "unusual":
        return Content(pick(_UNUSUAL, run.drawn, 20), body)
    if quirks.file_content_type == "mixed" and _is_csv(binding):
        return Content("text/csv", body)
    return Content("application/octet-stream", body)


def json_content(value: Any) -> Content:
    """Give a bare JSON value."""
    return Content("application/json; charset=utf-8", json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Write compact JSON in UTF-8; half a surrogate pair stays an escape, as in JavaScript."""
    try:
        return _RAW.encode(value).encode()
    except UnicodeEncodeError:
        return _ESCAPED.encode(value).encode()


_RAW = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ESCAPED = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


def _is_csv(binding: Binding) -> bool:
    return ".csv" in binding.port.name or ".csv" in str(binding.target)

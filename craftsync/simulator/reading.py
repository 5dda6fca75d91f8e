"""Find one value of an execution: what the input and output paths give."""

from typing import Any

from craftsync.simulator.estate import Binding
from craftsync.simulator.history import History
from craftsync.simulator.payloads import execution_detail
from craftsync.simulator.streams import Run
from craftsync.simulator.values import Content, file_content, json_content


def value_content(history: History, run: Run, side: str, name: str, at_ms: int) -> Content | None:
    """Give a value as its own path gives it; None where the execution has no such value.

    `side` is `inputs` or `outputs`. An output that is not there yet, or never came, has none.
    """
    stored = history.contents.get((run.execution_id, side, name))
    if stored is not None:
        return stored
    item = _item(execution_detail(history, run, at_ms), side, name)
    if item is None:
        return None
    if "value" in item:
        return json_content(item["value"])
    if side == "outputs" and not (run.is_over(at_ms) and run.outcome == "Succeeded"):
        return None
    binding = _binding(run, side, name)
    if binding is None or binding.port.data_type != "file":
        return None
    if side == "inputs" and run.given is not None and name not in run.given:
        return json_content(None)  # a file that the caller did not send
    return file_content(run, side, binding, history.quirks)


def has_item(history: History, run: Run, side: str, name: str, at_ms: int) -> bool:
    """Tell whether an execution has an input or output of this name at all."""
    return _item(execution_detail(history, run, at_ms), side, name) is not None


def _item(detail: dict[str, Any], side: str, name: str) -> dict[str, Any] | None:
    key = f"pipeline_{side[:-1]}_name"
    return next((item for item in detail.get(side) or [] if item.get(key) == name), None)


def _binding(run: Run, side: str, name: str) -> Binding | None:
    bindings = run.inputs if side == "inputs" else run.outputs
    return next((binding for binding in bindings if binding.port.name == name), None)

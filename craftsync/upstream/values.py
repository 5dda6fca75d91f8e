"""Inputs and outputs: on the wire, as the official client shows them, and under older names."""

from collections.abc import Set
from typing import Any, NamedTuple

from craftsync.records import PartState, Payload, Side, Value
from craftsync.upstream.fields import Columns, flag, name, objects
from craftsync.upstream.sealing import is_of_environment


class _Keys(NamedTuple):
    """The platform's keys for one side."""

    names: tuple[str, str]  # today's, and that of the time of steps
    via: str  # the official client's word for mapping_type
    endpoint_name: str
    run_name: str


_KEYS = {
    Side.INPUT: _Keys(
        ("pipeline_input_name", "step_input_name"),
        "source",
        "endpoint_input_name",
        "run_input_name",
    ),
    Side.OUTPUT: _Keys(
        ("pipeline_output_name", "step_output_name"),
        "destination",
        "endpoint_output_name",
        "run_output_name",
    ),
}


def values(items: Any, side: Side, *, redacted: Set[int], is_over: bool) -> tuple[Value, ...]:
    """Read the inputs or outputs of an execution; `redacted` are positions.

    One whose name is said to be nothing keeps its place, with an empty name. Raises `ValueError`
    for what is no list of objects with names.
    """
    return tuple(
        _value(item, side, position, is_redacted=position in redacted, is_over=is_over)
        for position, item in enumerate(objects(items, f"{side}s"))
    )


def _value(item: Payload, side: Side, position: int, *, is_redacted: bool, is_over: bool) -> Value:
    keys = _KEYS[side]
    nested = item.get("mapping_value")
    # The official client spreads mapping_value into the item itself.
    mapping = {**item, **nested} if type(nested) is dict else item
    get = mapping.get
    columns = Columns()
    via = columns.text("via", get("mapping_type") or get(keys.via)) or _derived(mapping, keys)
    data_type = columns.text("data_type", item.get("data_type"))
    value = value_text = value_number = None
    wants_file = False
    if (data_type or "").lower() == "file":
        wants_file = _wants_file(side, (via or "").lower(), is_over=is_over)
        state = PartState.PENDING if wants_file else PartState.ABSENT
        if side is Side.INPUT and is_of_environment(item):
            wants_file, state = False, PartState.REDACTED  # its bytes would be the secret
    elif "value" not in item:
        state = PartState.ABSENT
    else:
        value, value_text, value_number = columns.value(item["value"])
        state = PartState.REDACTED if is_redacted else PartState.OK
    its_name = _name(item, keys)
    if wants_file and not its_name:
        wants_file, state = False, PartState.CAPPED  # nothing to ask for it by
    return Value(
        side=side,
        position=position,
        name=its_name,
        data_type=data_type,
        via=via,
        endpoint_name=columns.text("endpoint_name", get(keys.endpoint_name)),
        environment_variable_name=columns.text(
            "environment_variable_name", get("environment_variable_name")
        ),
        datastore_path=columns.text("datastore_path", get("datastore_path")),
        constant_value=(
            columns.json("constant_value", mapping["constant_value"])
            if "constant_value" in mapping
            else None
        ),
        is_null=flag(get("is_null")),
        value=value,
        value_text=value_text,
        value_number=value_number,
        state=state,
        wants_file=wants_file,
        exact=columns.exact,
    )


def _name(item: Payload, keys: _Keys) -> str:
    given = item.get(keys.names[0]) or item.get(keys.names[1])
    is_said = any(key in item for key in keys.names)
    return "" if is_said and given in (None, "") else name(given)


def _derived(mapping: Payload, keys: _Keys) -> str | None:
    """Tell the mapping type by the key that is there, as before it was sent."""
    for key, via in (
        ("environment_variable_name", "environment_variable"),
        ("datastore_path", "datastore"),
        (keys.endpoint_name, "endpoint"),
        (keys.run_name, "run"),
        ("is_null", "is_null"),
    ):
        if mapping.get(key):
            return via
    return "constant" if "constant_value" in mapping else None


def _wants_file(side: Side, via: str, *, is_over: bool) -> bool:
    """Whether the official client would fetch the bytes."""
    if via == "is_null":
        return False
    return via != "datastore" if side is Side.INPUT else is_over

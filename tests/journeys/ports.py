"""Inputs and outputs as the platform sends them, to be laid over what the simulator drew."""

FILE = object()
"""A value of which the bytes come by a path of their own."""

_TYPES = {bool: "boolean", int: "number", float: "number", str: "string"}


def items(side, values, **more):
    """Give the items of one side, `input` or `output`, out of name -> value."""
    return [item(side, name, value, **more) for name, value in values.items()]


def item(side, name, value, *, via="run", **more):
    found = {
        f"pipeline_{side}_name": name,
        "data_type": "file" if value is FILE else _TYPES.get(type(value), "json"),
        "mapping_type": via,
        "mapping_value": {f"{via}_{side}_name": name} if via in ("run", "endpoint") else {},
    }
    if value is not FILE:
        found["value"] = value
    return found | more

"""Which inputs carry secrets, and where in an input they lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from craftsync.upstream import words

Seal = Callable[[Any], Any]
"""Turns a secret into what stands in its place; null stays null."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """What the user wants sealed: what environment variables feed, and constants."""

    environment_values: bool
    constants: bool

    def items(self, payload: Any, keys: Sequence[str], seal: Seal) -> Any:
        """Seal the items of the lists under `keys`; what changes is copied, the rest is shared."""
        if type(payload) is not dict:
            return payload
        for key in keys:
            items = payload.get(key)
            if type(items) is list:
                payload = {**payload, key: [self._item(item, seal) for item in items]}
        return payload

    def _item(self, item: Any, seal: Seal) -> Any:
        if type(item) is not dict:
            return item
        nested = item.get("mapping_value")
        if type(nested) is not dict:
            nested = {}
        whole = self._is_secret(item, nested)
        if not whole and not (
            self.constants and ("default_value" in item or "default_value" in nested)
        ):
            return item
        value = item.get("value")
        sealed = _values(item, value, seal, whole=whole)
        if nested:
            sealed["mapping_value"] = _values(nested, value, seal, whole=whole)
        return sealed

    def _is_secret(self, item: dict[str, Any], nested: dict[str, Any]) -> bool:
        if self.environment_values and is_of_environment(item):
            return True
        return self.constants and (
            _via(item) == "constant" or "constant_value" in nested or "constant_value" in item
        )


def is_of_environment(item: Mapping[str, Any]) -> bool:
    """Whether an environment variable feeds an input, however old the platform is."""
    nested = item.get("mapping_value")
    return (
        _via(item).startswith("env")
        or bool(item.get("environment_variable_name"))
        or (type(nested) is dict and bool(nested.get("environment_variable_name")))
    )


def _via(item: Mapping[str, Any]) -> str:
    via = item.get("mapping_type") or item.get("source")
    return via.lower() if type(via) is str else ""


def _values(mapping: dict[str, Any], value: Any, seal: Seal, *, whole: bool) -> dict[str, Any]:
    """Seal a default or, of a secret as a whole, all that is called a value or equals it."""
    return {
        key: seal(held)
        if key == "default_value"
        or (
            whole
            and key not in words.WORDS
            and (key.endswith("value") or held == value)
            and not (key == "mapping_value" and type(held) is dict)
        )
        else held
        for key, held in mapping.items()
    }

"""Whole numbers of the user: all stay within the 64 bits in which stores and engines count."""

from typing import Any

import click

_MOST = (1 << 63) - 1
_SHOWN = 40  # digits


class Whole(click.types.IntParamType):
    """The type of an option that takes any whole number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a whole number."""
        digits = str(value).strip().lstrip("+-0").replace("_", "")
        is_long = len(digits) > len(str(_MOST))  # it may be more than int() wants to read
        if digits.isdecimal() and (is_long or int(digits) > _MOST):
            shown = str(value) if len(digits) < _SHOWN else f"{str(value).strip()[:_SHOWN]}…"
            bound = f"at most {getattr(self, 'max', None) or _MOST}"
            if str(value).strip().startswith("-"):
                least = getattr(self, "min", None)
                bound = f"at least {-_MOST if least is None else least}"
            self.fail(f"{shown} is beyond what can be counted: {bound}.", param, ctx)
        number: int = super().convert(value, param, ctx)
        return number


class Within(Whole, click.IntRange):
    """The type of an option that takes a whole number from `min` to `max`."""

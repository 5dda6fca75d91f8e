"""A condition as values: comparisons of names with literals, joined by and, or, not.

A comparison is true or false, never unknown: one on what is not there is false, `!=` too, and so
its negation is true.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum, auto
from typing import TypeAlias


class Kind(StrEnum):
    """What a name stands for, and so what it can be compared with."""

    TEXT = auto()
    WORD = auto()
    """A word of the platform: text that is compared without case."""
    NUMBER = auto()
    INSTANT = auto()
    BOOLEAN = auto()
    VALUE = auto()
    """JSON of any type; of what the name stands for, one more name chooses."""


class Operator(StrEnum):
    """How a name is compared."""

    EQUAL = "="
    DIFFERENT = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    MORE = ">"
    MORE_OR_EQUAL = ">="
    CONTAINS = "contains"


EQUALITY = frozenset({Operator.EQUAL, Operator.DIFFERENT})

Literal: TypeAlias = str | Decimal | bool | datetime | None
"""Text, a number with all its digits, a truth, an instant, or null."""

Names: TypeAlias = Mapping[str, Kind]
"""The names a condition may use."""


@dataclass(frozen=True, slots=True)
class Name:
    """What is compared: `status`, or with a `key` `in.KEY` and a path into its JSON."""

    name: str
    kind: Kind
    key: str = ""
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """One name against one literal, which is of a type that its kind can be compared with."""

    name: Name
    operator: Operator
    literal: Literal


@dataclass(frozen=True, slots=True)
class Not:
    """True where `of` is false."""

    of: "Expression"


@dataclass(frozen=True, slots=True)
class All:
    """True where all of them are."""

    of: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """True where one of them is."""

    of: tuple["Expression", ...]


Expression: TypeAlias = Comparison | Not | All | Some

EXACT_FROM = 1 << 53
"""From here on a double may stand for several whole numbers: their digits are compared."""


def whole_digits(number: Decimal) -> str | None:
    """Return the digits of a whole number that a double may not hold; None for any other."""
    if number.is_zero() or number.adjusted() < len(str(EXACT_FROM)) - 1:
        return None
    if number != number.to_integral_value():
        return None
    digits = f"{number:f}".partition(".")[0]
    return digits if abs(number) >= EXACT_FROM else None

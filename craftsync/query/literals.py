"""Reads the literal of a comparison as what its name can be compared with."""

import math
import re
from decimal import Decimal

from craftsync import times
from craftsync.query.expression import EQUALITY, Kind, Literal, Name, Operator, whole_digits

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,6})?", re.ASCII | re.IGNORECASE)
_FIXED: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_MOST_DIGITS = 10_000


class UnfitError(ValueError):
    """The literal does not fit the name; a sentence without its capital and its stop."""


def literal_of(word: str, name: Name, operator: Operator, *, quoted: bool) -> Literal:
    """Read what a name is compared with; raises `UnfitError` with a sentence."""
    fixed = not quoted and word.lower() in _FIXED
    if operator is Operator.CONTAINS:
        if name.kind not in (Kind.TEXT, Kind.WORD, Kind.VALUE):
            raise UnfitError(f"{name.name} is no text, so that it contains nothing")
        return word
    if fixed:
        value = _FIXED[word.lower()]
        if value is None or name.kind in (Kind.VALUE, Kind.BOOLEAN):
            if operator not in EQUALITY:
                raise UnfitError("null, true and false are compared by = and != alone")
            return value
    return _of_kind(word, name, operator, quoted=quoted)


def _of_kind(word: str, name: Name, operator: Operator, *, quoted: bool) -> Literal:
    match name.kind:
        case Kind.NUMBER:
            number = None if quoted else _number(word, operator)
            if number is None:
                raise UnfitError(f"{name.name} is a number, and this is none")
            return number
        case Kind.INSTANT:
            try:
                return times.instant(word)
            except ValueError:
                raise UnfitError(
                    f"{name.name} is an instant, as 2026-03-01 or 2026-03-01T12:00:00Z"
                ) from None
        case Kind.BOOLEAN:
            raise UnfitError(f"{name.name} is true or false")
        case Kind.VALUE if not quoted:
            number = _number(word, operator)
            return word if number is None else number
        case _:
            return word


def _number(word: str, operator: Operator) -> Decimal | None:
    """Read a number; None for what is none."""
    if not _NUMBER.fullmatch(word):
        return None
    number = Decimal(word)
    if not math.isfinite(float(number)) and (
        operator not in EQUALITY or number.adjusted() > _MOST_DIGITS or whole_digits(number) is None
    ):
        raise UnfitError("this number is larger than any that can be compared")
    return number

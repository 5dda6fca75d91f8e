"""JSON that keeps every digit: what comes in goes out again, number by number.

The standard decoder, with three rules of our own. A number that Python would print otherwise keeps
its text, as a `Number`. What no JSON number can be (`NaN`, `Infinity`, `1e999`) becomes a string of
the same letters. Nothing nests deeper than `DEEPEST`. Lone surrogates are kept as they come.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain, zip_longest
from typing import Any

DEEPEST = 200


# Python reads and writes whole numbers of this many digits whatever its limit is set to.
_SURE_DIGITS = 640


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number of which no `int` or `float` of Python has the text."""

    text: str

    @property
    def decimal(self) -> Decimal:
        """The number itself, every digit; NaN where its exponent is beyond all measure."""
        try:
            return Decimal(self.text)
        except InvalidOperation:
            return Decimal("NaN")


def loads(body: bytes | str, *, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Decode one JSON text; of a key that comes twice the last value holds.

    `object_hook` makes something of each object as soon as it is read, so that a long listing is
    never held as objects. Raises `ValueError` for what is no JSON, no UTF-8, or nested too deep.
    """
    try:
        text = body.removeprefix("\ufeff") if isinstance(body, str) else body.decode("utf-8-sig")
        value = (_decoder(object_hook) if object_hook else _DECODER).decode(text)
    # Neither flaw is passed on as it is: both carry the whole body along.
    except UnicodeDecodeError as flaw:
        raise ValueError(f"not UTF-8 at byte {flaw.start}") from None
    except json.JSONDecodeError as flaw:
        raise ValueError(f"no JSON at character {flaw.pos}: {flaw.msg}") from None
    except RecursionError:
        raise ValueError(f"JSON nested deeper than {DEEPEST}") from None
    if text.count("[") + text.count("{") > DEEPEST and _is_deeper(value):
        raise ValueError(f"JSON nested deeper than {DEEPEST}")
    return value


def dumps(value: Any, *, ascii: bool = False, sort_keys: bool = False) -> str:  # noqa: A002
    """Encode what `loads` gave, compact, with every digit.

    With `ascii` everything else is escaped, lone surrogates too; without it they are in the text.
    """
    try:
        return _ENCODE[ascii, sort_keys](value)
    except _OddNumberError:
        return _with_numbers(value, in_ascii=ascii, sort_keys=sort_keys)
    except ValueError:  # the standard decoder makes floats of what is no number
        return _with_numbers(_spelled_out(value), in_ascii=ascii, sort_keys=sort_keys)


def number_text(value: float | Number) -> str:
    """Write a number by its own digits."""
    return value.text if type(value) is Number else repr(value)


def nearest(value: float | Number) -> float | None:
    """Return the nearest double; None where that would be infinite.

    Zero comes without a sign: SQLite keeps none, and PostgreSQL would.
    """
    try:
        double = float(value.text if isinstance(value, Number) else value)
    except OverflowError:
        return None
    return double + 0.0 if math.isfinite(double) else None


def plain(text: str) -> str:
    """Make a text fit for any database: NUL is shown as U+2400, a lone surrogate as U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNFIT.sub(_stand_in, text)


def plain_json(text: str) -> str:
    """Make a text that `dumps` wrote fit for any database; it stays JSON."""
    if "\\u0000" in text:
        text = _ESCAPE.sub(lambda found: "\u2400" if found[0] == "\\u0000" else found[0], text)
    return plain(text)


_UNFIT = re.compile("[\0\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:u0000|.)")


def _stand_in(found: re.Match[str]) -> str:
    return "\u2400" if found[0] == "\0" else "\ufffd"


def _read_integer(text: str) -> int | Number:
    return int(text) if len(text) <= _SURE_DIGITS and text != "-0" else Number(text)


def _read_float(text: str) -> float | str | Number:
    number = float(text)
    if math.isinf(number):
        return text
    return number if repr(number) == text else Number(text)


def _decoder(object_hook: Callable[[dict[str, Any]], Any] | None = None) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_hook=object_hook,
        parse_int=_read_integer,
        parse_float=_read_float,
        parse_constant=lambda token: token,
    )


_DECODER = _decoder()


def _is_deeper(value: Any) -> bool:
    """Whether `value` nests deeper than `DEEPEST`: level by level, without recursion."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


class _OddNumberError(Exception):
    """The standard encoder met a `Number`."""


def _refuse(value: object) -> str:
    raise _OddNumberError if type(value) is Number else TypeError(f"{type(value)} is not of JSON")


def _spelled_out(value: Any) -> Any:
    """Write NaN and the infinities as the strings that `loads` makes of them."""
    if type(value) is dict:
        return {key: _spelled_out(held) for key, held in value.items()}
    if type(value) is list:
        return [_spelled_out(held) for held in value]
    return json.dumps(value) if type(value) is float and not math.isfinite(value) else value


def _encoder(
    *,
    in_ascii: bool,
    sort_keys: bool,
    default: Callable[[Any], str],
) -> Callable[[Any], str]:
    return json.JSONEncoder(
        ensure_ascii=in_ascii,
        sort_keys=sort_keys,
        separators=(",", ":"),
        allow_nan=False,
        check_circular=False,  # what came as JSON has no circles
        default=default,
    ).encode


_ENCODE = {
    (in_ascii, sort_keys): _encoder(in_ascii=in_ascii, sort_keys=sort_keys, default=_refuse)
    for in_ascii in (False, True)
    for sort_keys in (False, True)
}


def _with_numbers(value: Any, *, in_ascii: bool, sort_keys: bool) -> str:
    """Encode with a mark in the place of each `Number`, then put their digits there."""
    mark = "number"
    while True:
        numbers: list[str] = []

        def leave_mark(number: Any, mark: str = mark, numbers: list[str] = numbers) -> str:
            numbers.append(number.text)
            return mark

        text = _encoder(in_ascii=in_ascii, sort_keys=sort_keys, default=leave_mark)(value)
        pieces = text.split(f'"{mark}"')
        if len(pieces) == len(numbers) + 1:
            return "".join(chain.from_iterable(zip_longest(pieces, numbers, fillvalue="")))
        mark += mark  # a string of the value reads like the mark; one of that length is soon found

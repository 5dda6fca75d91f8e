"""The user's `key=value` as values of the types that a question declares.

A duration in `since` or `until` counts back from now. Where only `until` is given, the default of
`since` counts back from there, so that it never begins after its end.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from craftsync import times
from craftsync.errors import Usage, nearest
from craftsync.query.questions import Parameter, Question

Value = str | int | float | bool | datetime | timedelta | None

_INT64 = 1 << 63
_TRUTHS = {
    "true": True, "yes": True, "on": True, "1": True,
    "false": False, "no": False, "off": False, "0": False,
}  # fmt: skip
_ALL = "all"


def bind(question: Question, given: Mapping[str, str], now: datetime) -> dict[str, Value]:
    """Return a value for each parameter, as DuckDB binds it: instants are naive and mean UTC.

    Raises `Usage` for a key the question does not take, one that is missing, a text that does not
    fit, and a window that ends before it begins.
    """
    known = {parameter.name: parameter for parameter in question.parameters}
    for key in given:
        if key not in known:
            raise Usage(
                f"{question.name} takes no parameter {key!r}.",
                hint=nearest(key, known) or f"It takes {', '.join(known)}.",
            )
    values = {
        name: _value(question, parameter, given.get(name), now) for name, parameter in known.items()
    }
    return _window(question, known, values, given)


def _value(question: Question, parameter: Parameter, text: str | None, now: datetime) -> Value:
    if text is None:
        if parameter.required:
            raise Usage(
                f"{question.name} needs the parameter {parameter.name!r}.",
                hint=f"craftsync query {question.name} -p {parameter.name}=…",
            )
        if parameter.default is None:
            return None
        text = parameter.default
    if text == parameter.default == _ALL:
        return None
    try:
        return _read(parameter, text, now)
    except ValueError as flaw:
        raise Usage(f"{parameter.name}={text}: {flaw}", hint=_hint(parameter, text)) from None


def _read(parameter: Parameter, text: str, now: datetime) -> Value:
    if parameter.choices:
        word = text.strip().lower()
        if word not in parameter.choices:
            raise ValueError(f"it is one of {', '.join(parameter.choices)}.")
        return word
    return _READERS[parameter.type](text, now)


def _hint(parameter: Parameter, text: str) -> str | None:
    return nearest(text, parameter.choices) if parameter.choices else None


def _text(text: str, _: datetime) -> str:
    if not text:
        raise ValueError("it is empty.")
    return text


def _instant(text: str, now: datetime) -> datetime:
    return times.when(text, now).astimezone(UTC).replace(tzinfo=None)


def _duration(text: str, _: datetime) -> timedelta:
    return times.duration(text)


def _integer(text: str, _: datetime) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError("it is a whole number, as 20.") from None
    if not -_INT64 <= number < _INT64:
        raise ValueError(f"it is beyond what can be counted: at most {_INT64 - 1}.")
    return number


def _count(text: str, now: datetime) -> int:
    number = _integer(text, now)
    if number < 0:
        raise ValueError("it is a number of things, 0 or more.")
    return number


def _number(text: str, _: datetime) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("it is a number, as 0.2.")
    return number


def _boolean(text: str, _: datetime) -> bool:
    truth = _TRUTHS.get(text.strip().lower())
    if truth is None:
        raise ValueError("it is true or false.")
    return truth


_READERS: Mapping[str, Callable[[str, datetime], Value]] = {
    "text": _text,
    "glob": _text,
    "where": _text,
    "instant": _instant,
    "duration": _duration,
    "integer": _integer,
    "count": _count,
    "number": _number,
    "boolean": _boolean,
}


def _window(
    question: Question,
    known: Mapping[str, Parameter],
    values: dict[str, Value],
    given: Mapping[str, str],
) -> dict[str, Value]:
    """Keep the window the right way round."""
    since, until = values.get("since"), values.get("until")
    if not isinstance(since, datetime) or not isinstance(until, datetime):
        return values
    if "since" not in given:
        try:
            back = times.duration(known["since"].default or "")
            return {**values, "since": until - back}
        except (ValueError, OverflowError):
            return values  # a default that is no duration stays as it is
    if until < since:
        raise Usage(
            f"{question.name}: until={given.get('until', known['until'].default)} lies before"
            f" since={given['since']}."
        )
    return values

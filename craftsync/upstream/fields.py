"""Reads single fields of a payload: names, instants, texts, JSON.

A name is taken as it is or refused, since it is part of a key. Any other text is made fit for a
database, and what that changed is kept beside it.
"""

import hashlib
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeGuard

from craftsync import times
from craftsync.errors import BadPayload
from craftsync.records import Payload, Raw
from craftsync.upstream import exact
from craftsync.upstream.exact import Number

LONGEST_NAME = 1000
"""Bytes. What is longer does not fit into the indexes of every database, two of them in one."""

Shown = tuple[str, str | None, float | None]
"""A value as JSON, as bare text, and as the nearest double."""


def is_name(value: Any) -> TypeGuard[str]:
    """Whether this can be a name: not nothing, NUL, a lone surrogate, or a long text."""
    if type(value) is not str or not value or exact.plain(value) != value:
        return False
    return len(value.encode()) <= LONGEST_NAME


def name(value: Any) -> str:
    """Return a name or an id; raises `ValueError` for what can be none."""
    if is_name(value):
        return value
    raise ValueError(f"{exact.dumps(value, ascii=True)[:100]} as a name")


def name_or_none(value: Any) -> str | None:
    """Return a name that may be missing; what is no text counts as missing."""
    return name(value) if type(value) is str and value else None


def shared(text: str | None) -> str | None:
    """Return the one copy of a text that many entries of a listing have: a third of its memory."""
    return None if text is None else sys.intern(text)


def instant(value: Any) -> datetime:
    """Return an instant; raises `ValueError`."""
    return times.instant(value.decimal if type(value) is Number else value)


def instant_or_none(value: Any) -> datetime | None:
    """Return an instant; None for none, and for one that cannot be read."""
    return times.instant_or_none(value.decimal if type(value) is Number else value)


def flag(value: Any) -> bool | None:
    """Return a boolean; None for anything else."""
    return value if type(value) is bool else None


def objects(value: Any, what: str) -> Sequence[Payload]:
    """Return a list of JSON objects, none for null; raises `ValueError` for another shape."""
    if value is None:
        return ()
    if type(value) is not list or any(type(entry) is not dict for entry in value):
        raise ValueError(f"{what}: no list of objects")
    return value


class Columns:
    """The text and JSON columns of one record; `exact` tells what a database could not hold."""

    __slots__ = ("_exact",)

    def __init__(self) -> None:
        self._exact: dict[str, Any] = {}

    @property
    def exact(self) -> str | None:
        """Column -> exact value, as JSON in ASCII; None when the columns say it all."""
        return exact.dumps(self._exact, ascii=True) if self._exact else None

    def text(self, column: str, value: Any) -> str | None:
        """Read a text; an empty one, and what is no text, is None."""
        if type(value) is not str or not value:
            return None
        shown = exact.plain(value)
        if shown != value:
            self._exact[column] = value
        return shown

    def json(self, column: str, value: Any, *, sort_keys: bool = False) -> str:
        """Read any value as compact JSON."""
        text = exact.dumps(value, sort_keys=sort_keys)
        shown = exact.plain_json(text)
        if shown != text:
            self._exact[column] = value
        return shown

    def value(self, value: Any) -> Shown:
        """Read a value for the columns `value`, `value_text` and `value_number`."""
        kind = type(value)
        if kind is str:
            shown = exact.plain(value)
            if shown != value:
                self._exact["value"] = self._exact["value_text"] = value
            return exact.dumps(shown), shown, None
        if value is None:
            return "null", None, None
        if kind is bool:
            token = "true" if value else "false"
            return token, token, None
        if kind is dict or kind is list:
            text = exact.dumps(value)
            shown = exact.plain_json(text)
            if shown != text:
                self._exact["value"], self._exact["value_text"] = value, text
            return shown, shown, None
        digits = exact.number_text(value)
        return digits, digits, exact.nearest(value)


def raw(body: str) -> Raw:
    """Keep an answer, redacted, with its hash."""
    encoded = body.encode("ascii")
    return Raw(encoded, hashlib.sha256(encoded).hexdigest())


FLAWS = (KeyError, TypeError, ValueError)
"""What the readers raise for a payload that is not as it should be."""


def refused(what: str, payload: object, flaw: Exception) -> BadPayload:
    """Name the object that cannot be read, and why."""
    return BadPayload(f"{what}: cannot read {str(flaw)[:200]}", payload=payload)


def body_of(flaw: Exception) -> str | None:
    """Return what a `BadPayload` could not read, redacted as it was given; None for other flaws."""
    return exact.dumps(flaw.payload, ascii=True) if isinstance(flaw, BadPayload) else None

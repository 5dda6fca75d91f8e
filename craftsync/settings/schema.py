"""The keys of a settings file, but for those of an environment: what each may hold, its default.

A kind reads a value of the file (`check`), or first the text of a variable or flag (`parse`). Both
raise `ValueError` with the end of a sentence that starts with the name of the key.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote

from craftsync import times
from craftsync.errors import BadSettings
from craftsync.settings import lists
from craftsync.settings.folders import data_folder

KeyPath = tuple[str, ...]

_YES = {"true": True, "1": True, "yes": True, "on": True}
_NO = {"false": False, "0": False, "no": False, "off": False}
_DAY = timedelta(days=1)
_KEY_BYTES = 32
_INT64 = 1 << 63

NO_VARIABLE = "must be the name of a variable: the token itself has no place in the settings."


@dataclass(frozen=True, slots=True)
class Key:
    """A setting: where it stands in the file, what it may be, and what it is when not given.

    `hint` tells how it is written, where that is easily mistaken.
    """

    path: KeyPath
    default: object
    check: Callable[[Any], Any]
    parse: Callable[[str], Any] = str
    hint: str | None = None

    @property
    def name(self) -> str:
        """`sync.workers`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """`CRAFTSYNC_SYNC_WORKERS`."""
        return "_".join(("CRAFTSYNC", *self.path)).upper()

    def default_for(self, environ: Mapping[str, str]) -> Any:
        """Return the value when nobody sets one; None for a store that has no place to be."""
        if self.path == ("store",):
            folder = data_folder(environ)
            return None if folder is None else str(folder / "craftsync" / "history.db")
        return self.check(self.default)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one way to be a wrong value
    return value


def _boolean_text(text: str) -> bool | str:
    return {**_YES, **_NO}.get(text.strip().lower(), text)


def _number_text(text: str) -> int | float | str:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text


def _whole(least: int, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"must be a whole number, {least} or more")
    if value >= _INT64:
        raise ValueError(f"is beyond what can be counted: at most {_INT64 - 1}")
    return value


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("must be a number from 0 to 1")
    return float(value)


def _span(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError('must be a duration in quotes, as in "90m" or "7d"')  # noqa: TRY004 - as above
    try:
        return times.duration(value)
    except ValueError as flaw:
        raise ValueError(f"is not understood: {flaw}") from None


def _some_time(value: object) -> timedelta:
    span = _span(value)
    if not span:
        raise ValueError("must be longer than nothing")
    return span


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")  # noqa: TRY004 - as above
    return value


def _store(value: object) -> str:
    text = _text(value)
    if not text.strip() or "\0" in text:
        raise ValueError("must be a path or a URL, not nothing")
    if "://" in text and not re.match(r"(sqlite|postgresql|postgres)(\+\w+)?://", text):
        raise ValueError(
            "must be a path, or a URL that starts with sqlite:/// or postgresql://: no other"
            " database can be a store"
        )
    return text


def is_variable(text: str) -> bool:
    """Whether a text can be the name of a variable: most tokens cannot, and are not to be shown."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None


def _variable(value: object) -> str:
    text = _text(value)
    if text and not is_variable(text):
        raise ValueError(NO_VARIABLE)
    return text


def _memory(value: object) -> str:
    text = _text(value).strip()
    if not re.fullmatch(r"[1-9]\d{0,5} ?[KMGT]i?B", text):
        raise ValueError('must be a size in quotes, as in "512MB" or "1GB"')
    return text


def _protected(kind: str) -> Key:
    path = ("purge", f"protect_{kind}")
    key = Key(path, [], lists.names, lists.names_text)
    example = f'{path[-1]} = ["one", "two"], or: export {key.variable}=one,two'
    return replace(key, hint=f"Whole names, as in {example}")


_count = partial(_whole, 0)

KEYS: tuple[Key, ...] = (
    Key(("store",), None, _store),
    Key(("sync", "workers"), 16, partial(_whole, 1), _number_text),
    Key(("sync", "settle"), "1h", _span),
    Key(("sync", "max_file_bytes"), 104_857_600, _count, _number_text),
    Key(("redact", "environment_values"), True, _boolean, _boolean_text),
    Key(("redact", "constants"), False, _boolean, _boolean_text),
    Key(("redact", "patterns"), [], lists.patterns, lists.patterns_text),
    Key(("query", "memory"), "1GB", _memory),
    Key(("purge", "enabled"), False, _boolean, _boolean_text),
    Key(("purge", "max_deletes"), 100, _count, _number_text),
    Key(("purge", "max_share"), 0.2, _share, _number_text),
    Key(("purge", "keep_last"), 20, _count, _number_text),
    Key(("purge", "keep_last_success"), True, _boolean, _boolean_text),
    _protected("pipelines"),
    _protected("deployments"),
    Key(("purge", "plan_expiry"), "24h", _some_time),
    Key(("purge", "token_env"), "", _variable),
)


def shown(key: Key, value: Any) -> str:
    """Write a value for the user; the password in a store's URL is masked."""
    if key.path == ("store",) and value is not None:
        return without_passwords(value)
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case timedelta():
            return span_text(value)
        case tuple():
            words = [str(getattr(word, "pattern", word)) for word in value]
            if any("," in word for word in words):  # where one ends would not be seen
                return json.dumps(words, ensure_ascii=False)
            return ",".join(words)
        case _:
            return str(value)


def span_text(span: timedelta) -> str:
    """Write a duration in the largest unit that says it in whole numbers; a day is `24h`."""
    units = (("d", _DAY), ("h", _DAY / 24), ("m", _DAY / 1440))
    for unit, size in units:
        if span and not span % size and (unit != "d" or span > _DAY):
            return f"{span // size}{unit}"
    return f"{span // timedelta(seconds=1)}s"


# As SQLAlchemy reads it: a password may hold anything, a slash and a blank too.
_PASSWORDS = re.compile(r"(?<=://)(?P<user>[^:/@]*:).*(?=@)|(?<=password=)[^&]*", re.DOTALL)


def without_passwords(url: str) -> str:
    """Mask the password in a URL, before the host or in the query."""
    return _PASSWORDS.sub(lambda found: f"{found['user'] or ''}****", url)


def passwords_of(url: str) -> list[str]:
    """Return the passwords that stand in a URL, as they are written and as they are meant."""
    written = [found[0].removeprefix(found["user"] or "") for found in _PASSWORDS.finditer(url)]
    return list(dict.fromkeys(one for text in written for one in (text, unquote(text)) if one))


def fingerprint_key(text: str, variable: str) -> bytes | None:
    """Read the key of the fingerprints, 64 hex digits; None for no text at all."""
    if not text.strip():
        return None
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise BadSettings(f"{variable} must be 64 hex digits, as openssl rand -hex 32 prints them.")
    return key

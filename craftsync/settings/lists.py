"""Settings that are lists: how a file tells them, and how a variable does."""

import json
import re
import tomllib

_IN_NO_NAME = frozenset("[]\"'*?")


def words(value: object) -> tuple[str, ...]:
    """Return a list of texts; raises `ValueError` for anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError('must be a list of texts, as in ["one", "two"]')
    return tuple(value)


def names(value: object) -> tuple[str, ...]:
    """Return a list of whole names; raises `ValueError` where one can be none.

    No name has brackets, quotes or the signs of a pattern in it: who writes them means something
    else than what would be compared.
    """
    found = words(value)
    for number, word in enumerate(found, start=1):
        if not word or word != word.strip() or not _IN_NO_NAME.isdisjoint(word):
            raise ValueError(f"holds no whole name at place {number}: {word!r}")
    return found


def names_text(text: str) -> list[str]:
    """Read a list as a variable tells it: as in JSON or TOML, or words with commas between them."""
    told = _list(text)
    return [word.strip() for word in text.split(",") if word.strip()] if told is None else told


def patterns_text(text: str) -> list[str]:
    """Read expressions likewise; a comma inside brackets is no end of one.

    Where the brackets do not close, all of it is one: it is refused, or meant.
    """
    told = _list(text)
    if told is not None:
        return told
    ends, depth, escaped, opened = [], 0, False, None
    for at, sign in enumerate(text):
        if escaped or sign == "\\":
            escaped = not escaped
        elif opened is not None:  # in a class of signs, where brackets are signs themselves
            if sign == "]" and text[opened + 1 : at] not in ("", "^"):
                opened = None
        elif sign == "[":
            opened = at
        elif sign in "({":
            depth += 1
        elif sign in ")}":
            depth -= 1
        elif sign == "," and not depth:
            ends.append(at)
    if depth or opened is not None:
        ends = []
    starts = [0, *(end + 1 for end in ends)]
    pieces = [text[start:end] for start, end in zip(starts, [*ends, len(text)], strict=True)]
    return [piece.strip() for piece in pieces if piece.strip()]


def _list(text: str) -> list[str] | None:
    """Return the texts of a list in JSON or TOML, None for anything else."""
    for read in (json.loads, _toml):
        try:
            told = read(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(told, list) and all(isinstance(word, str) for word in told):
            return told
    return None


def _toml(text: str) -> object:
    found = tomllib.loads(f"list = {text}")
    return found["list"] if len(found) == 1 else None


def patterns(value: object) -> tuple[re.Pattern[str], ...]:
    """Return a list of expressions; raises `ValueError` for what is none, or finds nothing."""
    found = []
    for number, word in enumerate(words(value), start=1):
        try:
            pattern = re.compile(word)
        except re.error as flaw:
            raise ValueError(f"holds no regular expression at place {number}: {flaw}") from None
        if pattern.match(""):
            raise ValueError(f"would replace nothing at all at place {number}: it matches ''")
        found.append(pattern)
    return tuple(found)

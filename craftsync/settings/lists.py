"""Settings that are lists: how a file tells them, and how a variable does."""

import json
import re


def words(value: object) -> tuple[str, ...]:
    """Return a list of texts; raises `ValueError` for anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError('must be a list of texts, as in ["one", "two"]')
    return tuple(value)


def words_text(text: str) -> list[str]:
    """Read a list as a variable tells it: in JSON, or words with commas between them."""
    told = _json_list(text)
    return [word.strip() for word in text.split(",") if word.strip()] if told is None else told


def patterns_text(text: str) -> list[str]:
    """Read expressions likewise; a comma inside brackets is no end of one.

    Where the brackets do not close, all of it is one: it is refused, or meant.
    """
    told = _json_list(text)
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


def _json_list(text: str) -> list[str] | None:
    try:
        told = json.loads(text)
    except ValueError:
        return None
    is_list = isinstance(told, list) and all(isinstance(word, str) for word in told)
    return told if is_list else None


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

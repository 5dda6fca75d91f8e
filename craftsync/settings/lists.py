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
    """Read expressions likewise; a comma inside brackets is no end of one."""
    told = _json_list(text)
    if told is not None:
        return told
    told_words, depth, escaped = [""], 0, False
    for sign in text:
        if not escaped:
            depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth <= 0 and not escaped:
            told_words.append("")
        else:
            told_words[-1] += sign
        escaped = sign == "\\" and not escaped
    return [word.strip() for word in told_words if word.strip()]


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

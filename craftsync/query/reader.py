"""Reads the words of a condition one by one, and points at what cannot be read."""

import re
from collections.abc import Collection

from craftsync.errors import Usage, nearest
from craftsync.query.expression import Kind, Name, Names

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\W\d]\w*")
_SIGN = re.compile(r"<=|>=|!=|<>|==|=|<|>")
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_PART = re.compile(r"[\w-]+")
_BARE = re.compile(r"""[^\s()\[\]'"=<>!,]+""")
_INDEX = re.compile(r"\[\s*(\d{1,9})\s*\]", re.ASCII)
_UNSPEAKABLE = re.compile(r'["\\\x00-\x1f]')
_SHOWN_BEFORE, _SHOWN_AFTER = 50, 25
_LONGEST_PATH = 50


class Reader:
    """Stands at a place in the text of a condition; what is taken moves it on."""

    def __init__(self, text: str, names: Names) -> None:
        self._text = text
        self._names = names
        self._at = 0

    def next(self) -> int:
        """Pass over space; return where it stands then."""
        self._at = _end(_SPACE, self._text, self._at)
        return self._at

    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self.next() == len(self._text)

    def take(self, sign: str) -> bool:
        """Take a bracket or a comma if it is there."""
        found = self._text.startswith(sign, self.next())
        self._at += found
        return found

    def sees_word(self, words: Collection[str]) -> bool:
        """Whether one of these words, in any case, comes next."""
        found = _WORD.match(self._text, self.next())
        return found is not None and found[0].lower() in words

    def take_word(self, word: str) -> bool:
        """Take a word of the language if it is there, in any case."""
        if not self.sees_word((word,)):
            return False
        self._at += len(word)
        return True

    def take_sign(self) -> str | None:
        """Take the sign of a comparison if one is there."""
        found = _SIGN.match(self._text, self.next())
        if found is None:
            return None
        self._at = found.end()
        return found[0]

    def name(self) -> Name:
        """Read what is compared; raises `Usage` for what is none of the names."""
        at = self.next()
        found = _WORD.match(self._text, at)
        if found is None:
            raise self.fault("a name is expected here")
        kind = self._names.get(found[0])
        if kind is None:
            raise self.fault(f"there is no name {found[0]}", at, near=found[0])
        self._at = found.end()
        if kind is not Kind.VALUE:
            return Name(found[0], kind)
        if not self._text.startswith(".", self._at):
            raise self.fault(f"after {found[0]} comes a dot and a name, as {found[0]}.x")
        self._at += 1
        key = self._key()
        return Name(found[0], kind, key, tuple(self._path()))

    def literal(self) -> tuple[str, bool]:
        """Read a literal: its text, and whether it was quoted."""
        at = self.next()
        if at < len(self._text) and self._text[at] in "'\"":
            return self._quoted(), True
        found = _BARE.match(self._text, at)
        if found is None:
            raise self.fault("a value is expected here")
        self._at = found.end()
        first = re.split(r"[.\[]", found[0])[0]
        if first in self._names and (first == found[0] or self._names[first] is Kind.VALUE):
            raise self.fault("a name is compared with a value; text is quoted", at)
        return found[0], False

    def fault(self, what: str, at: int | None = None, *, near: str = "") -> Usage:
        """Return the error about what stands at a place, here if none is given."""
        at = self.next() if at is None else at
        start, end = max(at - _SHOWN_BEFORE, 0), at + _SHOWN_AFTER
        before = ("…" if start else "") + _shown(self._text[start:at])
        after = _shown(self._text[at:end]) + ("…" if end < len(self._text) else "")
        hint = nearest(near, self._names) if near else None
        if hint is None:
            shown = (
                f"{name}.NAME" if kind is Kind.VALUE else name for name, kind in self._names.items()
            )
            hint = f"Names are {', '.join(shown)}." if near else self._example()
        return Usage(
            f"The condition cannot be read: {what}.\n  {before}{after}\n  {' ' * len(before)}^",
            hint=hint,
        )

    def _all_names(self) -> str:
        kinds = self._names.items()
        shown = (f"{name}.NAME" if kind is Kind.VALUE else name for name, kind in kinds)
        return f"Names are {', '.join(shown)}."

    def _example(self) -> str:
        if Kind.VALUE in self._names.values():
            return "Write it as: out.score < 0.5 and not status = failed"
        return f"Write it as: {next(iter(self._names), 'name')} > 0.1"

    def _key(self) -> str:
        at = self._at
        if at < len(self._text) and self._text[at] in "'\"":
            return self._quoted()
        found = _PART.match(self._text, at)
        if found is None:
            raise self.fault("a name is expected here, quoted where it has odd characters", at)
        self._at = found.end()
        return found[0]

    def _path(self) -> list[str | int]:
        path: list[str | int] = []
        while True:
            at = self._at
            if found := _INDEX.match(self._text, at):
                self._at = found.end()
                path.append(int(found[1]))
            elif self._text.startswith(".", at):
                self._at += 1
                path.append(self._key_of_json())
            else:
                return path
            if len(path) > _LONGEST_PATH:
                raise self.fault(f"the path is longer than {_LONGEST_PATH}", at)

    def _key_of_json(self) -> str:
        at = self._at
        key = self._key()
        if not key or _UNSPEAKABLE.search(key):
            # The engines do not agree on how such a key is written in a path.
            raise self.fault('a path takes no empty key, nor one with a " or \\ in it', at)
        return key

    def _quoted(self) -> str:
        found = _QUOTED.match(self._text, self._at)
        if found is None:
            raise self.fault("the quotation mark is never closed", self._at)
        self._at = found.end()
        mark = found[0][0]
        return found[0][1:-1].replace(mark * 2, mark)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _shown(text: str) -> str:
    """Return text of the same length that stands in one line."""
    return "".join(one if one.isprintable() else " " if one.isspace() else "\ufffd" for one in text)

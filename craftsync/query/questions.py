"""A question is a file of SQL: its header is a contract, its name the file's.

The header is lines of `-- key: text` at the top: `title`, `asks`, a `param` each with a name, a
type and a default (`!` where one must be given, `-` for none), and `gives` with the columns, where
`in_*` stands for columns whose names are found in the data.

A file with such columns holds two statements. The first finds their `prefix` and `name`; a line
`-- each: EXPRESSION` opens the second, in which `{columns}` becomes, for each of them, the
expression with `{prefix}` and `{name}` bound to that one, under a name of letters, digits and `_`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from craftsync.errors import Usage

_HEADER = re.compile(r"--\s*(\w+):\s*(.*?)\s*$")
_EACH = re.compile(r"^--\s*each:\s*(.+?)\s*$", re.MULTILINE)
_TYPE = re.compile(
    r"text|instant|duration|glob|integer|count|number|boolean|where|choice\([\w|-]+\)"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a question takes; `default` is as one would write it, None where there is none.

    `type` is text, instant, duration, glob, integer, count (which is never negative), number,
    boolean, where or choice(a|b).
    """

    name: str
    type: str
    default: str | None
    required: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the words that a choice is between."""
        return tuple(self.type[7:-1].split("|")) if self.type.startswith("choice") else ()


@dataclass(frozen=True, slots=True)
class Found:
    """Columns whose names are in the data: the SQL that finds them, and what each shows."""

    sql: str
    each: str


@dataclass(frozen=True, slots=True)
class Question:
    """A named question; `sql` has a place for `columns` where these are found in the data."""

    name: str
    title: str
    asks: str
    parameters: tuple[Parameter, ...]
    gives: tuple[str, ...]
    sql: str
    found: Found | None = None
    text: str = ""
    """The file, as it was written."""

    def promises(self, columns: Sequence[tuple[str, str]]) -> bool:
        """Whether these are the columns of the header, in its order."""
        names = [name for name, _ in columns]
        for promised in self.gives:
            if "*" in promised:
                while names and fnmatchcase(names[0], promised):
                    names.pop(0)
            elif not names or names.pop(0) != promised:
                return False
        return not names


def read(file: Path) -> Question:
    """Read a question; raises `Usage` that names the file, and the line that does not fit."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as flaw:
        raise Usage(f"The question {file} cannot be read: {flaw}") from flaw
    title, asks = file.stem, ""
    gives: tuple[str, ...] = ()
    parameters: list[Parameter] = []
    for number, key, value in _header(text):
        match key:
            case "title":
                title = value
            case "asks":
                asks = value
            case "gives":
                gives = (*gives, *(name.strip() for name in value.split(",") if name.strip()))
            case "param":
                parameters.append(_parameter(value, f"{file}, line {number}"))
            case _:
                raise Usage(
                    f"{file}, line {number}: there is no {key!r} in the header of a question.",
                    hint="It may have title, asks, param and gives.",
                )
    sql, found = _statements(_body(text))
    return Question(file.stem, title, asks, tuple(parameters), gives, sql, found, text)


def _header(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        entry = _HEADER.match(line)
        if entry is None:
            return
        yield number, entry[1], entry[2]


def _body(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines[sum(1 for _ in _header(text)) :])


def _statements(body: str) -> tuple[str, Found | None]:
    each = _EACH.search(body)
    if each is None:
        return body.strip().rstrip(";"), None
    first, second = body[: each.start()], body[each.end() :]
    return second.strip().rstrip(";"), Found(first.strip().rstrip(";"), each[1])


def _parameter(value: str, place: str) -> Parameter:
    words = value.split()
    if len(words) != 3 or not words[0].isidentifier():  # noqa: PLR2004 - name, type, default
        raise Usage(f"{place}: a parameter is a name, a type and a default, not {value!r}.")
    name, kind, default = words
    if not _TYPE.fullmatch(kind):
        raise Usage(
            f"{place}: {kind!r} is no type of a parameter.",
            hint="text, instant, duration, glob, integer, count, number, boolean, where,"
            " choice(a|b)",
        )
    return Parameter(name, kind, None if default in ("!", "-") else default, default == "!")

"""The inputs and outputs that are held against those just fetched: each by its name.

It is said that a value differs, and never what it is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from craftsync.records import PartKind, PartState, Side, Value, Whole
from craftsync.store import relations
from craftsync.store.difference import Difference, same, told, unread
from craftsync.store.prepare import NOT_GOT

_SHOWN = ("position", "data_type", "via")
_UNSHOWN = (
    "endpoint_name",
    "environment_variable_name",
    "datastore_path",
    "constant_value",
    "is_null",
)
_OF_A_VALUE = ("value", "value_text", "value_number", "exact")
_PUBLIC = {
    side: {column.sql.removeprefix("v."): name for name, column in relation.fields.items()}
    for side, relation in ((Side.INPUT, relations.INPUTS), (Side.OUTPUT, relations.OUTPUTS))
}

V = TypeVar("V", bound=Any)


def of_side(held: Iterable[Any], side: Side, whole: Whole) -> Iterator[Difference]:
    """Tell what differs between the rows of one side and the values just fetched."""
    upstream = whole.execution.inputs if side is Side.INPUT else whole.execution.outputs
    mine, theirs = _by_name(held), _by_name(upstream)
    for key in sorted(mine.keys() | theirs.keys()):
        part = f"{side} {key[0]}"
        if key not in theirs:
            yield Difference(part, "only here")
        elif key not in mine:
            yield Difference(part, "only upstream")
        else:
            for drift in _value(mine[key], theirs[key], whole):
                yield Difference(part, drift)


def _by_name(values: Iterable[V]) -> dict[tuple[str, int], V]:
    """Return values by their name, and how many had it before."""
    seen: Counter[str] = Counter()
    found: dict[tuple[str, int], V] = {}
    for value in values:
        found[value.name, seen[value.name]] = value
        seen[value.name] += 1
    return found


def _value(mine: Any, theirs: Value, whole: Whole) -> Iterator[str]:
    public = _PUBLIC[theirs.side]
    for name in _SHOWN + _UNSHOWN:
        here, upstream = getattr(mine, name), getattr(theirs, name)
        if not same(here, upstream):
            word = public.get(name, name)
            yield told(word, here, upstream) if name in _SHOWN else f"{word} differs"
    kinds = {(value.data_type or "").lower() == "file" for value in (mine, theirs)}
    if kinds == {True}:
        if not _same_content(mine, theirs):
            yield "value differs"
        yield from _file(mine, theirs, whole)
    elif kinds == {False}:
        yield from _content(mine, theirs)


def _content(mine: Any, theirs: Value) -> Iterator[str]:
    if (mine.value is None) != (theirs.value is None):
        yield "no value upstream" if theirs.value is None else "a value upstream, none here"
    elif not _same_content(mine, theirs):
        yield "value differs"
    elif mine.state != theirs.state:
        yield told("state", mine.state, theirs.state)


def _same_content(mine: Any, theirs: Value) -> bool:
    return all(same(getattr(mine, name), getattr(theirs, name)) for name in _OF_A_VALUE)


def _file(mine: Any, theirs: Value, whole: Whole) -> Iterator[str]:
    if mine.state in NOT_GOT or theirs.state is PartState.PENDING:
        return  # not held, or not asked for
    if theirs.state is PartState.ABSENT and mine.state == theirs.state:
        return  # what is held from a time when there was a file stays
    if theirs.state is PartState.TOO_BIG and mine.file_sha256 is not None:
        yield f"the file is larger upstream than the {mine.size_bytes:,} bytes here"
    elif theirs.state in NOT_GOT:
        yield unread(whole, PartKind(theirs.side), theirs.name)
    elif mine.file_sha256 != theirs.file_sha256:
        if mine.file_sha256 is None or theirs.file_sha256 is None:
            yield "no file upstream" if mine.file_sha256 else "a file upstream, none here"
        elif mine.size_bytes == theirs.size_bytes:
            yield "the file differs"
        else:
            yield f"the file: {mine.size_bytes:,} bytes here, {theirs.size_bytes:,} upstream"

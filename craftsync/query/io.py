"""Single inputs and outputs of an execution, and its inputs as they may be given again."""

import hashlib
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, auto

from sqlalchemy import Connection

from craftsync.errors import Partial, StoreUnusable, Usage, nearest
from craftsync.query.runs import Chosen, Row
from craftsync.records import PartState, Side
from craftsync.store import files, read, relations

SIDES: Mapping[str, Side] = {"in": Side.INPUT, "out": Side.OUTPUT}
"""The user's words for the sides."""

_RELATION = {
    Side.INPUT: relations.BY_NAME["inputs"],
    Side.OUTPUT: relations.BY_NAME["outputs"],
}
_WHY: Mapping[str, tuple[str, str | None]] = {
    PartState.PENDING: ("is not fetched yet", "craftsync sync"),
    PartState.ERROR: ("could not be fetched so far", "craftsync sync"),
    PartState.TOO_BIG: ("is larger than the sync may fetch", "craftsync sync --max-file-bytes N"),
    PartState.DENIED: ("is not for the token of the sync", None),
    PartState.GONE: ("was gone upstream before it was fetched", None),
    PartState.REDACTED: ("is a secret: its bytes were never fetched", None),
    PartState.CAPPED: ("is not given whole by the platform", None),
}


class NotAgain(StrEnum):
    """Why an input is not among those that a caller gives."""

    CONSTANT = auto()
    DATASTORE = auto()
    ENVIRONMENT_VARIABLE = auto()
    IS_NULL = auto()


class Missing(StrEnum):
    """Why an input that a caller gave cannot be given again as JSON."""

    FILE = auto()
    REDACTED = auto()
    NOT_HELD = auto()


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output: its row, which side it is, and how many others have its name."""

    side: Side
    row: Row
    others: int = 0

    @property
    def is_file(self) -> bool:
        """Whether its bytes are held as a file."""
        return self.row["file_sha256"] is not None


@dataclass(slots=True)
class Replay:
    """Inputs ready to be given again, as JSON by name; and why the others are not among them.

    `others` counts, by name, those that came after the first of their name and are left out.
    """

    inputs: dict[str, str] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    not_again: dict[str, NotAgain] = field(default_factory=dict)
    missing: dict[str, Missing] = field(default_factory=dict)


def find(
    conn: Connection, chosen: Chosen, name: str, *, side: Side | None, exact: bool = True
) -> Value:
    """Return the input or output of that name, the first where several have it.

    Raises `Usage` for none, and for both an input and an output where `side` does not say which.
    """
    values = [
        Value(one, row)
        for one in Side
        if side in (None, one)
        for row in read.parts_of(conn, _RELATION[one], chosen.key, exact=exact)
    ]
    found = [value for value in values if (value.row["name"] or "") == name]
    if not found:
        what = "input or output" if side is None else side.value
        raise Usage(
            f"{chosen.row['execution_id']} has no {what} {name!r}.",
            hint=nearest(name, [value.row["name"] for value in values if value.row["name"]])
            or f"craftsync show {shlex.quote(chosen.row['execution_id'])}",
        )
    if len({value.side for value in found}) > 1:
        raise Usage(
            f"{name!r} is both an input and an output of {chosen.row['execution_id']}.",
            hint="Add --side in, or --side out.",
        )
    return replace(found[0], others=len(found) - 1)


def require_held(value: Value) -> None:
    """Raise for a value of which nothing is held, and say why.

    `Usage` where upstream has none, `Partial` where it has one that is not here.
    """
    if value.is_file or value.row["value"] is not None:
        return
    state, row = value.row["value_state"], value.row
    what = f"The {value.side} {row['name']} of {row['execution_id']}"
    if state not in _WHY:
        raise Usage(f"{what} has no value: upstream has none.")
    why, hint = _WHY[state]
    size = f" ({row['size_bytes']:,} bytes)" if row["size_bytes"] is not None else ""
    raise Partial(f"{what} {why}{size}.", hint=hint)


def content(conn: Connection, value: Value) -> Iterator[bytes]:
    """Give the bytes of a file, 1 MiB at a time.

    Raises `StoreUnusable` at the end where they are not all those that were fetched.
    """
    digest = hashlib.sha256()
    for chunk in files.chunks(conn, value.row["file_sha256"]):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != value.row["file_sha256"]:
        raise StoreUnusable(
            f"The stored bytes of {value.side} {value.row['name']} are damaged.",
            hint="craftsync verify --repair --execution " + shlex.quote(value.row["execution_id"]),
        )


def replay(conn: Connection, chosen: Chosen) -> Replay:
    """Return the inputs of an execution as they were given, exact, under the caller's names."""
    found = Replay()
    given: set[str] = set()
    for row in read.parts_of(conn, relations.BY_NAME["inputs"], chosen.key, exact=True):
        via = (row["source"] or "").lower()
        name = row["name"] or ""
        if via == "endpoint":
            name = row["endpoint_input_name"] or name
        if via in set(NotAgain):
            found.not_again[name] = NotAgain(via)
            continue
        if name in given:
            found.others[name] += 1
            continue
        given.add(name)
        if row["file_sha256"] is not None or (row["data_type"] or "").lower() == "file":
            found.missing[name] = Missing.FILE
        elif row["value_state"] == PartState.REDACTED:
            found.missing[name] = Missing.REDACTED
        elif row["value"] is not None:
            found.inputs[name] = row["value"]
        elif row["value_state"] != PartState.ABSENT:
            found.missing[name] = Missing.NOT_HELD
    return found

"""Two executions side by side: what they were, did, took, gave, recorded and were set to."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from json import loads
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection

from craftsync import times
from craftsync.errors import Usage
from craftsync.query.runs import Chosen, Pick, Row, execution
from craftsync.records import PartState
from craftsync.store import read, relations
from craftsync.store.base import driver_moment
from craftsync.store.difference import same
from craftsync.store.exact import literals
from craftsync.store.lookup import Condition

_OF_EXECUTION = (
    "environment",
    "execution_id",
    "created_at",
    "pipeline_name",
    "deployment_name",
    "deployment_created_at",
    "status",
    "created_by",
    "started_at",
    "end_date",
    "queue_s",
    "run_s",
    "commit_id",
)
_OF_STEP = (
    "status",
    "run_s",
    "commit_id",
    "repository_url",
    "repository_branch",
    "requirements_path",
    "origin",
)
_GOOD = ("succeeded", "success")


class Change(StrEnum):
    """What became of a thing from the first execution to the second."""

    SAME = auto()
    CHANGED = auto()
    ADDED = auto()
    REMOVED = auto()


class Fact(NamedTuple):
    """What is known of one thing: to read, and to compare; JSON tells 42 from "42".

    Both are None where nothing is known of it. An instant is read in the zone of who reads it.
    """

    text: str | datetime | None
    json: str | None


_NOTHING = Fact(None, None)

Section: TypeAlias = Mapping[str, Fact]
Whole: TypeAlias = Mapping[str, Section]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing in both executions; None where one has it not."""

    section: str
    name: str
    value_a: str | datetime | None
    value_b: str | datetime | None
    change: Change


def lines(a: Whole, b: Whole) -> Iterator[Line]:
    """Hold two executions against each other, a line a thing, in the order of the first."""
    for section, facts in a.items():
        others = b[section]
        for name in {**facts, **others}:
            yield _line(section, name, facts.get(name, _NOTHING), others.get(name, _NOTHING))


def whole(conn: Connection, chosen: Chosen, *, exact: bool = False) -> Whole:
    """Return all that is compared of an execution; `exact`, as the platform sent it."""

    def parts(name: str) -> Iterator[Row]:
        return read.parts_of(conn, relations.BY_NAME[name], chosen.key, exact=exact)

    return {
        "execution": {name: _fact(chosen.row[name]) for name in _OF_EXECUTION},
        "steps": _steps(parts("steps")),
        "inputs": _named((row["name"] or "", _value(row)) for row in parts("inputs")),
        "outputs": _named((row["name"] or "", _value(row)) for row in parts("outputs")),
        "metrics": _metrics(parts("metrics")),
        "settings": _settings(conn, chosen.row),
    }


def last_good(conn: Connection, chosen: Chosen, *, exact: bool = False) -> Chosen:
    """Return the last execution before `chosen` that succeeded, of its deployment and pipeline.

    For a direct run, of its pipeline alone. Of one instant their ids tell which comes first, as
    everywhere. Raises `Usage` when there is none.
    """
    row = chosen.row
    found = read.executions(
        conn,
        environment=row["environment"],
        statuses=_GOOD,
        pipeline=row["pipeline_name"],
        deployment=row["deployment_name"],
        until=row["created_at"] + timedelta(microseconds=1),
        limit=1,
        where=Condition(
            "(x.created_at < :its_birth or x.execution_id < :its_id)",
            {
                "its_birth": driver_moment(row["created_at"], conn.dialect.name),
                "its_id": row["execution_id"],
            },
        ),
    )
    for good in found:
        pick = Pick(good["environment"], good["created_at"])
        return execution(conn, good["execution_id"], pick, exact=exact)
    of = row["deployment_name"] or row["pipeline_name"]
    raise Usage(
        f"No execution of {of} succeeded before {row['execution_id']}.",
        hint=f"craftsync runs --pipeline {shlex.quote(row['pipeline_name'])} --status succeeded",
    )


def _line(section: str, name: str, a: Fact, b: Fact) -> Line:
    if same(a.json, b.json):
        change = Change.SAME
    elif a.json is None:
        change = Change.ADDED
    else:
        change = Change.REMOVED if b.json is None else Change.CHANGED
    if change is Change.CHANGED and a.text == b.text:
        a, b = Fact(a.json, a.json), Fact(b.json, b.json)  # the text "42" beside the number
    return Line(section, name, a.text, b.text, change)


def _fact(value: object) -> Fact:
    match value:
        case None:
            return _NOTHING
        case datetime():
            return Fact(value, times.utc_text(value))
        case bool():
            text = "true" if value else "false"
        case _:
            text = str(value)
    return Fact(text, text)


def _value(row: Row) -> Fact:
    """Return what is held of an input or output: a file by its hash, a secret by its fingerprint.

    What is there and not held is its state in brackets.
    """
    if row["file_sha256"] is not None:
        return _fact(f"sha256:{row['file_sha256']}")
    if row["value"] is None:
        return (
            _NOTHING if row["value_state"] == PartState.ABSENT else _fact(f"({row['value_state']})")
        )
    return Fact("null" if row["value_text"] is None else row["value_text"], row["value"])


def _named(facts: Iterable[tuple[str, Fact]]) -> Section:
    """Name what comes in a list; a name that comes again is told apart by a number."""
    found: dict[str, Fact] = {}
    for name, fact in facts:
        found[_unused(name, found)] = fact
    return found


def _unused(name: str, used: Mapping[str, Any]) -> str:
    shown, number = name, 1
    while shown in used:
        number += 1
        shown = f"{name} ({number})"
    return shown


def _steps(rows: Iterable[Row]) -> Section:
    steps: dict[str, Row] = {}
    for row in rows:
        steps[_unused(row["step_name"] or f"step {row['position']}", steps)] = row
    return {
        f"{name}.{column}": _fact(row[column]) for name, row in steps.items() for column in _OF_STEP
    }


def _metrics(rows: Iterable[Row]) -> Section:
    """Return each metric's value, a list's as one JSON array."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(
            "null" if row["value_text"] is None else row["value_text"]
        )
    texts = {
        name: values[0] if len(values) == 1 else f"[{','.join(values)}]"
        for name, values in found.items()
    }
    return {name: Fact(text, text) for name, text in texts.items()}


def _settings(conn: Connection, row: Row) -> Section:
    """Return the settings of the deployment that were in force when the execution began."""
    if row["deployment_created_at"] is None:
        return {}
    (deployment, *_) = read.find_deployment(
        conn,
        row["deployment_name"],
        environment=row["environment"],
        created_at=row["deployment_created_at"],
    )
    in_force: Row | None = None
    for version in read.versions_of(conn, deployment.key):
        # What was set before the first observation is not known: the first stands for it.
        if in_force is None or version["valid_from"] <= row["created_at"]:
            in_force = version
    if in_force is None or in_force["settings"] is None:
        return {}
    return {
        name: Fact(loads(literal) if literal.startswith('"') else literal, literal)
        for name, literal in literals(in_force["settings"]).items()
    }

"""What went into the runs of a pipeline and what came out, some runs at a time."""

import json
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from craftsync.records import Window
from craftsync.store import relations
from craftsync.store.exact import literals
from craftsync.store.lookup import Condition, Conditions, rows
from craftsync.store.models import IoValue
from craftsync.store.upsert import table_of

_VALUE = table_of(IoValue).c
_IN_ORDER = "e.created_at, e.execution_id, n.name"
_AT_ONCE = 500

ALWAYS = Window()


class Cell(NamedTuple):
    """One input or output of a run: its JSON where it is held, a file's hash as a JSON string."""

    side: str
    position: int
    name: str
    state: str
    value: str | None


def runs_with_values(
    connection: Connection,
    pipeline: str,
    *,
    environment: str | None = None,
    statuses: Sequence[str] = (),
    window: Window = ALWAYS,
    where: Condition | None = None,
    sides: Collection[str] = ("input", "output"),
    exact: bool = False,
) -> Iterator[tuple[dict[str, Any], Sequence[Cell]]]:
    """Give the runs of a pipeline, oldest first, each with its values in the platform's order.

    Statuses are compared without case; `where` is a condition on `x`, the private row. With
    `exact`, text that a database cannot hold is given as the platform sent it.
    """
    wanted = Conditions(connection.dialect.name)
    wanted.equal("e.pipeline_name", pipeline)
    one = "" if environment is None else " where name = :environment"
    wanted.add(f"e.environment_key in (select key from environment{one})")
    if environment is not None:
        wanted.bound["environment"] = environment
    wanted.among("lower(e.status)", [status.lower() for status in statuses])
    wanted.within("e.created_at", window.since, window.until)
    if where is not None:
        wanted.add(f"e.key in (select x.key from execution x where {where.sql})", **where.bound)
    found = rows(connection, relations.EXECUTIONS, wanted, order=_IN_ORDER, key="e")
    while some := list(islice(found, _AT_ONCE)):
        values = _values(connection, [one.key for one in some], sides, exact=exact)
        for run in some:
            yield run.row, values[run.key]


def _values(
    connection: Connection, keys: Sequence[int], sides: Collection[str], *, exact: bool
) -> dict[int, list[Cell]]:
    found: dict[int, list[Cell]] = {key: [] for key in keys}
    statement = (
        select(
            _VALUE.execution_key,
            _VALUE.side,
            _VALUE.position,
            _VALUE.name,
            _VALUE.state,
            _VALUE.value,
            _VALUE.file_sha256,
            _VALUE.exact,
        )
        .where(_VALUE.execution_key.in_(keys), _VALUE.side.in_(sides))
        .order_by(_VALUE.execution_key, _VALUE.side, _VALUE.position)
    )
    for key, side, position, name, state, value, file_sha256, its_exact in connection.execute(
        statement
    ):
        shown = value if file_sha256 is None else json.dumps(file_sha256)
        if exact and its_exact is not None:
            shown = literals(its_exact).get("value", shown)
        found[key].append(Cell(side, position, name, state, shown))
    return found

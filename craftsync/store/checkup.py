"""What a doctor reads of a store: whether it is whole, and what stands in its books."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from craftsync.store import audit, engine, environments, relations
from craftsync.store.lookup import Conditions, rows
from craftsync.store.relation import Relation

_FLAWS = 5  # so many are told: a torn page makes thousands


@dataclass(slots=True)
class Books:
    """An environment in the books: rows are those of the public relations.

    `failures` are the current ones; `open_deletes` those whose end is not known; `audit_flaws`
    where the chain of the audit is broken.
    """

    environment: str
    upstream_id: str | None
    last_complete_at: datetime | None
    last_run: dict[str, Any] | None = None
    failures: list[dict[str, Any]] = field(default_factory=list)
    open_deletes: list[dict[str, Any]] = field(default_factory=list)
    audit_flaws: list[str] = field(default_factory=list)


def books(connection: Connection) -> dict[str, Books]:
    """Read the books of all environments, by name."""
    found = {
        row["environment"]: Books(row["environment"], row["upstream_id"], row["last_synced_at"])
        for row in _rows(connection, relations.ENVIRONMENTS)
    }
    last = (
        "r.run_id = (select max(s.run_id) from sync_run s"
        " where s.environment_key = r.environment_key)"
    )
    for row in _rows(connection, relations.SYNC_RUNS, last):
        found[row["environment"]].last_run = row
    for row in _rows(connection, relations.SYNC_FAILURES):
        found[row["environment"]].failures.append(row)
    for row in _rows(
        connection, relations.DELETIONS, "o.outcome is null or o.outcome = 'in_doubt'"
    ):
        found[row["environment"]].open_deletes.append(row)
    for name, one in found.items():
        held = environments.find(connection, name)
        if held is not None:
            one.audit_flaws += audit.flaws(connection, held.key)
    return found


def damage(connection: Connection) -> list[str]:
    """Read a SQLite store through and tell what is broken in it; a server looks after its own."""
    if connection.dialect.name != "sqlite":
        return []
    answers = connection.exec_driver_sql(f"pragma quick_check({_FLAWS})").scalars().all()
    flaws = [str(answer) for answer in answers if answer != "ok"]
    path = engine.path_of(connection.engine.url)
    page = connection.exec_driver_sql("pragma page_size").scalar_one()
    if path is not None and Path(path).stat().st_size % page:
        flaws.insert(0, "the file ends within a page")
    for table, _, parent, _ in connection.exec_driver_sql("pragma foreign_key_check"):
        if len(flaws) == _FLAWS:
            break
        flaws.append(f"a row of {table} belongs to no row of {parent}")
    return flaws


def _rows(connection: Connection, relation: Relation, where: str = "") -> Iterator[dict[str, Any]]:
    wanted = Conditions(connection.dialect.name)
    if where:
        wanted.add(where)
    order = ", ".join(f'"{name}"' for name in relation.order)
    return (found.row for found in rows(connection, relation, wanted, order=order))

"""Look-ups for the commands that show one thing, or the newest: always fresh, by bound SQL.

Rows are plain dicts in the order of the relation's columns: instants are aware, booleans are
`bool` and JSON is text, whatever the engine. With `exact`, text that a database cannot hold is
given as the platform sent it.
"""

import difflib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from craftsync.store import relations
from craftsync.store.logs import log_lines
from craftsync.store.lookup import Condition, Conditions, Found, rows
from craftsync.store.models import Deployment, Environment, Execution, Pipeline
from craftsync.store.relation import Relation
from craftsync.store.upsert import table_of

__all__ = [
    "Condition",
    "Found",
    "deployments",
    "environment_names",
    "executions",
    "find_deployment",
    "find_execution",
    "log_lines",
    "near_names",
    "parts_of",
    "statuses",
    "versions_of",
]

_NEWEST = "e.created_at desc, e.execution_id desc, n.name"
_EXACT_ALIAS = {"steps": "t", "inputs": "v", "outputs": "v"}
_CANDIDATES = 500


def executions(
    connection: Connection,
    *,
    environment: str | None = None,
    statuses: Sequence[str] = (),
    pipeline: str | None = None,
    deployment: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    where: Condition | None = None,
) -> Iterator[dict[str, Any]]:
    """Give executions, newest first. Statuses are compared without case; `until` is not in it.

    `where` is a condition on `x`, the private row.
    """
    keys = _environment_keys(connection, environment)
    wanted = Conditions(connection.dialect.name)
    if pipeline is not None or deployment is not None:
        wanted.among("x.environment_key", keys)
    elif environment is not None:
        # The sign leaves the choice to the index by time: else a whole environment is sorted.
        wanted.among("+x.environment_key", keys)
    wanted.equal("x.pipeline_name", pipeline)
    wanted.equal("x.deployment_name", deployment)
    wanted.within("x.created_at", since, until)
    wanted.among("lower(x.status)", [status.lower() for status in statuses])
    if where is not None:
        wanted.add(where.sql, **where.bound)
    if not keys:
        return
    newest = "select x.key from execution x"
    if wanted.sql:
        newest += f" where {' and '.join(wanted.sql)}"
    if limit is not None:
        newest += " order by x.created_at desc, x.execution_id desc limit :newest"
        wanted.bound["newest"] = limit
    wanted.sql = [f"e.key in ({newest})"]
    for found in rows(connection, relations.EXECUTIONS, wanted, order=_NEWEST):
        yield found.row


def find_execution(
    connection: Connection,
    execution_id: str,
    *,
    environment: str | None = None,
    created_at: datetime | None = None,
    exact: bool = False,
) -> list[Found]:
    """Return all that have this id, newest first: in other environments, or made again."""
    wanted = Conditions(connection.dialect.name)
    keys = _environment_keys(connection, environment)
    if not keys:
        return []
    wanted.among("e.environment_key", keys)  # all of them, so that the index serves
    wanted.equal("e.execution_id", execution_id)
    wanted.equal("e.created_at", created_at)
    shown = "e" if exact else ""
    return list(rows(connection, relations.EXECUTIONS, wanted, order=_NEWEST, key="e", exact=shown))


def parts_of(
    connection: Connection, relation: Relation, execution_key: int, *, exact: bool = False
) -> Iterator[dict[str, Any]]:
    """Give what hangs on an execution in one relation, in its order, `steps` for one."""
    wanted = Conditions(connection.dialect.name)
    wanted.equal("e.key", execution_key)
    order = ", ".join(f'"{name}"' for name in relation.order[3:])
    shown = _EXACT_ALIAS.get(relation.name, "") if exact else ""
    for found in rows(connection, relation, wanted, order=order, exact=shown):
        yield found.row


def deployments(
    connection: Connection, *, environment: str | None = None, gone: bool = False
) -> Iterator[dict[str, Any]]:
    """Give the live deployments, with `gone` all of them."""
    wanted = Conditions(connection.dialect.name)
    wanted.equal("n.name", environment)
    if not gone:
        wanted.add("d.gone_at is null")
    order = "n.name, d.name, d.created_at"
    for found in rows(connection, relations.DEPLOYMENTS, wanted, order=order):
        yield found.row


def find_deployment(
    connection: Connection,
    name: str,
    *,
    environment: str | None = None,
    created_at: datetime | None = None,
    exact: bool = False,
) -> list[Found]:
    """Return all incarnations of a name, newest first."""
    wanted = Conditions(connection.dialect.name)
    wanted.equal("d.name", name)
    wanted.equal("n.name", environment)
    wanted.equal("d.created_at", created_at)
    order = "d.created_at desc, n.name"
    shown = "d" if exact else ""
    return list(rows(connection, relations.DEPLOYMENTS, wanted, order=order, key="d", exact=shown))


def versions_of(connection: Connection, deployment_key: int) -> Iterator[dict[str, Any]]:
    """Give what a deployment was set to, oldest first."""
    wanted = Conditions(connection.dialect.name)
    wanted.equal("d.key", deployment_key)
    relation = relations.DEPLOYMENT_VERSIONS
    for found in rows(connection, relation, wanted, order="v.position"):
        yield found.row


def environment_names(connection: Connection) -> list[str]:
    """Return the environments that were ever synced, by name."""
    return list(connection.scalars(select(Environment.name).order_by(Environment.name)))


def statuses(connection: Connection, *, environment: str | None = None) -> list[str]:
    """Return the statuses that executions have, as the platform writes them."""
    table = table_of(Execution)
    found = select(table.c.status).where(table.c.status.is_not(None)).distinct()
    found = found.where(table.c.environment_key.in_(_environment_keys(connection, environment)))
    return sorted(connection.scalars(found))


def names_ever_held(
    connection: Connection, kind: str, environment_key: int | None = None
) -> set[str]:
    """Return the names of all deployments or pipelines that were ever seen, gone ones too.

    `kind` is deployment or pipeline; those that only a run or a deployment tells of are among
    them. With no environment those of all are meant.
    """
    of_runs, of_deployments = table_of(Execution), table_of(Deployment)
    places = [(of_deployments, "name"), (of_runs, "deployment_name")]
    if kind == "pipeline":
        places = [(table_of(Pipeline), "name")]
        places += [(table, "pipeline_name") for table in (of_deployments, of_runs)]
    found: set[str] = set()
    for table, column in places:
        names = select(table.c[column]).where(table.c[column].is_not(None)).distinct()
        if environment_key is not None:
            names = names.where(table.c.environment_key == environment_key)
        found.update(connection.scalars(names))
    return found


def near_names(
    connection: Connection, kind: str, word: str, *, environment: str | None = None, count: int = 3
) -> list[str]:
    """Return the ids or names most like `word`; `kind` is execution, deployment or pipeline.

    Only some hundred that begin alike are compared, so that a million cost no second.
    """
    models = {"execution": Execution, "deployment": Deployment, "pipeline": Pipeline}
    table = table_of(models[kind])
    name = table.c["execution_id" if kind == "execution" else "name"]
    names = select(name).distinct().limit(_CANDIDATES)
    if environment is not None:
        names = names.join(Environment, Environment.key == table.c.environment_key).where(
            Environment.name == environment
        )
    whole = len(word)
    lengths = {whole, whole - 1, whole - 2, whole * 3 // 4, whole // 2, whole // 4, 0}
    for length in sorted((length for length in lengths if length >= 0), reverse=True):
        alike = names.where(func.substr(name, 1, length) == word[:length])
        if near := difflib.get_close_matches(word, connection.scalars(alike), count):
            return near
    return []


def _environment_keys(connection: Connection, name: str | None) -> list[int]:
    """Return the key of the environment of that name; with None, of all."""
    statement = select(Environment.key)
    if name is not None:
        statement = statement.where(Environment.name == name)
    return list(connection.scalars(statement))

"""The canonical dump: what the platform showed, the same text wherever and however it was stored.

Left out are our own numbers and everything that comes from a local clock. JSON is normalised by
sorting its keys; its digits stay. `content_sha256` of an execution is made of the same lines.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, text

from craftsync import times
from craftsync.store import relations
from craftsync.store.lookup import read_moment
from craftsync.store.models import Environment, Execution
from craftsync.store.relation import ColumnKind, Relation
from craftsync.store.upsert import batches, table_of

LOCAL = frozenset(
    {
        "fetched_at",
        "first_seen_at",
        "first_synced_at",
        "gone_at",
        "last_seen_at",
        "last_synced_at",
        "observed_at",
        "settled",
        "valid_from",
        "valid_to",
    }
)
"""Columns that come from our clock: two mirrors of one world differ in them."""

_CONTENT = (
    relations.EXECUTIONS,
    relations.STEPS,
    relations.INPUTS,
    relations.OUTPUTS,
    relations.LOGS,
)
_BESIDE = (relations.STATUS_CHANGES, relations.METRICS, relations.PARTS)
_ESTATE = (
    relations.ENVIRONMENTS,
    relations.PIPELINES,
    relations.DEPLOYMENTS,
    relations.DEPLOYMENT_VERSIONS,
)
_SORTED_HERE = ("metrics", "parts")  # by names, which each engine would sort in its own way
_TOGETHER = 50  # executions read at a time: their logs are in memory


def canonical_lines(connection: Connection) -> Iterator[str]:
    """Give the dump, a JSON object a line: by environment, the estate, then each execution."""
    names = connection.execute(select(Environment.key, Environment.name)).all()
    for key, _ in sorted(names, key=lambda row: row.name.encode()):
        for relation in _ESTATE:
            lines = (line for _, line in _lines(connection, relation, f"n.key = {key}"))
            yield from sorted(lines, key=str.encode)
        for some in batches(_execution_keys(connection, key), size=_TOGETHER):
            lines_of: dict[int, list[str]] = defaultdict(list)
            for execution_key, line in _lines_of(connection, (*_CONTENT, *_BESIDE), some):
                lines_of[execution_key].append(line)
            for execution_key in some:
                yield from lines_of[execution_key]


def canonical_sha256(connection: Connection) -> str:
    """Return the hash of the whole dump."""
    return sha256_of(canonical_lines(connection))


def content_sha256(connection: Connection, execution_key: int) -> str:
    """Return the hash of what is held of an execution: detail, steps, inputs, outputs, log."""
    return content_hashes(connection, [execution_key])[execution_key]


def content_hashes(connection: Connection, execution_keys: Collection[int]) -> dict[int, str]:
    """Return the hashes of what is held of many executions; a key without a row has none."""
    found: dict[int, str] = {}
    for some in batches(execution_keys, size=_TOGETHER):
        digests: dict[int, Any] = defaultdict(hashlib.sha256)
        for key, line in _lines_of(connection, _CONTENT, some):
            digests[key].update(_whole(line))
        found |= {key: digest.hexdigest() for key, digest in digests.items()}
    return found


def sha256_of(lines: Iterable[str]) -> str:
    """Hash lines, each with its end."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(_whole(line))
    return digest.hexdigest()


def _execution_keys(connection: Connection, environment_key: int) -> list[int]:
    """Return the keys of an environment's executions, by id and incarnation, byte by byte."""
    columns = table_of(Execution).c
    found = connection.execute(
        select(columns.key, columns.execution_id, columns.created_at).where(
            columns.environment_key == environment_key
        )
    ).all()
    ordered = sorted(found, key=lambda row: (row.execution_id.encode(), row.created_at))
    return [row.key for row in ordered]


def _lines_of(
    connection: Connection, wanted: Sequence[Relation], execution_keys: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Give the lines of executions, relation by relation; those of one are in their order."""
    keys = ", ".join(str(int(key)) for key in execution_keys)
    for relation in wanted:
        own = ", ".join(f'"{name}"' for name in relation.order[3:])
        lines = _lines(connection, relation, f"e.key in ({keys})", key="e.key", order=own)
        if relation.name in _SORTED_HERE:
            yield from sorted(lines, key=lambda keyed: keyed[1].encode())
        else:
            yield from lines


def _lines(
    connection: Connection, relation: Relation, where: str, *, key: str = "0", order: str = ""
) -> Iterator[tuple[int, str]]:
    sql = relation.select(connection.dialect.name, where, f"{key} as its_key")
    if order:
        sql += f" order by {order}"
    columns = [
        (place, name, _CANONICAL.get(kind, _as_it_is))
        for place, (name, kind) in enumerate(relation.columns.items())
        if name not in LOCAL
    ]
    with connection.execute(text(sql).execution_options(yield_per=1000)) as found:
        for row in found:
            shown: dict[str, Any] = {"relation": relation.name}
            for place, name, canonical in columns:
                value = row[place]
                shown[name] = None if value is None else canonical(value)
            yield row.its_key, _ENCODER.encode(shown)


def _whole(line: str) -> bytes:
    return line.encode() + b"\n"


class _Digits(str):
    """A number of a JSON text, by its digits."""

    __slots__ = ()


def _canonical_json(said: str) -> str:
    """Sort the keys of a JSON text; a number keeps its digits."""
    if said[:1] not in '{["':
        return said
    return _written(json.loads(said, parse_int=_Digits, parse_float=_Digits))


def _written(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(name)}:{_written(value[name])}" for name in sorted(value))
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return value if isinstance(value, _Digits) else json.dumps(value)


def _moment_text(value: Any) -> str | None:
    if isinstance(value, str):  # SQLite holds the very text
        return value
    moment = read_moment(value)
    return times.utc_text(moment) if moment else None


def _as_it_is(value: Any) -> Any:
    return value


_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)
_CANONICAL: Mapping[ColumnKind, Callable[[Any], Any]] = {
    ColumnKind.INSTANT: _moment_text,
    ColumnKind.BOOLEAN: bool,
    ColumnKind.DOUBLE: float,
    ColumnKind.JSON: _canonical_json,
}

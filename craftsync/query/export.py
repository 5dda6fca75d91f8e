"""The history as Parquet files for other engines: a folder a relation, a file a month.

    DIR/manifest.json
    DIR/executions/environment=prod/month=2026-03/data.parquet

The manifest names every file with its hash and row count. It is taken away before the first file
is touched and written after the last, so that a half-written export is never taken for a whole
one. What did not change since an export is left as it is.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from craftsync import times
from craftsync.query import manifest, troubles
from craftsync.query.desk import quoted
from craftsync.query.duck import Session
from craftsync.query.manifest import File, Manifest
from craftsync.store import relations
from craftsync.store.relation import ColumnKind, Relation
from craftsync.store.snapshot import Snapshot, Standing

_BY_MONTH_OF: Mapping[str, str] = {
    "environments": "first_synced_at",
    "sync_runs": "started_at",
    "sync_failures": "first_failed_at",
    "deletions": "requested_at",
    "deployment_versions": "deployment_created_at",
    "pipelines": "created_at",
    "deployments": "created_at",
    "executions": "created_at",
}
_OF_PARTS = "execution_created_at"
_AT_ONCE = 2  # files; a month of less than DuckDB's row group keeps one core busy, no more
_CAREFUL = timedelta(days=1)  # a run notes what it saw by its start, and may end after an export


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one relation."""

    relation: str
    files: int
    written: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Partition:
    """What one file holds: a month of a relation in an environment."""

    relation: Relation
    environment: str
    month: str

    @property
    def path(self) -> str:
        """Where it lies in the folder of the export."""
        folder = f"environment={_folder(self.environment)}/month={self.month}"
        return f"{self.relation.name}/{folder}/data.parquet"


@dataclass(frozen=True, slots=True)
class Changed:
    """The months in which executions changed since an export, by environment; None: all."""

    months: Mapping[str, frozenset[str]] | None

    def has(self, relation: Relation, environment: str, month: str) -> bool:
        """Whether a partition may be another than it was. Those of small relations always may."""
        if self.months is None or relation.carrier != "e":
            return True
        return month in self.months.get(environment, ())


def changed_since(snapshot: Snapshot, before: Manifest | None) -> Changed:
    """Tell what changed in a store since an export; all of it, where that cannot be told.

    A deployment that was seen for the first time since may be what older executions belong to.
    """
    now = snapshot.standing()
    if before is None or before.standing.store_id != now.store_id:
        return Changed(None)
    marks = before.standing.marks
    if not all(snapshot.drew(key, mark) for key, mark in marks.items()):
        return Changed(None)
    seen_since = times.utc_text(times.parse_utc_text(before.as_of) - _CAREFUL)
    months = {
        name: frozenset(snapshot.months_of_change(key, marks[key].rev if key in marks else -1))
        | frozenset(snapshot.months_of_new_deployments(key, seen_since))
        for key, name in snapshot.rows("select key, name from environment")
        if marks.get(key) != now.marks[key]
    }
    return Changed(months)


def month_of(relation: Relation) -> str:
    """Return the column by whose month a relation is parted."""
    return _BY_MONTH_OF.get(relation.name, _OF_PARTS)


def write(
    session: Session, folder: Path, *, standing: Standing, before: Manifest | None, changed: Changed
) -> Iterator[Written]:
    """Write what changed, relation by relation, and the manifest last; tell of each relation.

    `session` must not be locked: it writes files. To be called within `folders.held`.
    """
    manifest.begin(folder)
    held = dict(before.files) if before and changed.months is not None else {}
    files: dict[str, File] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for relation in relations.PUBLIC:
            due, same = _sort_out(session, folder, relation, held, changed)
            fresh = list(pool.map(lambda one: _file(session, folder, one, held), due))
            done = [*fresh, *same]
            files |= {one.path: one for one in done}
            yield Written(
                relation=relation.name,
                files=len(done),
                written=sum(one is not held.get(one.path) for one in fresh),
                rows=sum(one.rows for one in done),
                bytes=sum(one.bytes for one in done),
            )
    _forget_others(folder, files)
    manifest.finish(folder, standing, times.utc_text(session.as_of), files.values())


def _sort_out(
    session: Session, folder: Path, relation: Relation, held: Mapping[str, File], changed: Changed
) -> tuple[list[Partition], list[File]]:
    """Tell which partitions of a relation are to be written, and which files stay as they are."""
    month = f"strftime({month_of(relation)}, '%Y-%m')"
    partitions = session.connection.execute(
        f'select environment, {month}, count(*) from "{relation.name}" group by all order by all'
    ).fetchall()
    due, same = [], []
    for environment, of_month, rows in partitions:
        partition = Partition(relation, environment, of_month)
        known = held.get(partition.path)
        if (
            known is not None
            and known.rows == rows
            and not changed.has(relation, environment, of_month)
            and _lies_there(folder, known)
        ):
            same.append(known)
        else:
            due.append(partition)
    return due, same


def _lies_there(folder: Path, known: File) -> bool:
    file = folder / known.path
    return file.is_file() and file.stat().st_size == known.bytes


def _file(session: Session, folder: Path, partition: Partition, held: Mapping[str, File]) -> File:
    """Write one partition; it takes the place of the one before when it is whole.

    One with the very bytes of the one before is not put in its place: that is returned. Raises
    `OSError` where the folder does not take it.
    """
    import duckdb  # noqa: PLC0415 - heavy

    relation, target = partition.relation, folder / partition.path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(".data.parquet.growing")
    kinds = relation.columns.items()
    columns = ", ".join(_column(name, kind) for name, kind in kinds if name != "environment")
    of_month = month_of(relation)
    year, number = (int(part) for part in partition.month.split("-"))
    later = f"{year + number // 12:04d}-{number % 12 + 1:02d}-01"
    order = ", ".join(f'"{name}"' for name in relation.order)
    try:
        with session.another() as writing:
            ((rows,),) = writing.execute(
                f'copy (select {columns} from "{relation.name}" where environment = $environment'
                f" and {of_month} >= timestamp '{partition.month}-01'"
                f" and {of_month} < timestamp '{later}'"
                f" order by {order}) to {quoted(draft)}"
                " (format parquet, compression zstd, use_tmp_file false)",
                {"environment": partition.environment},
            ).fetchall()
    except duckdb.Error as flaw:
        draft.unlink(missing_ok=True)
        trouble = troubles.of_system(flaw)
        if trouble is None or draft.name not in str(flaw):  # what is put aside goes elsewhere
            raise
        raise trouble from flaw
    with draft.open("rb") as written:
        os.fsync(written.fileno())
        sha256 = hashlib.file_digest(written, "sha256").hexdigest()
    known = held.get(partition.path)
    if known is not None and known.sha256 == sha256 and _lies_there(folder, known):
        draft.unlink()
        return known
    draft.chmod(0o600)
    size = draft.stat().st_size
    draft.replace(target)
    return File(
        partition.path, relation.name, partition.environment, partition.month, rows, size, sha256
    )


def _column(name: str, kind: ColumnKind) -> str:
    """Write a column as other engines are to read it: what is an instant is marked as one in UTC.

    Without the mark Spark would take it for a time on the clock of whoever reads it.
    """
    return f'"{name}"::timestamptz as "{name}"' if kind is ColumnKind.INSTANT else f'"{name}"'


def _forget_others(folder: Path, files: Mapping[str, File]) -> None:
    """Take away the files of partitions that are no more, and what a crash left."""
    for relation in relations.PUBLIC:
        for file in (folder / relation.name).glob("environment=*/month=*/*"):
            if str(file.relative_to(folder)) not in files:
                file.unlink()


def _folder(environment: str) -> str:
    """Write a name so that it is one folder's, whatever it holds, as Hive's readers expect it."""
    return quote(environment, safe="")

"""The replica: a DuckDB file that follows a store by revision, and can be thrown away at any time.

It lives in a private folder as `r-<revision>.duckdb`, with a pointer, `current.json`, that says
which file it is and what it holds. A refresh works on a copy and swaps it in: whoever reads goes on
reading the old one, and a crash leaves it in place. What cannot be read, is of another store, of
another history or of another format is built anew.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock

from craftsync import times
from craftsync.errors import StoreUnusable
from craftsync.query import desk, loading, sandbox, spills, troubles
from craftsync.store import snapshot, sqlite_file
from craftsync.store.snapshot import Mark, Snapshot, Standing

if TYPE_CHECKING:
    import duckdb

_FORMAT = 1  # of what loading.py makes of the same definitions
_POINTER = "current.json"
_BLOATED = 1.5  # times its size after it was last built
_WAIT_S = 600  # for another process that refreshes it, too


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which file is the replica, and what it holds as of when."""

    file: Path
    standing: Standing
    as_of: datetime
    built_bytes: int


@dataclass(frozen=True, slots=True)
class Following:
    """A replica to ask: its file, what it holds as of when, and why it is not fresh (or None)."""

    file: Path
    standing: Standing
    as_of: datetime
    stale: str | None = None


@dataclass(frozen=True, slots=True)
class Replica:
    """The replica of a store in a folder; `memory` bounds what DuckDB takes, as in `1GB`."""

    store: str | Path
    folder: Path
    memory: str

    def follow(self, now: datetime) -> Following:
        """Bring the replica up to the store if it is not, and return it.

        Raises `StoreUnusable` when the store cannot be read or there is no room for a first one,
        `Refused` where `memory` does not do.
        Where there is no room for another, the old one is returned with the reason.
        """
        with snapshot.look(self.store) as found:
            standing = found.standing()
        held = self.pointer()
        if held and held.standing == standing:
            return Following(held.file, held.standing, held.as_of)
        try:
            with self._lock(), snapshot.look(self.store) as found, sandbox.held_to_memory():
                return self._bring_up(found, now)
        except (OSError, filelock.Timeout) as flaw:
            if held is None or held.standing.store_id != standing.store_id:
                raise _cannot_keep(self.folder, flaw) from flaw
            return Following(held.file, held.standing, held.as_of, f"not refreshed: {flaw}")

    def as_it_is(self) -> Following:
        """Return the replica without a look at the store; raises `StoreUnusable` for none."""
        held = self.pointer()
        if held is None:
            raise StoreUnusable(
                f"There is no replica of the store yet in {self.folder}.",
                hint="Ask without --no-refresh: it is made then.",
            )
        return Following(held.file, held.standing, held.as_of, "not refreshed")

    def forget(self, file: Path) -> None:
        """Forget a file that cannot be read, unless another has taken its place meanwhile."""
        held = self.pointer()
        if held and held.file == file:
            (self.folder / _POINTER).unlink(missing_ok=True)

    def pointer(self) -> Pointer | None:
        """Read the pointer; None where there is none that this craftsync can use."""
        try:
            said = json.loads((self.folder / _POINTER).read_bytes())
            if said["format"] != _format():
                return None
            file = self.folder / Path(said["file"]).name
            marks = {int(key): Mark(*mark) for key, mark in said["marks"].items()}
            as_of = times.parse_utc_text(said["as_of"])
            found = Pointer(file, Standing(said["store_id"], marks), as_of, said["built_bytes"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return found if file.is_file() else None

    def _bring_up(self, found: Snapshot, now: datetime) -> Following:
        held, standing = self.pointer(), found.standing()
        if held and held.standing == standing:  # another process was faster
            return Following(held.file, held.standing, held.as_of)
        revision = sum(mark.rev for mark in standing.marks.values())
        file = self.folder / f"r-{revision:06d}.duckdb"
        growing = self.folder / f"{file.name}.growing"
        _remove(growing)
        try:
            built = self._refreshed(growing, found, standing, held)
            if built is None:
                _remove(growing)
                built = self._built(growing, found)
            growing.replace(file)
        finally:
            _remove(growing)
        self._point(Pointer(file, standing, now, built))
        for old in self.folder.glob("r-*.duckdb*"):
            if old.name != file.name:
                _remove(old)
        return Following(file, standing, now)

    def _refreshed(
        self, growing: Path, found: Snapshot, standing: Standing, held: Pointer | None
    ) -> int | None:
        """Bring a copy up; returns the size it was built with, None where it has to be built."""
        import duckdb  # noqa: PLC0415 - heavy

        if held is None or not _follows(found, held.standing, standing):
            return None
        if held.file.stat().st_size > _BLOATED * held.built_bytes:
            return None
        try:
            with ThreadPoolExecutor(1) as copier, self._writing() as duck:
                copying = copier.submit(shutil.copyfile, held.file, growing)

                def attach() -> None:
                    copying.result()
                    duck.execute(desk.attach(growing))

                loader = loading.Loader(duck, found, attach)
                loader.refresh(held.standing.marks, standing.marks)
        except duckdb.Error as flaw:
            if (full := troubles.of_full_disk(flaw)) is not None:
                raise full from flaw
            return None
        return held.built_bytes

    def _built(self, growing: Path, found: Snapshot) -> int:
        import duckdb  # noqa: PLC0415 - heavy

        try:
            with self._writing() as duck:
                duck.execute(desk.attach(growing))
                loading.Loader(duck, found, attach=lambda: None).build()
        except duckdb.Error as flaw:  # of its log, whose failure it takes for the end of all
            if (trouble := troubles.of_system(flaw)) is not None:
                raise trouble from flaw
            raise
        return growing.stat().st_size

    @contextmanager
    def _writing(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """Open a DuckDB in which a file is attached as `replica`, written back at the end."""
        import duckdb  # noqa: PLC0415 - heavy

        spill = spills.new(self.folder)
        settings: dict[str, Any] = {
            "memory_limit": self.memory,
            "temp_directory": desk.as_text(spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": True,
        }
        try:
            with duckdb.connect(":memory:", config=settings) as duck:
                desk.hush(duck)
                yield duck
                duck.execute("checkpoint replica")
                duck.execute("detach replica")
        finally:
            spills.remove(spill)

    def _point(self, pointer: Pointer) -> None:
        said = {
            "format": _format(),
            "file": pointer.file.name,
            "store_id": pointer.standing.store_id,
            "marks": {key: [one.rev, one.token] for key, one in pointer.standing.marks.items()},
            "as_of": times.utc_text(pointer.as_of),
            "built_bytes": pointer.built_bytes,
        }
        draft = self.folder / f"{_POINTER}.growing"
        draft.write_text(json.dumps(said), encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(self.folder / _POINTER)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        sqlite_file.make_folder(str(self.folder / _POINTER))
        with filelock.FileLock(self.folder / "lock", mode=0o600, timeout=_WAIT_S):
            yield


def _format() -> str:
    """Return what a replica must have been made by: these definitions, and this DuckDB."""
    import duckdb  # noqa: PLC0415 - heavy

    made_of = [one.create_table("duckdb") + one.select("duckdb") for one in desk.MIRRORED]
    text = "\n".join((str(_FORMAT), duckdb.__version__, *made_of))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _follows(found: Snapshot, held: Standing, standing: Standing) -> bool:
    """Whether the store went on from what a replica holds, and was not restored in between."""
    if held.store_id != standing.store_id or not held.marks.keys() <= standing.marks.keys():
        return False
    return all(found.drew(key, mark) for key, mark in held.marks.items())


def _cannot_keep(folder: Path, flaw: Exception) -> StoreUnusable:
    return StoreUnusable(
        f"No replica of the store can be kept in {folder}: {flaw}.",
        hint="Make room there, or look at single runs, which need none: craftsync runs",
    )


def _remove(file: Path) -> None:
    for one in (file, file.with_name(f"{file.name}.wal")):
        with suppress(FileNotFoundError):
            one.unlink()

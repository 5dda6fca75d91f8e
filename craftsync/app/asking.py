"""Questions: the replica of the store brought up, and a session of DuckDB over it."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from craftsync.app.stored import Stored
from craftsync.errors import StoreUnusable
from craftsync.settings import cache_folder, config_folder

if TYPE_CHECKING:
    from craftsync.query.duck import Session
    from craftsync.query.export import Written
    from craftsync.query.replica import Replica

_SMALL = 5_000  # executions: so many are read in a moment and little memory


def questions_folder(environ: Mapping[str, str]) -> Path | None:
    """Return where the user's own questions are; None where there is no place for one."""
    folder = config_folder(environ)
    return None if folder is None else folder / "craftsync" / "queries"


class Asking(Stored):
    """What answers questions over the whole history."""

    __slots__ = ()

    def asking(self, *, refresh: bool = True) -> "Session":
        """Open a session over the replica; without `refresh` over the replica as it is.

        Raises `StoreUnusable` when there is no store, no replica, or neither can be read.
        """
        return self._asking(refresh=refresh, locked=True)

    def _asking(self, *, refresh: bool, locked: bool) -> "Session":
        from craftsync.query import duck  # noqa: PLC0415 - a room of the works

        replica = self.replica()
        try:
            return self._session(replica, refresh=refresh, locked=locked)
        except duck.UnreadableReplica as flaw:
            if not refresh:
                raise
            replica.forget(flaw.file)
            return self._session(replica, refresh=True, locked=locked)

    def _session(self, replica: "Replica", *, refresh: bool, locked: bool) -> "Session":
        from craftsync.query import duck  # noqa: PLC0415 - a room of the works
        from craftsync.store import snapshot  # noqa: PLC0415 - a wing

        now = self.now()
        following = replica.follow(now) if refresh else replica.as_it_is()
        with snapshot.look(self.settings.store) as found:
            return duck.Session(following, found, now=now, memory=replica.memory, locked=locked)

    def export(self, folder: Path, *, since_last: bool) -> Iterator["Written"]:
        """Write the history as Parquet files; with `since_last` only what changed since.

        Raises `Usage` for a folder that holds something else or cannot be written, `Busy` while
        another export writes it, `StoreUnusable` when there is no store, it cannot be read, or the
        replica cannot follow it.
        """
        from craftsync.query import export, folders, manifest  # noqa: PLC0415 - a room of the works
        from craftsync.store import snapshot  # noqa: PLC0415 - a wing

        with (
            folders.held(folder),
            self._asking(refresh=True, locked=False) as session,
        ):
            if session.stale is not None:
                raise StoreUnusable(
                    f"The replica is {session.stale}. Nothing was exported.",
                    hint="craftsync doctor",
                )
            before = manifest.read(folder) if since_last else None
            with snapshot.look(self.settings.store) as found:
                changed = export.changed_since(found, before)
            yield from export.write(
                session, folder, standing=session.standing, before=before, changed=changed
            )

    def own_questions(self) -> Path | None:
        """Return the folder of the user's own questions; None where there is no place for one."""
        return questions_folder(self.environ)

    def replica(self) -> "Replica":
        """Return the replica of the store: beside a file, in the user's cache for a server."""
        from craftsync.query.replica import Replica  # noqa: PLC0415 - a room of the works

        return Replica(self.settings.store, self._replica_folder(), self.settings.query.memory)

    def refresh_replica(self) -> None:
        """Bring the replica up after a sync; a first one of a long history waits for a question."""
        from craftsync.store import snapshot  # noqa: PLC0415 - a wing

        replica = self.replica()
        if replica.pointer() is None:
            with snapshot.look(self.settings.store) as found:
                ((executions,),) = found.rows("select count(*) from execution")
            if executions > _SMALL:
                return
        replica.follow(self.now())

    def _replica_folder(self) -> Path:
        from craftsync.store import sqlite_file  # noqa: PLC0415 - a wing

        path = sqlite_file.path_in(self.settings.store)
        if path is not None:
            file = Path(path)
            beside = file.with_name(f"{file.stem if file.suffix == '.db' else file.name}.replica")
            if beside.is_dir() or os.access(file.parent, os.W_OK):
                return beside
        cache = cache_folder(self.environ)
        if cache is None:
            raise StoreUnusable(
                "There is no place for the replica: neither XDG_CACHE_HOME nor HOME is set.",
                hint="export XDG_CACHE_HOME=/path/to/a/folder",
            )
        place = path or self.url().render_as_string(hide_password=True)
        name = hashlib.sha256(place.encode()).hexdigest()[:16]
        return cache / "craftsync" / f"{name}.replica"

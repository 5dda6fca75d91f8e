"""The folder of an export: for one at a time, and for nothing else."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from craftsync.errors import Busy, Usage
from craftsync.query import troubles
from craftsync.query.manifest import MANIFEST, UNFINISHED

_LOCK = ".lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder for one export; what is made for it goes again if nothing comes of it.

    Raises `Usage` for a folder that holds something else, `Busy` while another export writes it.
    """
    try:
        made = [one for one in (folder / _LOCK, folder, *folder.parents) if not one.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = _names(folder)
        if names - {_LOCK} and not names & {MANIFEST, UNFINISHED}:
            raise Usage(
                f"{folder} holds something that is no export.", hint="Name an empty folder."
            )
        with filelock.FileLock(folder / _LOCK, mode=0o600, blocking=False):
            try:
                yield
            finally:
                if _names(folder) == {_LOCK}:
                    _unmake(made)
    except filelock.Timeout:
        raise Busy(f"Another export is writing {folder}.", hint="Wait for its end.") from None
    except OSError as flaw:
        hint = f"df -h {shlex.quote(str(folder))}" if flaw.errno in troubles.FULL else None
        raise Usage(f"{folder} cannot be written: {flaw.strerror or flaw}.", hint=hint) from flaw


def _names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


def _unmake(made: Sequence[Path]) -> None:
    """Take away what was made, the innermost first, so far as nothing else came in."""
    with suppress(OSError):
        for one in made:
            one.unlink() if one.name == _LOCK else one.rmdir()

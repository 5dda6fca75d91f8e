"""What an export says of itself: every file with its hash, written last, and as a whole.

It is taken away before the first file is touched: a folder without it holds no whole export.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from craftsync import __version__
from craftsync.store.snapshot import Mark, Standing

MANIFEST = "manifest.json"
UNFINISHED = "manifest.json.unfinished"
_FORMAT = 2  # instants marked as such


@dataclass(frozen=True, slots=True)
class File:
    """A file of the export: what it holds, and how to know that it is whole."""

    path: str
    relation: str
    environment: str
    month: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export holds, and how far the store had come."""

    standing: Standing
    as_of: str
    files: Mapping[str, File]


def read(folder: Path) -> Manifest | None:
    """Read what an export holds; None where there is no whole one."""
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        if said["format"] != _FORMAT or said["version"] != __version__:
            return None
        files = {one["path"]: File(**one) for one in said["files"]}
        marks = {int(key): Mark(*mark) for key, mark in said["marks"].items()}
        return Manifest(Standing(said["store_id"], marks), said["as_of"], files)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def begin(folder: Path) -> None:
    """Say that the folder is an export of ours, and not a whole one."""
    unfinished = folder / UNFINISHED
    if (folder / MANIFEST).exists():
        (folder / MANIFEST).replace(unfinished)
    unfinished.touch(mode=0o600)


def finish(folder: Path, standing: Standing, as_of: str, files: Iterable[File]) -> None:
    """Write the manifest of an export that is whole now."""
    said: dict[str, Any] = {
        "format": _FORMAT,
        "version": __version__,
        "as_of": as_of,
        "store_id": standing.store_id,
        "marks": {str(key): [mark.rev, mark.token] for key, mark in standing.marks.items()},
        "files": [asdict(one) for one in files],
    }
    draft = folder / f"{MANIFEST}.growing"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(said, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(0o600)
    draft.replace(folder / MANIFEST)
    (folder / UNFINISHED).unlink(missing_ok=True)

"""Settings files: found, read, and asked on which line a key stands."""

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from craftsync.errors import BadSettings
from craftsync.settings.folders import config_folder
from craftsync.settings.schema import KeyPath
from craftsync.settings.words import Forgive, Note

FILE_NAME = "craftsync.toml"

_ENDLESS = re.compile(r"[0-9][0-9_]{4000,}")


@dataclass(frozen=True, slots=True)
class File:
    """A settings file as it was read."""

    path: Path
    text: str = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)

    def line(self, path: KeyPath) -> int:
        """Return the line on which the statement that sets `path` begins.

        TOML knows no lines once it is read, so the statement is the one whose reading makes the
        key appear: the file is read anew, a line more each time.
        """
        lines = self.text.split("\n")
        read = 0  # so many lines make whole statements
        for count in range(1, len(lines) + 1):
            try:
                document = tomllib.loads("\n".join(lines[:count]))
            except tomllib.TOMLDecodeError:  # in the middle of a value of several lines
                continue
            if _stands_in(document, path):
                return read + 1
            read = count
        return read + 1

    def flaw(self, path: KeyPath, sentence: str, *, hint: str | None = None) -> BadSettings:
        """Return the error that names this file, the line and the key."""
        return BadSettings(f"{self.path}:{self.line(path)}: {'.'.join(path)} {sentence}", hint=hint)


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """A key of a file; `str()` finds its line."""

    file: File
    path: KeyPath

    def __str__(self) -> str:
        return f"{self.file.path}:{self.file.line(self.path)}"


def read(environ: Mapping[str, str], cwd: Path, notes: list[Note], forgive: Forgive) -> list[File]:
    """Read the files there are, the nearest first; others who may read one are worth a note."""
    folder = config_folder(environ)
    paths = [cwd / FILE_NAME, *([] if folder is None else [folder / "craftsync" / "config.toml"])]
    found = []
    for path in paths:
        try:
            file = _file(path, notes)
        except BadSettings as flaw:
            forgive(flaw)
        else:
            found += [] if file is None else [file]
    return found


def _file(path: Path, notes: list[Note]) -> File | None:
    try:
        mode = path.stat().st_mode
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        document = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as flaw:
        line = flaw.object[: flaw.start].count(b"\n") + 1
        raise BadSettings(f"{path}:{line}: This is not UTF-8.") from None
    except OSError as flaw:
        raise BadSettings(f"{path} cannot be read: {flaw.strerror}.") from flaw
    except tomllib.TOMLDecodeError as flaw:
        at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(flaw))
        line = int(at[1]) if at and at[1] else text.rstrip().count("\n") + 1
        sentence = str(flaw)[: at.start()] if at else str(flaw)
        # The line is not shown: it may hold a token.
        raise BadSettings(f"{path}:{line}: This is not TOML: {sentence}.") from None
    except ValueError:  # more digits than int() wants to read
        found = _ENDLESS.search(text)
        line = text[: found.start() if found else 0].count("\n") + 1
        raise BadSettings(f"{path}:{line}: A number is beyond what can be counted.") from None
    if too_open(mode):
        notes.append(open_note(path, mode))
    return File(path, text, document)


def too_open(mode: int) -> bool:
    """Whether others than the owner may read or write a file of this mode."""
    return mode & 0o077 != 0


def open_note(path: Path, mode: int) -> Note:
    """Return the note about a file that is not the user's alone."""
    return Note(
        f"{path} is open to others (mode {mode & 0o777:04o}).",
        hint=f"chmod 600 {shlex.quote(str(path))}",
    )


def _stands_in(document: Mapping[str, Any], path: KeyPath) -> bool:
    here: Any = document
    for part in path:
        if not isinstance(here, dict) or part not in here:
            return False
        here = here[part]
    return True

"""Where rows are written: stdout, or a file that appears as a whole or not at all."""

import os
import secrets
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from craftsync.cli import streams
from craftsync.errors import Usage

Write = Callable[[str], None]

_DATABASES = ((0, b"SQLite format 3\0"), (8, b"DUCK"))  # where their files say what they are
_BESIDE = ("-wal", "-shm", "-journal", ".lock")  # a database has these beside it


def check(output: Path) -> None:
    """Raise `Usage` when `output` may not be written, before the work for it is done.

    So it is where it surely cannot, and where it would take the place of a database: a store.
    """
    _require_no_database(output)
    check_place(output)


def check_place(output: Path) -> None:
    """Raise `Usage` when `output` can surely not be written, whatever is there now."""
    folder = output.parent
    with _saying(output):
        is_folder = output.is_dir()
    if is_folder:
        raise Usage(f"{output} cannot be written: it is a folder.")
    if not folder.is_dir():
        raise Usage(f"{output} cannot be written: there is no folder {folder}.")
    if not os.access(folder, os.W_OK | os.X_OK) and not _is_special(output):
        is_fixed = os.statvfs(folder).f_flag & os.ST_RDONLY
        raise Usage(
            f"{output} cannot be written: "
            + (f"{folder} is read-only." if is_fixed else f"no permission in {folder}."),
            hint=f"ls -ld {shlex.quote(str(folder))}",
        )


@contextmanager
def text(output: Path | None) -> Iterator[Write]:
    """Give what writes text to `output`, UTF-8, or to stdout for None.

    Raises `Usage` when it cannot be written; then a file that was there is there still.
    """
    if output is None:
        yield streams.out
    elif _is_special(output):
        with _opened(output) as file:
            yield _writing(file, output)
    else:
        with _replacing_no_database(output) as draft, _opened(draft, named=output) as file:
            yield _writing(file, output)


@contextmanager
def binary(output: Path | None) -> Iterator[Callable[[bytes], None]]:
    """Give what writes bytes to `output`, or to stdout for None; raises like `text`."""
    if output is None:
        yield streams.out_bytes
        return
    special = _is_special(output)
    with nullcontext(output) if special else _replacing_no_database(output) as draft:
        with _saying(output):
            file = draft.open("wb")
        with file:

            def write(some: bytes) -> None:
                with _saying(output):
                    file.write(some)

            yield write


@contextmanager
def drafted(output: Path) -> Iterator[Path]:
    """Give a private file of which `output` is made when all went well; raises like `text`.

    It takes the place of a file; into a device or a pipe it is copied.
    """
    if not _is_special(output):
        with _replacing_no_database(output) as draft:
            yield draft
        return
    with TemporaryDirectory(prefix="craftsync-") as private:
        draft = Path(private) / "draft"
        yield draft
        with _saying(output), draft.open("rb") as whole, output.open("wb") as file:
            shutil.copyfileobj(whole, file)


@contextmanager
def replacing(output: Path) -> Iterator[Path]:
    """Give an empty private file beside `output` that takes its place when all went well.

    It is on the disk by then. A link is followed: what it leads to is replaced, and must be a file.
    """
    target = Path(os.path.realpath(output))
    draft = target.with_name(f".craftsync-{secrets.token_hex(8)}.tmp")
    with _saying(output):
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
        with _saying(output):
            draft.chmod(0o600)
            _onto_disk(draft)
            draft.replace(target)
            _onto_disk(target.parent)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def _replacing_no_database(output: Path) -> Iterator[Path]:
    _require_no_database(output)
    with replacing(output) as draft:
        yield draft
        _require_no_database(output)  # it may have come meanwhile


def _require_no_database(output: Path) -> None:
    target = os.path.realpath(output)
    mains = [target, *(target.removesuffix(end) for end in _BESIDE if target.endswith(end))]
    if any(map(_is_database, mains)):
        raise Usage(
            f"{output} is a database or belongs to one: it is not overwritten.",
            hint="Name another file.",
        )


def _is_database(path: str) -> bool:
    try:
        if not Path(path).is_file():
            return False
        with Path(path).open("rb") as file:
            head = file.read(16)
    except OSError:  # whoever writes will hear of it
        return False
    return any(head[at:].startswith(magic) for at, magic in _DATABASES)


@contextmanager
def _opened(path: Path, *, named: Path | None = None) -> Iterator[TextIO]:
    output = path if named is None else named
    with _saying(output):
        file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
    try:
        yield file
    except BaseException:
        with suppress(OSError):  # the first flaw is the one to tell
            file.close()
        raise
    with _saying(output):
        file.close()


def _writing(file: TextIO, output: Path) -> Write:
    def write(some: str) -> None:
        with _saying(output):
            file.write(some)

    return write


@contextmanager
def _saying(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as flaw:
        raise streams.cannot_write(output, flaw) from flaw


def _is_special(output: Path) -> bool:
    """Whether `output` is a device or a pipe, which must never be replaced by a file."""
    try:
        mode = output.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _onto_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

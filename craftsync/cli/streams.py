"""The standard streams: they may be closed, full, a broken pipe, or speak nothing but ASCII.

Data goes to stdout through `out`; nothing else does. That a reader went away is `BrokenPipeError`,
which the door answers; that stdout takes no more is `Usage`. Words go to stderr through `err`.
"""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TextIO

from craftsync.errors import Usage

_STANDARD = 3
_WIPE = "\r\x1b[2K"


@dataclass(slots=True)
class _Line:
    """The line of a terminal that the next thing written takes the place of."""

    shown: bool = False


_passing = _Line()


@contextmanager
def steady() -> Iterator[None]:
    """Make a process fit to run under cron: files private, streams there, SIGTERM as Ctrl-C.

    SIGHUP too, of a terminal or a connection that is gone, unless nohup had it ignored.
    """
    mask = os.umask(0o077)
    _fill_the_gaps()
    for stream in (sys.stdout, sys.stderr):
        # What a stream cannot write is shown escaped: no name may end a run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        if before[signal.SIGHUP] is signal.SIG_IGN:
            del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        _make_way()
        os.umask(mask)
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _fill_the_gaps() -> None:
    """Open what was closed: else the next file, the store perhaps, would become stdout."""
    for number in range(_STANDARD):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdout is None:
        sys.stdout = _on(1)
    if sys.stderr is None:
        sys.stderr = _on(2)


def _on(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "w", encoding="utf-8", closefd=False)


def out(text: str) -> None:
    """Write data to stdout. Raises `BrokenPipeError`, and `Usage` when it takes no more."""
    _make_way()
    with _full_is_usage():
        sys.stdout.write(text)


def out_bytes(data: bytes) -> None:
    """Write data to stdout as it is, whatever the encoding; raises like `out`."""
    _make_way()
    with _full_is_usage():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)


def err(text: str) -> None:
    """Write words to stderr; that nobody reads them is no failure."""
    _make_way()
    _write_err(text)


def err_in_passing(text: str) -> None:
    """Write a line to stderr, a terminal, that gives way to whatever is written next."""
    _write_err(f"{_WIPE}{text}")
    _passing.shown = True


def _make_way() -> None:
    if _passing.shown:
        _passing.shown = False
        _write_err(_WIPE)


def _write_err(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):  # closed, full, or a pipe nobody reads
        silence(sys.stderr)


def flush() -> None:
    """Bring out what is written, here where a failure can still be answered; raises like `out`."""
    with _full_is_usage():
        sys.stdout.flush()


@contextmanager
def _full_is_usage() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as flaw:
        silence()
        raise cannot_write("Standard output", flaw) from flaw


def cannot_write(what: object, flaw: OSError) -> Usage:
    """Return the sentence about something the user wanted written."""
    return Usage(f"{what} cannot be written: {flaw.strerror or flaw}.")


@contextmanager
def after_work() -> Iterator[None]:
    """Print what a command did: that nobody reads it changes neither the work nor its code."""
    try:
        yield
        flush()
    except (BrokenPipeError, Usage):
        silence()


def silence(stream: TextIO | None = None) -> None:
    """Send the rest of a stream, stdout if none is given, nowhere.

    Else the end of the process would find what could not be written, and end with a code of its
    own.
    """
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, (sys.stdout if stream is None else stream).fileno())
        os.close(nowhere)


def speaks_unicode() -> bool:
    """Whether stdout can write every character."""
    return (sys.stdout.encoding or "ascii").lower().replace("_", "-").startswith("utf")


def is_plain() -> bool:
    """Whether stdout is to have nothing but ASCII of ours: its encoding, or the locale, is plain.

    Under the locale C Python writes UTF-8 all the same, which a reader may not expect, and says
    C.UTF-8 in LC_CTYPE.
    """
    ctype = os.environ.get("LC_CTYPE", "")
    named = (os.environ.get("LC_ALL"), "" if ctype == "C.UTF-8" else ctype, os.environ.get("LANG"))
    locale = next((name for name in named if name), "C")
    return locale in ("C", "POSIX") or not speaks_unicode()


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether somebody looks at a stream, stdout if none is given, through a terminal."""
    stream = sys.stdout if stream is None else stream
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # closed
        return False


def colour(stream: TextIO | None = None) -> bool:
    """Whether a stream, stdout if none is given, may be coloured."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")

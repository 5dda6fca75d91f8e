"""What is said on stderr while and after a command works: notes, warnings, errors, progress.

Nothing said here may end a run: a stderr nobody reads is no failure. Every text is scrubbed of
secrets, and shown so that it cannot drive a terminal. With `--log-format json` each is an object on
a line of its own, `{"level", "message", "hint"}`.
"""

import json
import logging
import shutil
import sys
import traceback
from dataclasses import dataclass

import click

from craftsync.cli import streams
from craftsync.cli.safe_text import safe, safe_lines, scrub
from craftsync.errors import CraftsyncError

_COLOURS = {"error": "red", "hint": "cyan", "warning": "yellow"}
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


@dataclass(slots=True)
class Manner:
    """How a run speaks; set by the options of the command line."""

    quiet: bool = False
    as_json: bool = False
    verbosity: int = 0


manner = Manner()


def begin(*, as_json: bool = False) -> None:
    """Start a run: forget how the last one spoke."""
    fresh = Manner(as_json=as_json)
    for name in Manner.__slots__:
        setattr(manner, name, getattr(fresh, name))


def note(message: str) -> None:
    """Say what is good to know; `-q` keeps it back."""
    if not manner.quiet:
        _say("info", message)


def detail(message: str) -> None:
    """Say what only `-v` wants to know."""
    if manner.verbosity:
        note(message)


def warning(message: str, *, hint: str | None = None) -> None:
    """Say what may go wrong one day; `-q` keeps it back."""
    if not manner.quiet:
        _say("warning", message, hint, prefix="warning: ")


def problem(message: str) -> None:
    """Say what was not done, as it is; `-q` does not keep it back."""
    _say("error", message)


def failure(flaw: CraftsyncError) -> None:
    """Say why a command ends: what happened, and what can be typed next."""
    error(str(flaw), flaw.hint)


def error(message: str, hint: str | None = None) -> None:
    """Say why a command ends, in words of click or of the door."""
    _say("error", message, hint, prefix="error: ")


def interrupted(message: str) -> None:
    """Say that the run was stopped from outside."""
    _say("warning", message)


def bug(flaw: BaseException) -> None:
    """Show the traceback of what nobody foresaw."""
    lines = "".join(traceback.format_exception(flaw)).rstrip("\n")
    _say("critical", lines)
    _say("critical", "This is a bug in craftsync.", "Report it with the lines above.", "error: ")


def progress(message: str) -> None:
    """Show how far the work is, on a terminal alone, in a line that the next one replaces."""
    if manner.quiet or manner.as_json or not streams.is_terminal(sys.stderr):
        return
    width = shutil.get_terminal_size().columns - 1
    streams.err_in_passing(safe(scrub(message))[:width])


def _say(level: str, message: str, hint: str | None = None, prefix: str = "") -> None:
    message, hint = scrub(message), None if hint is None else scrub(hint)
    if manner.as_json:
        streams.err(json.dumps({"level": level, "message": message, "hint": hint}) + "\n")
        return
    # A message of several lines is indented: no name in it can pass for a hint of ours.
    indented = safe_lines(message).replace("\n", "\n" + " " * len(prefix))
    text = f"{_painted(prefix)}{indented}\n"
    if hint:
        text += f"{_painted('hint: ')}{safe(hint)}\n"
    streams.err(text)


def _painted(prefix: str) -> str:
    if not prefix or not streams.colour(sys.stderr):
        return prefix
    return click.style(prefix, fg=_COLOURS[prefix.rstrip(": ")], bold=True)


class _Said(logging.Handler):
    """Say what the libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say one record."""
        if not (manner.quiet and record.levelno < logging.ERROR):
            _say(record.levelname.lower(), self.format(record))


_SAID = _Said()
_SAID.setFormatter(logging.Formatter("%(name)s: %(message)s"))


def listen_to_logs() -> None:
    """Take over the logging of the process, as loud as the user wants it."""
    root = logging.getLogger()
    root.addHandler(_SAID)
    root.setLevel(_LEVELS[min(manner.verbosity, 2)])

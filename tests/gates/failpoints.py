"""Let a child of this process die at its n-th operation: nothing flushed, nothing closed.

The child is forked from a parent that has everything imported, which takes a few milliseconds. Its
operations are seen from outside of our modules: by SQLAlchemy's events on all engines, in the
driver of a server where it copies rows, and by the interpreter's audit of requests and of the files
in one folder. A child that is not to die counts them.
"""

import contextlib
import functools
import itertools
import json
import os
import resource
import signal
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.copy import LibpqWriter
from sqlalchemy import Engine, event

KILLED = 137

WRITING = frozenset({"request", "write", "piece", "commit", "file"})
"""Between two of these a process changes nothing outside of itself: to die earlier is the same."""

ALL = WRITING | {"read"}

_READS = ("select", "pragma", "begin")
_FILE_EVENTS = ("os.mkdir", "os.rename", "os.remove", "os.chmod", "os.truncate", "sqlite3.connect")
_COPIES = (
    (psycopg.Cursor, "copy", "write"),
    (LibpqWriter, "write", "piece"),
    (LibpqWriter, "finish", "piece"),
)
"""What sends rows past SQLAlchemy: the statement, then each piece of them, then that it was all."""
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended: its code (negative: a signal), what it told, the operations it counted."""

    code: int
    told: str
    points: Counter[str]

    @property
    def was_killed(self) -> bool:
        return self.code in (KILLED, -signal.SIGXFSZ)


def run(work: Callable[[], object], arm: Callable[[], Counter[str]]) -> End:
    """Do `work` in a child, armed; what it returns is told as text."""
    ours, theirs = os.pipe()
    with warnings.catch_warnings():
        # Newer Pythons warn of threads: the simulator's and xdist's own hold no lock of ours.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(ours)
        _live(work, arm, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    text, points = json.loads(told) if told else ("", {})
    return End(os.waitstatus_to_exitcode(status), text, Counter(points))


def _live(work: Callable[[], object], arm: Callable[[], Counter[str]], pipe: int) -> None:
    code, told, points = 1, "", Counter()
    try:
        points = arm()
        told = str(work())
        code = 0
    except BaseException:
        told = traceback.format_exc()
    finally:
        with contextlib.suppress(OSError):
            os.write(pipe, json.dumps([told[-20_000:], points]).encode())
        os._exit(code)


def counting(folder: Path) -> Callable[[], Counter[str]]:
    """Arm a child to count its operations."""
    return lambda: _watch(folder, lambda kind: None)


def dying_at(n: int, folder: Path, kinds: frozenset[str] = ALL) -> Callable[[], Counter[str]]:
    """Arm a child to die just before its `n`th operation of `kinds`."""
    number = itertools.count(1)

    def reach(kind: str) -> None:
        if kind in kinds and next(number) == n:
            os._exit(KILLED)

    return lambda: _watch(folder, reach)


def dying_at_byte(size: int) -> Callable[[], Counter[str]]:
    """Arm a child to be killed by the system in the write that would make a file larger."""

    def arm() -> Counter[str]:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        return with_files_up_to(size)()

    return arm


def with_files_up_to(size: int) -> Callable[[], Counter[str]]:
    """Arm a child to be refused a write that would make a file larger, as by a full disk."""

    def arm() -> Counter[str]:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
        return Counter()

    return arm


def _watch(folder: Path, reach: Callable[[str], None]) -> Counter[str]:
    points: Counter[str] = Counter()

    def passed(kind: str) -> None:
        points[kind] += 1
        reach(kind)

    def statement(*given: object) -> None:
        passed("read" if str(given[2]).lstrip().lower().startswith(_READS) else "write")

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", lambda _: passed("commit"))
    for owner, name, kind in _COPIES:
        setattr(owner, name, _seen(getattr(owner, name), kind, passed))

    def audit(name: str, given: tuple[object, ...]) -> None:
        if name == "http.client.send":
            if bytes(given[1])[:5] in (b"GET /", b"POST ", b"DELET"):  # not the body
                passed("request")
        elif (name == "open" and int(given[2]) & _TO_WRITE) or name in _FILE_EVENTS:
            path = given[0].removeprefix("file:") if isinstance(given[0], str) else ""
            if path.startswith(str(folder)):
                passed("file")

    sys.addaudithook(audit)
    return points


def _seen(doing: Callable[..., object], kind: str, passed: Callable[[str], None]) -> object:
    @functools.wraps(doing)
    def seen(*given: object, **named: object) -> object:
        passed(kind)
        return doing(*given, **named)

    return seen

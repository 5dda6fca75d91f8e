"""Look into every file that is in a folder at any time, also those that are gone at the end.

Looked at is what changed: at each request that the platform is asked, before Python takes a file
away, renames or shortens it, and every few milliseconds, for what libraries do by themselves. What
was seen once is kept by a second name. Files without a name are given one, where Python makes them
in this process; those of other processes are read through the process that has them open.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from itertools import count
from pathlib import Path

_TAKEN_AWAY = {"os.remove", "os.rename", "os.truncate", "shutil.rmtree"}
_EVERY_S = 0.02
_GONE = (FileNotFoundError, ProcessLookupError)
_keepers = []
_heard = []

# Whoever closes a database's file lets go of all locks that his process has on it.
_READS = """
import sys
for path in sys.stdin.buffer:
    try:
        with open(path[:-1], "rb") as file:
            told = file.read()
    except OSError:
        told = b""
    sys.stdout.buffer.write(len(told).to_bytes(8, "big") + told)
    sys.stdout.buffer.flush()
"""


class Keeper:
    """Watches a folder while it is entered; `seen` is given what a file holds, and its path.

    `temporary` is where in it temporary files are made, by this process too.
    `kept` names, for every file there was, the one in `beside` that keeps it, and its first path.
    """

    def __init__(self, folder, beside, seen, *, temporary):
        self.folder = folder
        self.temporary = temporary
        self.beside = beside
        self.kept = {}
        self.processes = {os.getpid()}
        self._seen = seen
        self._states = {}
        self._numbers = count()
        self._alone = threading.RLock()
        self._looking = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._flaw = None

    def __enter__(self):
        if not _heard:  # whoever began to listen cannot stop
            _heard.append(sys.addaudithook(_audit))
        self._reader = subprocess.Popen(
            [sys.executable, "-S", "-c", _READS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._before = tempfile.TemporaryFile, tempfile.tempdir
        tempfile.TemporaryFile, tempfile.tempdir = self._named, str(self.temporary)
        _keepers.append(self)
        self._thread.start()
        return self

    def __exit__(self, *_):
        _keepers.remove(self)
        tempfile.TemporaryFile, tempfile.tempdir = self._before
        self._over.set()
        self._thread.join()
        self.look()
        self._reader.communicate()
        if self._flaw is not None:
            raise self._flaw

    def look(self, *_):
        """Look into what changed since the last time."""
        with self._alone:
            if self._looking:  # what is done here is heard, too
                return
            self._looking = True
            try:
                for path in self._files():
                    with contextlib.suppress(*_GONE):
                        self._look_into(path)
            finally:
                self._looking = False

    def _files(self):
        for folder in (self.folder, self.beside):
            for top, _, names in os.walk(folder):
                yield from (Path(top, name) for name in names)
        for process in list(self.processes):
            with contextlib.suppress(*_GONE):
                for file in Path(f"/proc/{process}/fd").iterdir():
                    with contextlib.suppress(*_GONE):
                        target = str(file.readlink())
                        if target.startswith(f"{self.folder}/") and target.endswith(" (deleted)"):
                            yield file

    def _look_into(self, path):
        state = path.stat()
        which = (state.st_dev, state.st_ino)
        if path.is_relative_to(self.folder) and which not in self.kept:
            name = self.beside / f"{next(self._numbers)}{path.suffix}"
            os.link(path, name)
            self.kept[which] = (name, path)
        changed = (state.st_size, state.st_mtime_ns)
        if self._states.get(which) != changed:
            self._seen(self._read(path), path)
            self._states[which] = changed

    def _read(self, path):
        asked, told = self._reader.stdin, self._reader.stdout
        asked.write(os.fsencode(path) + b"\n")
        asked.flush()
        return told.read(int.from_bytes(told.read(8), "big"))

    def _named(self, mode="w+b", **_):
        return (self.beside / f"{next(self._numbers)} without a name").open(mode)

    def _watch(self):
        try:
            while not self._over.wait(_EVERY_S):
                self.look()
        except BaseException as flaw:
            self._flaw = flaw


def _audit(event, _):
    if event in _TAKEN_AWAY:
        for keeper in _keepers:
            keeper.look()

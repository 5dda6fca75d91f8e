"""Commands on a disk of one's own: one with little room, or one that is read-only.

Run as a process in a mount namespace of its own, so that the disk is nobody else's and is gone with
the process. What it is to do comes as JSON on stdin, what came of it goes out as JSON.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from craftsync.cli import main
from craftsync.store import dump, engine

FILLER = "filler"
NAMESPACE = ("unshare", "--map-root-user", "--mount")


def play(job):
    """Do each command at each size of free room, or on a disk that cannot be written."""
    disk = Path(job["disk"])
    _mount(disk, f"size={job['size']},mode=700")
    told = []
    for words in job["commands"]:
        for free in job["rooms"]:
            _clear(disk)
            for name, source in job["files"].items():
                (disk / name).write_bytes(Path(source).read_bytes())
                (disk / name).chmod(0o600)
            for name in job["folders"]:
                (disk / name).mkdir(mode=0o700)
            if free is None:
                _mount(disk, "remount,ro")
            else:
                _fill(disk, free)
            before = _content(disk)
            code, out, err = _run(words, job)
            after = _content(disk)
            if free is None:
                _mount(disk, "remount,rw")
            else:
                (disk / FILLER).unlink(missing_ok=True)
            drafts = [str(one.relative_to(disk)) for one in disk.rglob("*") if _is_draft(one)]
            again, _, said = _run(words, job) if job["again"] else (None, "", "")
            told.append(
                {
                    "words": words,
                    "free": free,
                    "code": code,
                    "out": out[-2000:],
                    "err": err[-2000:],
                    "kept": before == after,
                    "drafts": drafts,
                    "flaws": _flaws(disk / job["store"]),
                    "dump": _dump(disk / job["store"]),  # after it was done again
                    "again": again,
                    "said": said[-500:],
                }
            )
    return told


def _mount(disk, options):
    kind = () if "remount" in options else ("-t", "tmpfs")
    subprocess.run(["mount", *kind, "-o", options, "tmpfs", disk], check=True)


def _clear(disk):
    for one in disk.iterdir():
        if one.is_dir():
            shutil.rmtree(one)
        else:
            one.unlink()


def _fill(disk, free):
    left = os.statvfs(disk)
    size = max(left.f_bavail * left.f_bsize - free, 0)
    (disk / FILLER).write_bytes(b"\0" * size)


def _content(disk):
    """Return what stands in the files that were there; the log of a store may come and go."""
    return {
        str(one.relative_to(disk)): one.read_bytes()
        for one in sorted(disk.rglob("*"))
        if one.is_file() and one.name.endswith((".json", ".db"))
    }


def _is_draft(one):
    """Tell what should be there for a while alone; the temporary folder is this disk, too."""
    return one.name.startswith(("tmp", "spill-")) or any(
        mark in one.name for mark in (".tmp", ".growing", ".draft")
    )


def _run(words, job):
    """Run a command in a child, as the entry point does; its code, and what it wrote."""
    streams = [Path(job["beside"]) / name for name in ("out", "err")]
    child = os.fork()
    if child == 0:
        for number, path in enumerate(streams, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.environ.clear()
        os.environ.update(job["environ"])
        os.chdir(job["beside"])
        sys.argv = ["craftsync", *words]
        code = 1
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), *(path.read_text() for path in streams)


def _flaws(store):
    with closing(sqlite3.connect(store)) as connection:
        return [
            f"{pragma}: {row}"
            for pragma in ("integrity_check", "foreign_key_check")
            for row in connection.execute(f"pragma {pragma}")
            if row != ("ok",)
        ]


def _dump(store):
    opened = engine.reader(engine.address(store))
    with opened.connect() as connection:
        sha256 = dump.canonical_sha256(connection)
    opened.dispose()
    return sha256


if __name__ == "__main__":
    json.dump(play(json.load(sys.stdin)), sys.stdout)

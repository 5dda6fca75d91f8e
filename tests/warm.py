"""Say a command of ours in a process of its own that need not load what it runs.

Each is forked from one that has loaded everything: half a second less for every command. What is
about starting itself (the interpreter's settings, lazy imports, signals) has to start one plainly.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LOADED = [
    *("craftsync.cli", "craftsync.cli.sync", "craftsync.cli.report", "craftsync.cli.purge"),
    *("craftsync.query.duck", "craftsync.query.replica", "craftsync.store.schema"),
    *("alembic.command", "craftsync.report.html", "craftsync.report.build"),
]
LONGEST_S = 120
OF_THE_START = ("LANG", "LC_", "PYTHONU", "PYTHONI", "PYTHONC", "PYTHONH", "TZ")
"""What of the environment is looked at when the interpreter starts."""

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(LOADED)


def craftsync(made, *words, stdin="", **environ):
    """Run craftsync to its end with the settings of a lab, and no others but those named."""
    return run(words, env={**made.environ, **environ}, cwd=made.folder, stdin=stdin)


def run(words, *, env, cwd, stdin=""):
    """Run craftsync to its end; what it said stands in the process that is returned."""
    assert not [name for name in env if name.startswith(OF_THE_START)], "start it plainly"
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("in", "out", "err")]
        streams[0].write_text(stdin)
        told = (list(map(str, words)), {"PATH": os.environ["PATH"], **env}, cwd, streams)
        process = _FORKING.Process(target=_craftsync, args=told)
        process.start()
        process.join(LONGEST_S)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"craftsync {words} took longer than {LONGEST_S} s")
        out, err = (stream.read_text() for stream in streams[1:])
    return subprocess.CompletedProcess(words, process.exitcode, out, err)


def _craftsync(words, env, cwd, streams):
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for number, stream in enumerate(streams):
        how = os.O_WRONLY | os.O_CREAT | os.O_APPEND if number else os.O_RDONLY
        os.dup2(os.open(stream, how), number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    sys.argv = ["craftsync", *words]

    from craftsync.cli import main

    main()

"""craftsync as cron starts it: a process of its own, with an environment of what it needs."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
CRAFTSYNC = (sys.executable, "-m", "craftsync")
LONG_S = 120


def environment(lab, **more):
    """Return what `env -i` leaves, and the few variables that a crontab sets: no HOME, no PATH."""
    kept = {name: value for name, value in lab.environ.items() if name != "HOME"}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def start(lab, *words, environ=None, **how):
    """Start a command without a terminal; its streams are pipes unless told otherwise."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [*CRAFTSYNC, *words],
        env=environment(lab) if environ is None else environ,
        start_new_session=True,
        **{"cwd": "/", **streams, **how},
    )


def run(lab, *words, **how):
    """Run a command to its end; its code, and what it wrote, as text."""
    with start(lab, *words, **how) as process:
        out, err = process.communicate(timeout=LONG_S)
    return subprocess.CompletedProcess(words, process.returncode, _text(out), _text(err))


def shell(lab, line, *, environ=None, **how):
    """Run a line of shell in which $SYNC is `craftsync sync`."""
    command = " ".join([*CRAFTSYNC, "sync"])
    return subprocess.run(
        ["/bin/bash", "-c", f"SYNC='{command}'; {line}"],
        env={**(environment(lab) if environ is None else environ), "PATH": os.defpath},
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        timeout=LONG_S,
        **{"cwd": "/", **how},
    )


@contextmanager
def struck(lab, process, *, request, number=signal.SIGKILL):
    """Send a process a signal when its `request`th request has come, before it is answered."""
    count = 0

    def strike(_):
        nonlocal count
        count += 1
        if count == request:
            os.kill(process.pid, number)

    lab.world.requests.watch(strike)
    try:
        yield
    finally:
        lab.world.requests.watchers.remove(strike)


def _text(bytes_):
    return "" if bytes_ is None else bytes_.decode()

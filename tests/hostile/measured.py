"""craftsync as a process whose memory and time are measured."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# A process of little memory between this one and craftsync: what a child is measured by begins
# with what its parent had.
BETWEEN = """
import json, os, sys
child = os.fork()
if child == 0:
    os.execv(sys.executable, [sys.executable, "-m", "craftsync", *sys.argv[2:]])
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w") as told:
    json.dump([os.waitstatus_to_exitcode(status), used.ru_maxrss], told)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """How a process ended, what it wrote, and what it took."""

    code: int
    out: str
    err: str
    memory_mb: float
    seconds: float


def run(lab, *words, timeout_s=300, **environ):
    """Run a command with this lab's settings, and measure it."""
    told = lab.folder / "measured.json"
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-S", "-c", BETWEEN, told, *words],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **lab.environ,
            **environ,
        },
        cwd=lab.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    took = time.monotonic() - began
    code, kib = json.loads(told.read_text())
    told.unlink()
    return Run(code, out, err, kib / 1024, took)

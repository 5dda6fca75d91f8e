"""Say a command of ours in a process of its own."""

import os
import subprocess
import sys

PATHS = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}


def craftsync(made, *words, stdin="", **environ):
    return subprocess.run(
        [sys.executable, "-m", "craftsync", *words],
        env={**PATHS, **made.environ, **environ},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=made.folder,
    )

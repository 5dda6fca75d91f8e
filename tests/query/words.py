"""Say a command of ours in a process of its own."""

import os
import subprocess
import sys


def craftsync(made, *words, stdin="", **environ):
    return subprocess.run(
        [sys.executable, "-m", "craftsync", *words],
        env={"PATH": os.environ["PATH"], **made.environ, **environ},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=made.folder,
    )

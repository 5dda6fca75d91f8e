"""How long a report takes, and how much memory, over a made history: whole processes.

    python benchmarks/report.py [EXECUTIONS [STORE]]

Without a store that has them one is made (history.py). Goals: 1,000,000 executions under 5 s and
1 GB, 10,000 under 1 s with a fresh replica.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import history

WEEK = ("--since", "2025-01-01", "--until", "2025-01-08")
YEAR = ("--since", "2025-01-01", "--until", "2026-01-01")


def measure(store: Path, *words: str) -> tuple[float, int]:
    """Run a report in a process of its own; returns seconds, and the bytes that it wrote."""
    root = str(Path(__file__).parents[1])
    environ = {**os.environ, "CRAFTSYNC_STORE": str(store), "PYTHONPATH": root}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "craftsync", "report", "-q", *words],
        env=environ, check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    return time.monotonic() - began, len(done.stdout)


def main() -> None:
    """Print a line a form of the report."""
    executions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        store = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "history.db"
        if not store.exists():
            history.make(store, executions)
        seconds, _ = measure(store, *WEEK)
        print(f"the first, the replica with it   {seconds:6.2f} s")
        for name, words in (
            ("a week, text", WEEK),
            ("all, text", YEAR),
            ("all, JSON", (*YEAR, "--json")),
            ("all, a page", (*YEAR, "--html", "-")),
        ):
            seconds, size = measure(store, *words)
            print(f"{name:32} {seconds:6.2f} s   {size / 1000:8,.0f} kB")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"peak memory of the largest       {peak:6,.0f} MB")


if __name__ == "__main__":
    main()

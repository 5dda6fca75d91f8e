"""How long an export to Parquet takes, how much memory, and what a few more executions cost after.

    python benchmarks/export.py [EXECUTIONS [STORE]]

Whole processes over a made history (history.py); without a store that has them one is made, and
one that is given grows by 1,000. Goals: 1,000,000 executions under 60 s and 1 GB, 1,000 new ones
in 5 s. On a busy machine read the CPU seconds.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import history

NEW = 1_000


def told(what: str, store: Path, *words: str, lake: Path | None = None) -> None:
    """Run craftsync in a process of its own; print what it took, and how fast `lake` was filled."""
    root = str(Path(__file__).parents[1])
    environ = {**os.environ, "CRAFTSYNC_STORE": str(store), "PYTHONPATH": root}
    before, began = files(lake), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "craftsync", *words], env=environ, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    after = files(lake)
    written = [path for path in after if after[path] != before.get(path)]
    size = sum(path.stat().st_size for path in written) / 1e6
    cpu = usage.ru_utime + usage.ru_stime
    print(
        f"{what:<36}{seconds:>7.1f} s{cpu:>7.1f} s{usage.ru_maxrss / 1024:>7,.0f} MB"
        f"{len(written):>7}{size:>9.1f} MB{size / seconds:>7.1f} MB/s",
        flush=True,
    )


def files(lake: Path | None) -> dict[Path, int]:
    """Tell when each file of a lake was written."""
    found = lake.rglob("*.parquet") if lake else ()
    return {path: path.stat().st_mtime_ns for path in found}


def main() -> None:
    """Print a line a step."""
    executions = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        store = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "history.db"
        lake = Path(folder) / "lake"
        if not store.exists():
            history.make(store, executions)
        with closing(sqlite3.connect(store)) as held:
            (executions,) = held.execute("select count(*) from execution").fetchone()
        shutil.rmtree(store.with_suffix(".replica"), ignore_errors=True)
        load = os.getloadavg()[0]
        print(f"{executions:,} executions on {os.cpu_count()} cores, with a load of {load:.1f}")
        print(f"{'':<36}{'seconds':>9}{'CPU':>9}{'memory':>10}{'files':>7}{'written':>12}")
        told("the first question: a replica", store, "sql", "select 1")
        told("a first export", store, "export", "parquet", str(lake), lake=lake)
        since_last = ("export", "parquet", str(lake), "--since-last")
        told("nothing new", store, *since_last, lake=lake)
        history.make(store, executions + NEW)
        told(f"{NEW:,} new ones, replica and files", store, *since_last, lake=lake)
        print(f"with a load of {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()

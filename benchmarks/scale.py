"""What a first sync costs upstream and here at two sizes, and by a straight line at ten million.

    python benchmarks/scale.py [FEW MANY] [--lines 40]

Each size is mirrored twice, with so many log lines an execution and with a quarter of them: so the
bytes of a line are told from those of an execution. The simulator answers without latency, from
bodies rendered beforehand; CPU seconds tell what was done, the wall clock how busy the machine is.

The line goes through both sizes and says: each of ten million costs what one more of these did.
That holds for requests and bytes. It leaves out that the trees of a store grow deeper, which is
little, and whatever a platform does to who asks it so often.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sync import platform

AT = 10_000_000
LATENCY_S, WORKERS = 0.020, 32


@dataclass(frozen=True, slots=True)
class Cost:
    """What one first sync cost."""

    executions: int
    lines: int
    requests: float
    received: float
    stored: float
    cpu_s: float
    wall_s: float
    peak: float


def mirrored(executions: int, lines: int, folder: Path) -> Cost:
    """Mirror so many executions into a fresh store, in a process of its own."""
    store = folder / f"{executions}-{lines}.db"
    root = str(Path(__file__).parents[1])
    with platform(executions, 0, lines) as (address, token):
        environ = {
            **os.environ,
            "PYTHONPATH": root,
            "CRAFT_AI_SDK_TOKEN": token,
            "CRAFT_AI_ENVIRONMENT_URL": address,
            "CRAFT_AI_CONTROL_URL": address,
            "CRAFTSYNC_STORE": str(store),
        }
        words = [sys.executable, "-m", "craftsync", "sync", "--json"]
        said = folder / "said.json"
        with said.open("wb") as out:
            began = time.monotonic()
            process = subprocess.Popen(words, env=environ, stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, said.read_text()
    (outcome,) = json.loads(said.read_text())["environments"]
    assert outcome["fetched"] == executions, outcome
    return Cost(
        executions,
        lines,
        outcome["requests"],
        outcome["bytes_received"],
        sum(file.stat().st_size for file in folder.glob(f"{store.name}*")),
        usage.ru_utime + usage.ru_stime,
        wall_s,
        usage.ru_maxrss * 1024,
    )


def straight(name: str, few: Cost, many: Cost) -> tuple[float, float]:
    """Return the cost of one more execution, and of ten million, on the line through both sizes."""
    before, after = getattr(few, name), getattr(many, name)
    each = (after - before) / (many.executions - few.executions)
    return each, before + each * (AT - few.executions)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=[5_000, 20_000])
    parser.add_argument("--lines", type=int, default=40)
    asked = parser.parse_args()
    (few, many), lines = asked.sizes, asked.lines
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        load = os.getloadavg()[0]
        small, large = (mirrored(executions, lines, folder) for executions in (few, many))
        less, least = (mirrored(executions, lines // 4, folder) for executions in (many, few))
    print(f"{os.cpu_count()} cores, a load of {load:.1f} before and {os.getloadavg()[0]:.1f} after")
    print(f"{lines} log lines an execution{few:>15,}{many:>12,}{'each more':>14}{AT:>14,}")
    for name, what, unit, per in (
        ("requests", "requests", "", 1),
        ("received", "received", "MB", 1e6),
        ("stored", "the store", "MB", 1e6),
        ("cpu_s", "CPU", "s", 1),
        ("wall_s", "wall clock, no latency", "s", 1),
    ):
        each, there = straight(name, small, large)
        shown = {"": f"{each:.3f}", "MB": f"{each:,.0f} B", "s": f"{each * 1000:.2f} ms"}[unit]
        print(
            f"{what:<26}{getattr(small, name) / per:>12,.1f}{getattr(large, name) / per:>12,.1f}"
            f"{shown:>14}{there / per:>14,.0f} {unit}"
        )
    # A small history gets its replica at once, which takes more than mirroring it.
    print(f"{'memory at the peak':<26}{small.peak / 1e6:>12,.1f}{large.peak / 1e6:>12,.1f} MB")
    for name in ("received", "stored"):
        full, _ = straight(name, small, large)
        quarter, _ = straight(name, least, less)
        line = (full - quarter) / (lines - lines // 4)
        print(f"{name}: {line:.0f} B a log line, {full - line * lines:,.0f} B an execution beside")
    _, requests = straight("requests", small, large)
    hours = requests * LATENCY_S / WORKERS / 3600
    print(f"{requests:,.0f} requests of 20 ms from {WORKERS} workers: {hours:.1f} h at the least")


if __name__ == "__main__":
    main()

"""What a start costs: CPU seconds of whole processes, and how many times Python's own start."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 5


def cpu_s(*command: str, **environ: str) -> float:
    """Return the CPU seconds, user and system, of one run of `command`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main() -> None:
    """Print the median of a few rounds, interleaved, for each command."""
    craftsync = str(Path(sys.executable).with_name("craftsync"))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [craftsync, "demo", "--keep", folder],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        store = str(next(Path(folder).glob("*.db")))
        commands = {
            "python -c pass": (sys.executable, "-c", "pass"),
            "craftsync --help": (craftsync, "--help"),
            "craftsync status": (craftsync, "status"),
        }
        figures: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                figures[name].append(cpu_s(*command, CRAFTSYNC_STORE=store))
    base = statistics.median(figures["python -c pass"])
    print(f"{'CPU of a whole process':<24}{'s':>8}{'x python':>10}")
    for name, seconds in figures.items():
        median = statistics.median(seconds)
        print(f"{name:<24}{median:>8.3f}{median / base:>10.1f}")


if __name__ == "__main__":
    main()

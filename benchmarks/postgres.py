"""How fast a first sync into PostgreSQL is beside one into SQLite, in one run, in turns.

The platform answers after 20 ms to 32 workers; the server is one of its own on this machine, which
waits for the disk as it would anywhere.

    python benchmarks/postgres.py [--executions 1500] [--rounds 3]
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from sync import app_of, mirror, platform

from craftsync import settings
from craftsync.app import App

sys.path.append(str(Path(__file__).parents[1] / "tests" / "postgres"))
from server import Postgres, running

LATENCY_MS, WORKERS = 20, 32


def into(app: App, store: str) -> App:
    """Return the same app over another store."""
    environ = {**app.environ, "CRAFTSYNC_STORE": store}
    return App(settings.load(environ=environ, cwd=Path.cwd()), environ)


def compare(
    executions: int, rounds: int, latency_ms: float, workers: int, server: Postgres
) -> None:
    """Print one table."""
    rates: dict[str, list[float]] = {"SQLite": [], "PostgreSQL": []}
    with (
        platform(executions, latency_ms) as (address, token),
        tempfile.TemporaryDirectory() as made,
    ):
        for _ in range(rounds):
            app = app_of(address, token, Path(made), workers)
            rates["SQLite"].append(executions / mirror(app))
            there = into(app, server.address(server.create()))
            rates["PostgreSQL"].append(executions / mirror(there))
    print(f"\n{executions:,} executions, {latency_ms:g} ms, {workers} workers, {rounds} rounds")
    print(f"{'':<14}{'executions/s':>13}{'of SQLite':>12}")
    base = median(rates["SQLite"])
    for what, found in rates.items():
        print(f"{what:<14}{median(found):>13,.0f}{median(found) / base:>12.2f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with running(haste=False) as server:
        compare(asked.executions, asked.rounds, LATENCY_MS, WORKERS, server)
        compare(asked.executions, asked.rounds, 0, 8, server)


if __name__ == "__main__":
    main()

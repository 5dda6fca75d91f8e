"""How fast a plan is applied, beside what its own requests allow.

One execution is a GET of its detail, a POST for its log, a DELETE, and a GET that has to answer
404. The simulator runs in a process of its own. Read the ratio, not the executions a second.

    python benchmarks/purge.py [--executions 1000] [--latency-ms 20] [--workers 16]
"""

import argparse
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sync import app_of, mirror, platform

from craftsync.app import App
from craftsync.purge.plan import Plan
from craftsync.purge.policy import Criteria

REQUESTS_EACH = 4
FREE = {
    "CRAFTSYNC_PURGE_ENABLED": "true",
    "CRAFTSYNC_PURGE_MAX_DELETES": "1000000",
    "CRAFTSYNC_PURGE_MAX_SHARE": "1",
    "CRAFTSYNC_PURGE_KEEP_LAST": "1",
}


def planned(app: App) -> Plan:
    """Plan to delete all but the last one."""
    with app.reading() as conn:
        maker = app.planning(conn, app.environment_held(conn, None))
        plan, _ = maker.by_age(Criteria(timedelta(days=1)))
    return plan


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=1000)
    parser.add_argument("--latency-ms", type=float, default=20)
    parser.add_argument("--workers", type=int, default=16)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        platform(asked.executions, asked.latency_ms) as (address, token),
    ):
        app = app_of(address, token, Path(folder), asked.workers, **FREE)
        mirror(app)
        began = time.perf_counter()
        plan = planned(app)
        planning = time.perf_counter() - began
        began = time.perf_counter()
        report = app.erase(plan, listener=lambda _: None)
        seconds = time.perf_counter() - began
    assert report.exit_code == 0, report
    count = len(report.results)
    bound = count * REQUESTS_EACH * asked.latency_ms / 1000 / asked.workers
    print(f"{count:,} executions, {asked.latency_ms:g} ms, {asked.workers} workers")
    print(f"plan                       {planning:8.2f} s")
    print(f"apply                      {seconds:8.2f} s {count / seconds:8.0f} executions/s")
    print(f"its requests alone         {bound:8.2f} s {count / bound:8.0f} executions/s")
    print(f"apply / its requests alone {bound / seconds:8.2f}")


if __name__ == "__main__":
    main()

"""Questions over a long history: the replica against native tables and against SQLite itself.

    python benchmarks/query.py [--executions 1000000] [--lines 1] [--folder /tmp/history]

Prints ratios measured in one run, medians of interleaved rounds. The native tables are what one
would make by hand in DuckDB, out of the same rows. With `--lines 10` the search is over ten million
lines when there are a million executions.
"""

import argparse
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import history

from craftsync.app.asking import Asking
from craftsync.query.duck import Session
from craftsync.settings import load
from craftsync.store import relations

# Ten questions that SQLite can answer, too: no percentiles, instants cut as text.
QUESTIONS = {
    "failures by day": (
        "select {day} as d, count(*), sum(case when status = 'Failed' then 1 else 0 end)"
        " from executions group by 1 order by 1"
    ),
    "failures by pipeline": (
        "select pipeline_name, count(*), sum(case when status = 'Failed' then 1 else 0 end)"
        " from executions group by 1 order by 1"
    ),
    "durations by pipeline": (
        "select pipeline_name, avg(run_s), min(run_s), max(run_s) from executions group by 1"
        " order by 1"
    ),
    "queue by deployment": (
        "select deployment_name, avg(queue_s), max(queue_s) from executions group by 1 order by 1"
    ),
    "last run of each deployment": (
        "select deployment_name, max(created_at) from executions group by 1 order by 1"
    ),
    "failures by commit": (
        "select pipeline_name, commit_id, count(*) from executions where status = 'Failed'"
        " group by 1, 2 order by 3 desc, 1, 2 limit 20"
    ),
    "slow steps": ("select step_name, avg(run_s), max(run_s) from steps group by 1 order by 1"),
    "an output's spread": (
        "select name, count(*), avg(value_number), min(value_number), max(value_number)"
        " from outputs where value_number is not null group by 1 order by 1"
    ),
    "an input's values": (
        "select value_text, count(*) from inputs where name = 'model' group by 1 order by 1"
    ),
    "outputs of failed runs": (
        "select o.name, o.value_text, count(*) from outputs o join executions e"
        " on e.environment = o.environment and e.execution_id = o.execution_id"
        " and e.created_at = o.execution_created_at"
        " where e.status = 'Failed' and o.name = 'label' group by 1, 2 order by 1, 2"
    ),
}
DAY = {"duckdb": "created_at::date", "sqlite": "substr(created_at, 1, 10)"}


def main() -> None:
    """Make the history, ask, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=1, help="log lines an execution")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the history here. Default: nowhere")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = chosen.folder or Path(spare)
        folder.mkdir(parents=True, exist_ok=True)
        store = folder / f"history-{chosen.executions}-{chosen.lines}.db"
        history.make(store, chosen.executions, lines=chosen.lines)
        measure(store, chosen.rounds)


def measure(store: Path, rounds: int) -> None:
    """Measure one store."""
    environ = {**os.environ, "CRAFTSYNC_STORE": str(store)}
    asking = Asking(load(environ=environ, cwd=store.parent), environ)
    shutil.rmtree(asking.replica().folder, ignore_errors=True)
    took = timed(asking.replica().follow, datetime.now(UTC))
    size = asking.replica().follow(datetime.now(UTC)).file.stat().st_size
    held = count(store)
    print(f"full build        {took:6.1f} s   {held:,} executions, {size / 1e6:,.0f} MB"
          f"   (goal 40 s for 1,000,000)")  # fmt: skip
    with asking.asking() as session:
        ask(session, native(store), store, rounds)
        search(session, held)
    history.make(store, held + 1000, seed=2)
    took = timed(asking.replica().follow, datetime.now(UTC))
    print(f"refresh by 1,000  {took:6.2f} s   (goal 0.5 s)")
    command = [sys.executable, "-m", "craftsync", "query", "failure_rate", "-p", "since=2025-12-01",
               "-p", "until=2026-01-01", "-o", os.devnull]  # fmt: skip
    began = time.perf_counter()
    done = subprocess.run(command, env=environ, check=False)
    took = time.perf_counter() - began
    print(f"query, process    {took:6.2f} s   (goal 1 s; exit code {done.returncode})")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory       {peak:6.0f} MB  of this process, DuckDB held to 1 GB")


def ask(session: Session, tables: duckdb.DuckDBPyConnection, store: Path, rounds: int) -> None:
    """Ask all questions of all three, in turn, and print the medians."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as direct:
        engines: dict[str, Callable[[str], object]] = {
            "replica": lambda sql: session.connection.execute(sql).fetchall(),
            "native": lambda sql: tables.execute(sql).fetchall(),
            "sqlite": lambda sql: direct.execute(sql).fetchall(),
        }
        total = dict.fromkeys(engines, 0.0)
        for name, question in QUESTIONS.items():
            took: dict[str, list[float]] = {engine: [] for engine in engines}
            for number in range(rounds):
                for engine, run in engines.items():
                    if engine == "sqlite" and number:
                        continue  # seconds each
                    sql = question.format(day=DAY["sqlite" if engine == "sqlite" else "duckdb"])
                    took[engine].append(timed(run, sql))
            for engine in engines:
                total[engine] += statistics.median(took[engine])
            shown = "   ".join(
                f"{e} {statistics.median(t) * 1000:8.1f} ms" for e, t in took.items()
            )
            print(f"{name:28} {shown}")
    print(f"{'ten questions':28} replica / native {total['replica'] / total['native']:.2f}"
          f" (goal 1.3)   sqlite / replica {total['sqlite'] / total['replica']:.1f} (goal 8)"
          f"   in {total['replica']:.2f} s")  # fmt: skip


def native(store: Path) -> duckdb.DuckDBPyConnection:
    """Make by hand what one would: tables of the public columns, and nothing else."""
    file = store.with_suffix(".native.duckdb")
    file.unlink(missing_ok=True)
    replica = next(store.with_suffix(".replica").glob("r-*.duckdb"))
    made = duckdb.connect(file)
    made.execute("set enable_progress_bar = false")
    made.execute(f"attach '{replica}' as replica (read_only)")
    for relation in relations.PUBLIC:
        if relation.carrier:
            columns = ", ".join(f'"{name}"' for name in relation.columns)
            made.execute(f"create table {relation.name} as select {columns}"
                         f" from replica.{relation.name}")  # fmt: skip
    made.execute("detach replica")
    made.execute("checkpoint")
    return made


def search(session: Session, held: int) -> None:
    """Look for rare and for common text in all lines."""
    (lines,) = session.connection.execute("select count(*) from logs").fetchone() or (0,)
    for text in (f"run {held // 2}:", "ValueError"):
        took = timed(
            lambda sql, text=text: session.connection.execute(sql, [text]).fetchall(),
            "select count(*) from logs where contains(message, $1)",
        )
        print(
            f"search {text!r:18} {took * 1000:6.0f} ms   {lines:,} lines (goal 1 s for 10,000,000)"
        )


def count(store: Path) -> int:
    """Count the executions of a store."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as direct:
        (found,) = direct.execute("select count(*) from execution").fetchone()
    return int(found)


def timed(work: Callable[..., object], *given: object) -> float:
    """Return the seconds that it took."""
    began = time.perf_counter()
    work(*given)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

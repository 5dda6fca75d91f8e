"""Make a store with a long history, straight in SQL: what the benchmarks of questions ask.

Each execution has 2 steps, 2 inputs, 2 outputs and a log line; 12 pipelines, 40 deployments. One
commit fails, one runs slower, one output moves: the questions have something to find. The same seed
gives the same history.
"""

import random
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from craftsync.store import engine, schema

START = datetime(2025, 1, 1, tzinfo=UTC)
PIPELINES, DEPLOYMENTS, BATCH = 12, 40, 20_000


def make(path: Path, executions: int, *, seed: int = 1, lines: int = 1) -> None:
    """Make a store at `path`, or add to one until it has so many executions."""
    schema.upgrade(engine.address(path))
    duck = sqlite3.connect(path, isolation_level=None)
    duck.execute("pragma synchronous=OFF")
    (held,) = duck.execute("select count(*) from execution").fetchone()
    chance = random.Random(seed + held)
    span = timedelta(days=365) / max(executions, 1_000_000)
    if not held:
        _estate(duck)
    for first in range(held, executions, BATCH):
        last = min(first + BATCH, executions)
        duck.execute("begin immediate")
        duck.execute("update environment set rev = rev + 1")
        (rev,) = duck.execute("select rev from environment").fetchone()
        duck.execute("insert into revision values (1, ?, ?)", (rev, f"{chance.getrandbits(64):x}"))
        _fill(duck, range(first, last), span, rev, chance, lines)
        duck.execute("commit")
    duck.close()


def _estate(duck: sqlite3.Connection) -> None:
    born = _text(START)
    duck.execute("begin immediate")
    duck.execute(
        "insert into environment"
        " (key, name, url, upstream_id, first_synced_at, last_synced_at, rev)"
        " values (1, 'prod', 'https://prod.example', 'u', ?, ?, 0)",
        (born, born),
    )
    for number in range(1, PIPELINES + 1):
        duck.execute(
            "insert into pipeline (key, environment_key, name, created_at, first_seen_at, rev)"
            " values (?, 1, ?, ?, ?, 0)",
            (number, f"pipeline-{number}", born, born),
        )
    for number in range(1, DEPLOYMENTS + 1):
        duck.execute(
            "insert into deployment (key, environment_key, name, created_at, pipeline_name,"
            " execution_rule, is_enabled, first_seen_at, rev) values (?, 1, ?, ?, ?, ?, 1, ?, 0)",
            (number, f"deployment-{number}", born, f"pipeline-{number % PIPELINES + 1}",
             "periodic", born),
        )  # fmt: skip
    duck.execute("commit")


def _fill(
    duck: sqlite3.Connection,
    numbers: range,
    span: timedelta,
    rev: int,
    chance: random.Random,
    lines: int,
) -> None:
    executions, steps, values, log, changes = [], [], [], [], []
    for number in numbers:
        key = number + 1
        deployment = chance.randrange(DEPLOYMENTS) + 1
        created = START + span * number
        started = created + timedelta(seconds=chance.expovariate(1 / 5))
        ended = started + timedelta(seconds=chance.lognormvariate(4, 0.5))
        commit = f"{number // 25_000:07x}{deployment % PIPELINES:02x}"
        failed = chance.random() < (0.3 if number // 25_000 % 10 == 7 else 0.04)
        status = "Failed" if failed else "Succeeded"
        at = [_text(one) for one in (created, started, ended)]
        executions.append(
            (key, f"execution-{number:07d}", at[0], f"pipeline-{deployment % PIPELINES + 1}",
             f"deployment-{deployment}", status, "someone", at[1], at[2], commit, at[2], "0" * 64,
             at[2], rev)
        )  # fmt: skip
        for position, name in enumerate(("prepare", "predict")):
            steps.append(
                (key, position, name, status, at[1], at[2], commit, "https://git.example/r")
            )
        customer, score = chance.randrange(5000), round(chance.betavariate(2, 5), 6)
        for side, position, name, kind, value in (
            ("input", 0, "customer", "integer", customer),
            ("input", 1, "model", "string", f'"model-{number % 7}"'),
            ("output", 0, "score", "number", score),
            ("output", 1, "label", "string", f'"{"high" if score > 0.5 else "low"}"'),
        ):
            text = str(value).strip('"')
            figure = None if kind == "string" else float(text)
            values.append((key, side, position, name, kind, str(value), text, figure))
        log.extend(_lines(key, number, started, lines, chance, failed=failed))
        changes.append((key, 0, status, at[2]))
    duck.executemany(
        "insert into execution (key, environment_key, execution_id, created_at, pipeline_name,"
        " deployment_name, status, created_by, started_at, end_date, commit_id, fetched_at,"
        " fetch_sha256, first_seen_at, rev, detail_state, logs_state, settled)"
        " values (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'ok', 'ok', 1)",
        executions,
    )
    duck.executemany(
        "insert into step (execution_key, position, step_name, status, start_date, end_date,"
        " commit_id, repository_url) values (?, ?, ?, ?, ?, ?, ?, ?)",
        steps,
    )
    duck.executemany(
        "insert into io_value (execution_key, side, position, name, data_type, value, value_text,"
        " value_number, is_null, state) values (?, ?, ?, ?, ?, ?, ?, ?, 0, 'ok')",
        values,
    )
    duck.executemany(
        "insert into log_line (execution_key, line_number, source, timestamp_ns, stream, message)"
        " values (?, ?, 0, ?, ?, ?)",
        log,
    )
    duck.executemany("insert into status_change values (?, ?, ?, ?)", changes)


def _lines(
    key: int, number: int, started: datetime, lines: int, chance: random.Random, *, failed: bool
) -> Iterator[tuple[object, ...]]:
    moment = int(started.timestamp()) * 1_000_000_000
    for line in range(1, lines + 1):
        message = f"run {number}: loaded {chance.randrange(10**6)} rows from part {line}"
        stream = "stdout"
        if failed and line == lines:
            stream, message = "stderr", f"ValueError: column 'c{number % 17}' has {number} nulls"
        yield key, line, moment + line, stream, message


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), lines=int(sys.argv[3]) if len(sys.argv) > 3 else 1)

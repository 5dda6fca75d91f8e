"""A Parquet lake read by Spark: what somebody counts and sums there is what `sql` gives."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from journeys.ports import FILE, items
from journeys.test_the_mirror_is_true import JSON, VALUES
from lab import DAY, lab
from query.words import craftsync

from craftsync.simulator import Content, Response, World
from craftsync.simulator.lines import Line
from craftsync.store import relations
from craftsync.store.relation import ColumnKind

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not find_spec("pyspark"), reason="pyspark is installed by make test-all"),
    pytest.mark.skipif(not shutil.which("java"), reason="Spark needs Java 17 or newer"),
]
NAMES = ("2026", "007")  # which a reader may take for numbers
MESSAGE = "a\x00b tab\tback\\slash \\N é😀\r\n"
NOW = datetime(2026, 5, 10, tzinfo=UTC)


def odd_world():
    """Everything of every kind, over five months, and what is hard to write down."""
    world = World(seed=3, executions=80, now=NOW)
    world.add_pipeline("p/é x", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    for number, (sent, *_) in enumerate(VALUES):
        name = f"odd-{number}"
        world.add_execution(
            "p/é x",
            execution_id=name,
            created_at=datetime(2026, 1 + number % 4, 28, 23, 59, 59, 999000, tzinfo=UTC),
            inputs=items("input", {"x": "HERE"}),
            lines=[Line(1_700_000_000_123_456_789 + number, MESSAGE)],
        )
        detail = world.truth().execution(name).detail
        body = json.dumps(detail).replace('"HERE"', sent).encode()
        world.override("GET", f"/executions/{name}", Response(200, JSON, body))
    world.add_execution("p/é x", execution_id="filed", outputs=items("output", {"f": FILE}))
    world.set_value(
        "filed", "outputs", "f", Content("application/octet-stream", bytes(range(256)) * 100)
    )
    world.add_execution("p/é x", execution_id="off", end_date="2026-05-09T10:00:00+05:30")
    return world


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lab of two environments, mirrored twice while something went away, and exported."""
    world = odd_world()
    with lab(tmp_path_factory.mktemp("spark"), world) as made:
        for name in ("CRAFT_AI_SDK_TOKEN", "CRAFT_AI_ENVIRONMENT_URL", "CRAFT_AI_CONTROL_URL"):
            made.environ.pop(name)
        made.environ["TOKEN"] = world.sdk_token
        tables = [
            f'[environments."{name}"]\nurl = "{made.server.url}"\n'
            f'control_url = "{made.server.url}"\ntoken_env = "TOKEN"\n'
            for name in NAMES
        ]
        config = made.folder / "craftsync.toml"
        config.write_text("".join(tables))
        config.chmod(0o600)
        said(made, "sync", "--all-envs")
        world.recreate_deployment(made.column("select deployment_name from deployments")[0])
        world.delete_execution("odd-0")
        world.advance(DAY)
        said(made, "sync", "--all-envs")
        made.lake = made.folder / "lake"
        said(made, "export", "parquet", str(made.lake))
        yield made


def said(made, *words):
    done = craftsync(made, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def by_spark(lake):
    """What Spark counts and sums, a dict a relation."""
    reader = Path(__file__).with_name("spark_reader.py")
    environ = {"PATH": os.environ["PATH"], "HOME": str(lake.folder), "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, reader, lake.lake, *relations.BY_NAME],
        env=environ, cwd=lake.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def figures(column, kind):
    """Ask for the figures of a column as `told` of spark_reader.py names them."""
    match kind:
        case ColumnKind.INSTANT:
            yield from (("least", f"epoch_us(min({column}))"), ("most", f"epoch_us(max({column}))"))
        case ColumnKind.BOOLEAN:
            yield "sum", f"sum({column}::integer)"
        case ColumnKind.TEXT | ColumnKind.JSON:
            yield "distinct", f"count(distinct {column})"
            yield "sum", f"sum(length({column}))"
            yield from (("least", f"min(md5({column}))"), ("most", f"max(md5({column}))"))
        case _:
            yield "sum", f"sum({column})"
            yield from (("least", f"min({column})"), ("most", f"max({column})"))


def by_sql(made, relation):
    """Ask `craftsync sql` for the same figures."""
    wanted = ["count(*) as rows"]
    for name, kind in relation.columns.items():
        wanted.append(f'count("{name}") as "{name} held"')
        wanted += [f'{sql} as "{name} {what}"' for what, sql in figures(f'"{name}"', kind)]
    told = said(made, "sql", f'select {", ".join(wanted)} from "{relation.name}"', "--json")
    return json.loads(told)[0]


def test_spark_counts_and_sums_what_sql_gives(lake, by_spark):
    for relation in relations.PUBLIC:
        expected, found = by_sql(lake, relation), by_spark.get(relation.name)
        if found is None:
            assert expected["rows"] == 0, relation.name
            continue
        assert {name.rpartition(" ")[0] for name in found} == {"", "month", *relation.columns}
        for what, value in expected.items():
            same = pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            assert (relation.name, what, found[what]) == (relation.name, what, same)
    # And there was something to read.
    assert by_spark["executions"]["environment distinct"] == len(NAMES)
    assert by_spark["executions"]["month distinct"] > 4
    assert by_spark["executions"]["gone_at held"] > 0
    assert by_spark["executions"]["run_s sum"] > 0
    assert by_spark["inputs"]["value_number most"] == 1e30
    assert by_spark["outputs"]["file_sha256 held"] > 0
    assert by_spark.keys() >= {
        "environments", "pipelines", "deployments", "executions", "status_changes", "steps",
        "inputs", "outputs", "logs", "parts", "sync_runs",
    }  # fmt: skip

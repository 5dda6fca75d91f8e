"""Secrets planted in all that a user mirrors are nowhere in what the tool writes or says.

Every file is looked into while a command works, too: one that is gone at the end is no secret kept.
Beside each canary stands a marker that is no secret: where a canary would be, the marker is found,
so that a search that looks at nothing fails.
"""

import base64
import contextlib
import os
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow.parquet
import pytest
from cases.keeping import Keeper
from click.testing import CliRunner
from journeys.erasing import allow, now
from lab import DAY, HOUR
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.simulator import Line, Port, World

SDK_TOKEN = "sdk-CANARY-4f1d2c9ab7-refresh"
ENDPOINT_TOKEN = "ept-CANARY-77c0de5512"
VARIABLE = "postgres://app:CANARY-0a9b8c7d6e@db"
REPOSITORY = "ghp-CANARY-5d4c3b2a19"
PRINTED = "tok_CANARY_e1f2a3b4c5"  # by user code; only the user's own pattern knows it
MARKER = "marker-of-no-secret"
SAID = (
    f"{MARKER}: connected to {VARIABLE} with {PRINTED}, cloned with {REPOSITORY},"
    f" signed in with {SDK_TOKEN}, called with EndpointToken {ENDPOINT_TOKEN}."
)


def an_estate():
    """Two old executions of one pipeline, that say their secrets in every way there is."""
    world = World(executions=0, pipelines=0, now=now(), sdk_token=SDK_TOKEN)
    long_ago = world.now - 100 * DAY
    ports = {"inputs": [Port("database", "string")], "outputs": [Port("told", "string")]}
    world.add_pipeline("train", **ports, created_at=long_ago - DAY)
    world.add_deployment(
        "nightly", "train", created_at=long_ago - DAY, endpoint_token=ENDPOINT_TOKEN
    )
    for number in range(2):
        began = long_ago + number * HOUR
        world.add_execution(
            "train",
            execution_id=f"t{number}",
            created_at=began,
            deployment="nightly",
            lines=lines(began),
        )
        steps = world.truth().execution(f"t{number}").detail["steps"]
        url = f"https://deploy:{REPOSITORY}@git.example/team/train.git"
        world.mutate_execution(
            f"t{number}",
            steps=[step | {"repository_url": url} for step in steps],
            inputs=[
                {
                    "pipeline_input_name": "database",
                    "data_type": "string",
                    "mapping_type": "environment_variable",
                    "mapping_value": {"environment_variable_name": "DATABASE"},
                    "value": VARIABLE,
                }
            ],
            outputs=[
                {
                    "pipeline_output_name": "told",
                    "data_type": "string",
                    "mapping_type": "void",
                    "mapping_value": {},
                    "value": f"{SAID} {number}",
                }
            ],
        )
    return world


def lines(began):
    return [Line(int(began.timestamp() + at) * 10**9, f"{SAID} #{at}") for at in range(3)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with make_lab(tmp_path_factory.mktemp("canaries"), an_estate()) as made:
        made.environ |= {
            "CRAFTSYNC_REDACT_PATTERNS": "tok_[A-Za-z0-9_]+",
            "TMPDIR": str(made.folder / "tmp"),
        }
        (made.folder / "tmp").mkdir()
        yield allow(made)


@pytest.fixture
def keeper(lab, tmp_path):
    """Looks for secrets in every file that is there at any time."""
    found, tokens = set(), set()

    def look(told, path):
        # A process that is killed leaves whatever it had written by then.
        tokens.update(forms(lab))
        found.update((form, path) for form in tokens if form in told)

    temporary = lab.folder / "tmp"
    with Keeper(lab.folder, tmp_path, look, temporary=temporary) as keeping:
        lab.world.requests.watch(keeping.look)
        keeping.found = found
        yield keeping


def forms(lab):
    """Return each secret as it is, and as a header or an address would have it."""
    told = (SDK_TOKEN, ENDPOINT_TOKEN, VARIABLE, REPOSITORY, PRINTED)
    secrets = {*told, *lab.world.secrets(), *lab.world.accounts.tokens()}
    assert len(secrets) > len(told)  # the access tokens are among them
    for secret in secrets:
        yield secret.encode()
        yield quote(secret, safe="").encode()
        yield base64.b64encode(secret.encode())


def assert_clean(lab, told, where, *, marked=True):
    told = told.encode() if isinstance(told, str) else told
    assert not marked or MARKER.encode() in told, f"nothing was searched in {where}"
    assert [form for form in forms(lab) if form in told] == [], where


def mirrored(lab, keeper, *words):
    """Sync in a process of its own, watching the words of every process of the machine."""
    seen = set()
    with subprocess.Popen(
        [sys.executable, "-m", "craftsync", "sync", *words],
        env={**os.environ, **lab.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as running:
        keeper.processes.add(running.pid)
        while running.poll() is None:
            seen |= set(commands())
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(timeout=0.05)
        said = running.stdout.read()
    assert running.returncode == 0, said
    return said, b"\n".join(seen)


def commands():
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            yield process.read_bytes()


def values_of(file):
    """Return what a table of a store, replica or export holds, read as values and inflated."""
    if file.suffix == ".parquet":
        return repr(pyarrow.parquet.read_table(file).to_pylist()).encode()
    if file.suffix == ".duckdb":
        with duckdb.connect(file, read_only=True) as replica:
            names = [
                name for (name,) in replica.sql("select table_name from duckdb_tables()").fetchall()
            ]
            found = [replica.sql(f'from "{name}"').fetchall() for name in names]
        return repr(found).encode()
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        asked = "select name from sqlite_master where type = 'table'"
        rows = [
            row
            for (name,) in store.execute(asked)
            for row in store.execute(f'select * from "{name}"')
        ]
    return b"\n".join(inflated(cell) for row in rows for cell in row)


def inflated(cell):
    with contextlib.suppress(zlib.error, TypeError):
        return zlib.decompress(cell)
    return cell if isinstance(cell, bytes) else str(cell).encode()


def run(lab, *words):
    return CliRunner(env=lab.environ).invoke(main, [str(word) for word in words])


def test_planted_secrets_are_nowhere_in_what_a_user_gets(lab, keeper):
    out = lab.folder / "out"
    out.mkdir()
    said, commands_seen = mirrored(lab, keeper, "-vv", "--metrics-file", str(out / "sync.prom"))
    assert b"craftsync" in commands_seen
    assert_clean(lab, said, "what a sync says", marked=False)
    assert_clean(lab, commands_seen, "the process list", marked=False)
    assert (out / "sync.prom").stat().st_size > 0

    # As long as somebody reads, the write-ahead log stays.
    with contextlib.closing(sqlite3.connect(lab.store)) as reader:
        reader.execute("pragma journal_mode").fetchone()
        lab.world.replace_lines("t1", lines(lab.world.now - 99 * DAY))
        said, _ = mirrored(lab, keeper, "--full", "-vv", "--log-format", "json")
        assert_clean(lab, said, "the notes in JSON", marked=False)
        assert lab.store.with_name("history.db-wal").stat().st_size > 0
        marked = {
            ("sync", "--full"): False,
            ("show", "t0"): True,
            ("show", "t0", "--json"): True,
            ("logs", "t0"): True,
            ("logs", "t0", "--raw"): True,
            ("deployments", "--json"): False,
            ("runs", "--json", "--where", f"out.told = '{MARKER}'"): False,
            ("runs", "--json", "--where", "in.database != 'x'"): False,
            ("search", MARKER, "--json"): True,
            ("diff", "t0", "t1", "--all"): True,
            ("io", "get", "t0", "told"): True,
            ("io", "get", "t0", "database"): False,
            ("io", "table", "train", "--format", "csv"): True,
            ("io", "replay", "t0"): False,
            ("sql", "from logs", "--format", "csv"): True,
            ("query", "top_errors"): False,
            ("report", "--since", "200d"): False,
            ("report", "--since", "200d", "--format", "markdown"): False,
            ("report", "--since", "200d", "--json"): False,
            ("report", "--since", "200d", "--html", out / "report.html"): False,
            ("export", "parquet", out / "parquet"): False,
            ("db", "dump", "--canonical"): True,
            ("db", "backup", out / "backup.db"): False,
            ("doctor",): False,
            ("status", "--json"): False,
            ("config", "show"): False,
            ("verify", "--json"): False,
            ("purge", "plan", "--older-than", "30d", "-o", out / "plan.json"): False,
            ("purge", "apply", out / "plan.json", "--yes-environment", "default", "-vv"): False,
            ("purge", "history", "--json"): False,
        }
        for words, is_marked in marked.items():
            ended = run(lab, *words)
            assert ended.exit_code in {0, 3}, (words, ended.output)
            assert_clean(lab, ended.output, words, marked=is_marked)
        assert_clean(lab, b"".join(map(values_of, [lab.store])), "the store")
        files = [path for path in lab.folder.rglob("*") if path.is_file()]
        for path in files:
            assert_clean(lab, path.read_bytes(), path, marked=False)
            if path.suffix in {".parquet", ".duckdb", ".db"}:
                assert_clean(lab, values_of(path), path, marked=False)
    passed_by = [(name, path) for name, path in keeper.kept.values() if not path.exists()]
    for name, path in passed_by:
        told = name.read_bytes()
        assert_clean(lab, told, path, marked=False)
        if told[8:12] == b"DUCK":
            assert_clean(lab, values_of(name.rename(f"{name}.duckdb")), path, marked=False)
    assert {".db-wal", ".growing", ".tmp"} <= {path.suffix for _, path in passed_by}
    assert keeper.found == set()
    kinds = {path.name.rpartition(".")[2] for path in files}
    assert {"db", "db-wal", "duckdb", "parquet", "html", "prom", "json"} <= kinds

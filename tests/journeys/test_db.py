"""`db backup` and `db dump`: a copy at any time, and a text that two stores can be compared by."""

import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from lab import HOUR
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.simulator import World
from craftsync.store import dump, engine

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab(tmp_path):
    with make_lab(tmp_path, World(seed=2, executions=20, pipelines=3)) as made:
        yield made


def run(lab, *words):
    return CliRunner(env=lab.environ).invoke(main, list(words))


def ask(path, sql):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def sha256_of(path):
    reader = engine.reader(engine.address(path))
    with reader.connect() as connection:
        digest = dump.canonical_sha256(connection)
    reader.dispose()
    return digest


# backup


def test_a_backup_is_a_private_store_with_the_same_content(lab):
    lab.sync()
    copy = lab.folder / "copy.db"
    done = run(lab, "db", "backup", str(copy))
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert f"{copy} is a copy of the store at 0002" in done.stderr
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sha256_of(copy) == sha256_of(lab.store)
    assert run(lab, "status", "--store", str(copy)).exit_code == 0
    assert run(lab, "db", "backup", "-q", str(copy)).stderr == ""


def test_a_backup_replaces_an_older_one_that_somebody_has_read(lab):
    lab.sync()
    copy = lab.folder / "copy.db"
    run(lab, "db", "backup", str(copy))
    run(lab, "runs", "--store", str(copy))
    lab.world.advance(HOUR)
    lab.sync()
    assert sha256_of(copy) != sha256_of(lab.store)
    assert run(lab, "db", "backup", str(copy)).exit_code == 0
    assert sha256_of(copy) == sha256_of(lab.store)


def test_backups_taken_while_a_sync_writes_are_whole(lab):
    lab.sync()
    lab.world.advance(2 * HOUR)
    syncing = Thread(target=lab.sync)
    syncing.start()
    copies = []
    while (syncing.is_alive() and len(copies) < 20) or not copies:
        copies.append(lab.folder / f"copy-{len(copies)}.db")
        assert run(lab, "db", "backup", str(copies[-1])).exit_code == 0
    syncing.join()
    for copy in copies:
        assert ask(copy, "pragma quick_check") == [("ok",)]
        assert ask(copy, "pragma foreign_key_check") == []
    counts = [ask(copy, "select count(*) from executions")[0][0] for copy in copies]
    assert counts == sorted(counts)
    assert [path for path in lab.folder.iterdir() if ".tmp" in path.name] == []


@pytest.mark.parametrize("name", ["history.db", "history.db-wal", "history.db.lock", "link"])
def test_the_store_itself_is_never_replaced(lab, name):
    lab.sync()
    (lab.folder / "link").symlink_to(lab.store)
    before = sha256_of(lab.store)
    refused = run(lab, "db", "backup", str(lab.folder / name))
    assert refused.exit_code == 2
    assert "is the store itself" in refused.stderr
    assert sha256_of(lab.store) == before


def test_a_database_in_use_is_not_replaced_its_log_would_be_anothers(lab):
    lab.sync()
    used = lab.folder / "used.db"
    with closing(sqlite3.connect(used)) as connection:
        connection.execute("pragma journal_mode=wal")
        connection.execute("create table t (x)")
        refused = run(lab, "db", "backup", str(used))
    assert refused.exit_code == 2
    assert "is a database in use" in refused.stderr


def test_a_copy_is_put_back_the_same_way_and_the_next_sync_goes_on_from_it(lab):
    lab.sync()
    copy = lab.folder / "copy.db"
    assert run(lab, "db", "backup", str(copy)).exit_code == 0
    before = sha256_of(copy)
    lab.world.advance(3 * HOUR)
    lab.sync()
    asked = ["sql", "select count(*) from executions", "--format", "csv"]
    counted = run(lab, *asked).stdout
    after = sha256_of(lab.store)
    assert after != before
    for name in ("history.db", "history.db-wal", "history.db-shm"):
        (lab.folder / name).unlink(missing_ok=True)
    done = run(lab, "db", "backup", "--store", str(copy), str(lab.store))
    assert done.exit_code == 0, done.stderr
    assert sha256_of(lab.store) == before
    assert run(lab, *asked).stdout != counted  # the replica does not follow what is gone again
    lab.sync()
    assert (run(lab, *asked).stdout, sha256_of(lab.store)) == (counted, after)


@pytest.mark.parametrize("place", ["nowhere/copy.db", ".", "/dev/null"])
def test_a_place_that_cannot_be_written_is_wrong_usage(lab, place):
    lab.sync()
    refused = run(lab, "db", "backup", str(lab.folder / place))
    assert refused.exit_code == 2, refused.stderr


def test_without_a_store_there_is_no_copy_and_an_older_one_stays(lab):
    lab.store.unlink()
    copy = lab.folder / "copy.db"
    copy.write_text("older")
    refused = run(lab, "db", "backup", str(copy))
    assert refused.exit_code == 8
    assert copy.read_text() == "older"
    assert not lab.store.exists()


def test_a_disk_that_is_full_leaves_the_older_copy_and_no_draft(lab):
    lab.sync()
    copy = lab.folder / "copy.db"
    copy.write_text("older")
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 200; {sys.executable} -m craftsync db backup {copy}"],
        cwd=ROOT, env={**os.environ, **lab.environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "The copy cannot be written in" in done.stderr
    assert copy.read_text() == "older"
    assert [path for path in lab.folder.iterdir() if ".tmp" in path.name] == []


def test_a_store_on_a_server_is_told_what_to_type(lab):
    lab.environ["CRAFTSYNC_STORE"] = "postgresql://ada:canary@db.example:5433/history"
    refused = run(lab, "db", "backup", str(lab.folder / "copy"))
    assert refused.exit_code == 8
    assert "pg_dump --format=custom --file=craftsync.dump" in refused.stderr
    assert "@db.example:5433/history" in refused.stderr
    assert "canary" not in refused.stderr
    assert not (lab.folder / "copy").exists()


# dump


def test_a_canonical_dump_is_hashed_as_sha256sum_would(lab):
    lab.sync()
    done = run(lab, "db", "dump", "--canonical")
    assert done.exit_code == 0
    digest = hashlib.sha256(done.stdout.encode()).hexdigest()
    assert done.stderr == f"sha256 {digest}\n"
    assert digest == sha256_of(lab.store)
    path = lab.folder / "dump.jsonl"
    assert run(lab, "db", "dump", "--canonical", "-q", "-o", str(path)).output == ""
    assert path.read_text() == done.stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_dump_that_is_not_canonical_is_wrong_usage_that_names_the_option(lab):
    refused = run(lab, "db", "dump")
    assert refused.exit_code == 2
    assert "hint: craftsync db dump --canonical" in refused.stderr


def test_a_dump_without_a_store_ends_with_8_and_writes_nothing(lab):
    lab.store.unlink()
    path = lab.folder / "dump.jsonl"
    assert run(lab, "db", "dump", "--canonical", "-o", str(path)).exit_code == 8
    assert not path.exists()

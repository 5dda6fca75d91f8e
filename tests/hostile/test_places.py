"""A store by another name, in a folder of others, or with what a killed process left beside it."""

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest
from click.testing import CliRunner
from journeys import erasing
from journeys.checker import Mirror
from lab import HOUR
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.errors import Busy
from craftsync.store import engine, lock

# Changes a store as a sync does, and dies with the change in the log.
DIES = """
import os, sqlite3, sys
store = sqlite3.connect(sys.argv[1])
store.execute("pragma wal_autocheckpoint=0")
store.execute("update execution set status = 'Odd' where execution_id = 't3'")
store.commit()
os._exit(9)
"""


@pytest.fixture
def lab(tmp_path):
    tmp_path.chmod(0o700)
    with make_lab(tmp_path, erasing.an_estate(6)) as made:
        made.sync()
        yield made


@pytest.fixture
def left(lab):
    """A store whose last change stands in its log alone, since who made it was killed."""
    subprocess.run([sys.executable, "-c", DIES, lab.store], check=False)
    assert lab.store.with_name("history.db-wal").stat().st_size > 0
    return lab


def run(lab, *words, **environ):
    return CliRunner(env=lab.environ | environ).invoke(main, words)


def statuses(shown):
    return shown.stdout.count("Odd")


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "--status", "Odd"],
        ["sql", "select status from executions where status = 'Odd'"],
        ["show", "t3"],
        ["db", "dump", "--canonical"],
    ],
    ids=" ".join,
)
def test_what_a_killed_process_had_committed_is_read(left, words):
    ended = run(left, *words)
    assert ended.exit_code == 0, ended.stderr
    assert statuses(ended) > 0


def test_what_a_killed_process_had_committed_is_in_a_backup(left):
    copy = left.folder / "copy.db"
    assert run(left, "db", "backup", str(copy)).exit_code == 0
    with closing(sqlite3.connect(copy)) as store:
        assert store.execute("select count(*) from execution where status = 'Odd'").fetchone() == (
            1,
        )


def test_the_next_sync_takes_in_what_a_killed_process_left(left):
    left.world.advance(HOUR)
    assert left.sync(full=True).exit_code == 0
    # Nothing that a sync compares by had changed with it: only `verify` would find it out.
    assert Mirror(left).differences() == ["t3 status: held 'Odd', in truth 'Succeeded'"]
    assert left.column("pragma integrity_check") == ["ok"]


def test_a_log_that_is_cut_or_spoilt_loses_no_more_than_what_it_held(left):
    log = left.store.with_name("history.db-wal")
    whole = log.read_bytes()
    for spoilt in (b"", whole[:100], whole[: len(whole) // 2], whole[:40] + os.urandom(len(whole))):
        log.write_bytes(spoilt)
        left.store.with_name("history.db-shm").unlink(missing_ok=True)
        ended = run(left, "runs", "--format", "json")
        assert ended.exit_code == 0, ended.stderr
        assert ended.stdout.count("execution_id") == 6


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_store_behind_a_link_is_one_store_with_one_lock(lab, tmp_path, what):
    if what == "file":
        name = tmp_path / "by-link.db"
        name.symlink_to(lab.store)
    else:
        (tmp_path / "by-link").symlink_to(lab.folder)
        name = tmp_path / "by-link" / "history.db"
    environ = {"CRAFTSYNC_STORE": str(name)}
    for words in (["status"], ["runs"], ["sql", "select 1 from executions"], ["doctor"]):
        assert run(lab, *words, **environ).exit_code in (0, 3), words
    with lock.lock(engine.address(lab.store), ["default"]):
        ended = run(lab, "sync", "-q", **environ)
        assert ended.exit_code == Busy.exit_code
    lab.world.advance(HOUR)
    lab.world.add_execution("train", execution_id="late")
    assert run(lab, "sync", "-q", **environ).exit_code == 0
    assert lab.column("select count(*) from executions where execution_id = 'late'") == [1]
    assert not name.with_name(f"{name.name}-wal").is_symlink()
    assert name.is_symlink() == (what == "file")
    beside = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert not beside & {"by-link.db-wal", "by-link.db.lock"}


def test_a_link_that_leads_nowhere_is_told(lab, tmp_path):
    name = tmp_path / "by-link.db"
    name.symlink_to(tmp_path / "nowhere" / "history.db")
    for words in (["status"], ["sync", "-q"]):
        ended = run(lab, *words, CRAFTSYNC_STORE=str(name))
        assert ended.exit_code == 8, words
        assert "error: " in ended.stderr
        assert "hint: " in ended.stderr


def test_in_a_folder_that_others_may_write_the_files_are_private_and_the_doctor_warns(lab):
    folder = lab.folder / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    environ = {"CRAFTSYNC_STORE": str(folder / "history.db")}
    assert run(lab, "sync", "-q", **environ).exit_code == 0
    assert run(lab, "sql", "select 1", **environ).exit_code == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes
    ended = run(lab, "doctor", **environ)
    assert ended.exit_code == 3
    assert f"The folder {folder} is open to others (0777)." in ended.stdout
    assert f"chmod 700 {folder}" in ended.stdout

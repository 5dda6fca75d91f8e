"""G9: real processes as cron starts them: no home, no terminal, streams closed, many at once."""

import signal
import sqlite3
import stat
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gates import processes
from gates.faulty import gaps
from lab import DAY, lab

from craftsync.simulator import Line, World

PIPELINE = "entraînement→✓"
DEPLOYMENT = "déploiement→✓"
ASCII = {
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii",
}
AT_ONCE = 20


@pytest.fixture
def cron(tmp_path):
    """A lab on today's clock over a small estate with names that ASCII cannot say."""
    world = World(
        seed=5,
        executions=6,
        pipelines=3,
        settled=True,
        now=datetime.now(UTC).replace(microsecond=0),
    )
    born = world.now - 2 * DAY
    world.add_pipeline(PIPELINE, created_at=born)
    world.add_deployment(DEPLOYMENT, PIPELINE, created_at=born)
    world.add_execution(
        PIPELINE,
        deployment=DEPLOYMENT,
        execution_id="run-✓",
        created_at=born,
        lines=[Line(int(born.timestamp()) * 10**9, "fertig → ✓")],
    )
    with lab(tmp_path, world) as made:
        yield made


@pytest.fixture
def told(figures):
    """Say for the table of the gates that something held."""

    def tell(what, **more):
        figures("G9", what, **more)

    return tell


def assert_whole(cron):
    with closing(sqlite3.connect(cron.store)) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert gaps(cron) == []


def test_with_an_empty_environment_and_ascii_alone_everything_is_mirrored_and_shown(
    cron, told, tmp_path
):
    cron.store = tmp_path / "répertoire" / "history.db"
    environ = processes.environment(cron, CRAFTSYNC_STORE=str(cron.store), **ASCII)
    for words, shown in (
        (["sync"], "complete"),
        (["deployments"], "d\\xe9ploiement\\u2192\\u2713"),
        (["logs", "run-✓"], "fertig \\u2192 \\u2713"),
    ):
        ended = processes.run(cron, *words, environ=environ)
        assert (ended.returncode, ended.stderr) == (0, ""), words
        assert ended.stdout.isascii()
        assert shown in ended.stdout
    assert_whole(cron)
    told("env -i, no HOME, LC_ALL=C, no terminal", processes=3)


def test_words_that_are_no_text_are_wrong_usage(cron, told):
    ended = processes.run(cron, "logs", b"run-\xff")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: ")
    told("an id that is no UTF-8", processes=1)


def test_what_is_not_mirrored_is_named_in_ascii_too(cron, told):
    cron.world.deny(f"/pipelines/{PIPELINE}/executions")
    ended = processes.run(cron, "sync", "-q", environ=processes.environment(cron, **ASCII))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.isascii()
    assert "entra\\xeenement\\u2192\\u2713" in ended.stderr
    told("partial, named in ASCII", processes=1)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_with_streams_closed_a_sync_does_all_its_work(cron, told, closed):
    assert processes.shell(cron, f"$SYNC {closed}").returncode == 0
    assert_whole(cron)
    told(f"streams closed: {closed}", processes=1)


def test_whatever_the_umask_all_files_are_private_while_and_after_it_works(cron, told, tmp_path):
    folder = tmp_path / "a" / "b"
    cron.store = folder / "history.db"
    cron.environ["CRAFTSYNC_STORE"] = str(cron.store)
    seen = set()

    def look(_):
        for path in [tmp_path / "a", *(tmp_path / "a").rglob("*")]:
            state = path.stat()
            seen.add((path.name, stat.S_ISDIR(state.st_mode), stat.S_IMODE(state.st_mode)))

    cron.world.requests.watch(look)
    ended = processes.run(cron, "sync", umask=0)
    assert ended.returncode == 0
    look(None)
    names = {name for name, _, _ in seen}
    assert {"history.db", "history.db-wal", "history.db-shm", "history.db.lock"} <= names
    assert {(is_folder, mode) for _, is_folder, mode in seen} == {(True, 0o700), (False, 0o600)}
    told("umask 000", processes=1, files=len(seen))


@pytest.mark.parametrize("where", ["/proc", "an empty folder"])
def test_nothing_is_needed_of_the_working_folder_and_nothing_is_left_there(
    cron, told, where, tmp_path
):
    """Not even root can write in /proc."""
    folder = Path(where) if where == "/proc" else tmp_path / "empty"
    folder.mkdir(exist_ok=True)
    ended = processes.run(cron, "sync", cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    if where != "/proc":
        assert list(folder.iterdir()) == []
    assert_whole(cron)
    told(f"working folder: {where}", processes=1)


def test_of_twenty_started_at_once_one_works_and_the_others_end_at_once(cron, told):
    """The one that works is not answered before the others have ended."""
    alone = threading.Event()
    cron.world.requests.watch(lambda _: alone.wait(timeout=processes.LONG_S))
    skipping = {number for number in range(AT_ONCE) if number % 2}
    running = {
        number: processes.start(cron, "sync", *(["--skip-if-busy"] if number in skipping else []))
        for number in range(AT_ONCE)
    }
    ends_at = time.monotonic() + processes.LONG_S
    while sum(one.poll() is None for one in running.values()) > 1 and time.monotonic() < ends_at:
        time.sleep(0.02)
    (worker,) = (number for number, one in running.items() if one.poll() is None)
    alone.set()
    said = {number: one.communicate(timeout=processes.LONG_S) for number, one in running.items()}
    codes = {number: one.returncode for number, one in running.items()}
    assert codes == {
        number: 0 if number in skipping or number == worker else 75 for number in running
    }
    for number in running.keys() - {worker}:
        assert b"Another craftsync is at work" in said[number][1]
        assert said[number][0] == b""
    assert cron.column("select count(*) from sync_runs") == [1]
    assert_whole(cron)
    told("started at once", processes=AT_ONCE, worked=1)


def test_a_killed_holder_of_the_lock_leaves_no_lock_behind(cron, told):
    with processes.start(cron, "sync") as holder, processes.struck(cron, holder, request=5):
        holder.wait(timeout=processes.LONG_S)
    assert holder.returncode == -signal.SIGKILL
    assert cron.store.with_name("history.db.lock").exists()
    assert processes.run(cron, "sync").returncode == 0
    assert cron.column("select outcome from sync_runs order by run_id") == [
        "interrupted",
        "complete",
    ]
    assert_whole(cron)
    told("kill -9 of the lock's holder", processes=2)


def test_sigterm_ends_with_130_keeps_what_was_saved_and_lets_the_next_run_finish(cron, told):
    with processes.start(cron, "sync") as running:
        with processes.struck(cron, running, request=12, number=signal.SIGTERM):
            out, err = running.communicate(timeout=processes.LONG_S)
    assert running.returncode == 130
    assert out.decode().startswith("default: interrupted: ")
    assert err.decode().splitlines()[-1] == (
        "craftsync: interrupted; what was saved stays, and it is safe to run again"
    )
    assert cron.column("select outcome from sync_runs") == ["interrupted"]
    assert processes.run(cron, "sync").returncode == 0
    assert_whole(cron)
    told("SIGTERM", processes=2)


@pytest.mark.parametrize("line", ["$SYNC | head -1", "$SYNC -v 2>&1 | true"])
def test_a_reader_that_goes_away_changes_neither_the_work_nor_its_code(cron, told, line):
    ended = processes.shell(cron, f"{line}; exit ${{PIPESTATUS[0]}}")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert_whole(cron)
    told(f"reader gone: {line}", processes=1)


def test_sigpipe_does_not_end_a_sync(cron, told):
    with processes.start(cron, "sync") as running:
        with processes.struck(cron, running, request=6, number=signal.SIGPIPE):
            running.communicate(timeout=processes.LONG_S)
    assert running.returncode == 0
    assert_whole(cron)
    told("SIGPIPE", processes=1)

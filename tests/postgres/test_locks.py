"""Who may write on a server: one an environment, several environments at once, one upgrade."""

import json
import signal
import subprocess
import sys
import threading

import pytest
from lab import HOUR
from query.words import PATHS, craftsync
from sqlalchemy import event, text
from sqlalchemy.pool import Pool
from store.made import NOON

from craftsync.errors import Busy, StoreUnusable
from craftsync.store import engine, environments, schema, server_lock
from craftsync.store.lock import is_held, lock

HOLD = """
import sys
from craftsync.store import engine, lock
with lock.lock(engine.address(sys.argv[1]), sys.argv[2:]):
    print("held", flush=True)
    sys.stdin.read()  # until it is killed, or nobody is there any more
"""
UPGRADE = """
import sys
from craftsync.store import engine, schema
print(schema.upgrade(engine.address(sys.argv[1])).before)
"""


@pytest.fixture
def url(database):
    return engine.address(database)


@pytest.fixture
def holder(database):
    """A process that holds the lock of prod."""
    process = speaking(HOLD, database, "prod")
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def speaking(code, *words):
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env=PATHS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_second_writer_of_an_environment_is_refused_at_once(url):
    with lock(url, ["prod"]), pytest.raises(Busy, match="at work on prod"), lock(url, ["prod"]):
        pass
    with lock(url, ["prod"]):
        pass


@pytest.fixture
def kept_to_the_end(url):
    """How many locks each session still holds when it is about to end."""
    counts, looking = [], engine.writer(url)
    held = text("select count(*) from pg_locks where locktype = 'advisory' and pid = :pid")

    def about_to_end(session, _):
        counts.append(connection.execute(held, {"pid": session.info.backend_pid}).scalar_one())

    with looking.connect() as connection:
        event.listen(Pool, "close", about_to_end)
        yield counts
        event.remove(Pool, "close", about_to_end)
    looking.dispose()


def test_a_run_that_fails_or_is_refused_lets_go_before_its_session_ends(url, kept_to_the_end):
    # A server may take its time to end a session: the next run would be refused meanwhile.
    with pytest.raises(SystemExit), lock(url, ["prod", "staging"]):
        raise SystemExit
    with lock(url, ["staging"]):
        with pytest.raises(Busy, match="at work on staging"), lock(url, ["prod", "staging"]):
            pass
        with lock(url, ["prod"]):
            pass
    assert kept_to_the_end == [0] * 4


def test_another_environment_is_written_beside_it(url):
    with lock(url, ["prod"]), lock(url, ["staging"]):
        pass


def test_whether_an_environment_is_held_is_seen_without_taking_its_lock(url):
    names = [f"e{number}" for number in range(9)]  # half of their numbers have a sign
    for name in names:
        assert not is_held(url, name)
        with lock(url, [name]):
            assert [one for one in names if is_held(url, one)] == [name]
        assert not is_held(url, name)


def test_several_are_locked_together_or_not_at_all(url):
    with lock(url, ["b"]):
        with pytest.raises(Busy), lock(url, ["a", "b", "c"]):
            pass
        with lock(url, ["a", "c"]):
            pass


def test_a_store_in_another_schema_has_locks_of_its_own(url, database, postgres):
    with postgres.connect(database.rpartition("/")[2]) as connection:
        connection.execute("create schema other")
    other = engine.address(f"{database}?options=-csearch_path%3Dother")
    assert schema.upgrade(other).before is None
    with lock(url, ["prod"]), lock(other, ["prod"]):
        pass


def test_the_lock_of_a_killed_process_is_not_stale(url, holder):
    with pytest.raises(Busy), lock(url, ["prod"]):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    for _ in range(100):
        try:
            with lock(url, ["prod"]):
                return
        except Busy:  # the server learns of it a moment later
            threading.Event().wait(0.05)
    pytest.fail("the lock is stale")


def test_a_lock_whose_session_was_ended_is_missed_at_the_end(url, database, postgres):
    with pytest.raises(StoreUnusable), lock(url, ["prod"]):
        with postgres.connect(database.rpartition("/")[2]) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_locks"
                " where locktype = 'advisory' and objid <> 0 and database ="
                " (select oid from pg_database where datname = current_database())"
            )


def test_a_sync_of_a_busy_environment_ends_with_75_or_is_skipped(made, holder, database):
    made.environ["CRAFTSYNC_ENVIRONMENTS_PROD_URL"] = made.server.url
    made.environ["CRAFTSYNC_ENVIRONMENTS_PROD_CONTROL_URL"] = made.server.url
    made.environ["CRAFTSYNC_ENVIRONMENTS_PROD_TOKEN_ENV"] = "CRAFT_AI_SDK_TOKEN"
    refused = craftsync(made, "sync")
    assert (refused.returncode, "at work on prod" in refused.stderr) == (75, True)
    assert craftsync(made, "sync", "--skip-if-busy").returncode == 0
    assert made.rows("select 1 from environment") == []
    assert craftsync(made, "status").returncode == 0


def configure(made, *names):
    for name in names:
        prefix = f"CRAFTSYNC_ENVIRONMENTS_{name.upper()}_"
        made.environ[f"{prefix}URL"] = made.environ[f"{prefix}CONTROL_URL"] = made.server.url
        made.environ[f"{prefix}TOKEN_ENV"] = "CRAFT_AI_SDK_TOKEN"


def contents(made, name):
    return made.rows(
        "select execution_id, status, run_s from executions where environment = ? order by 1", name
    )


def test_processes_that_make_a_store_at_once_make_one(made, empty):
    configure(made, "one", "two", "three")
    syncing = [
        subprocess.Popen(
            [sys.executable, "-m", "craftsync", "sync", "--env", name, "--store", empty, "-q"],
            env={**PATHS, **made.environ},
            stderr=subprocess.PIPE,
            text=True,
            cwd=made.folder,
        )
        for name in ("one", "two", "three")
    ]
    for process in syncing:
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "")
    made.store = empty
    assert contents(made, "one") == contents(made, "two") == contents(made, "three") != []
    assert len(made.rows("select 1 from store_identity")) == 1
    assert sorted(made.column("select run_id from sync_runs")) == [1, 2, 3]
    keys = made.column("select key from execution")
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("parallel", [[], ["--parallel"]], ids=["in-turn", "parallel"])
def test_all_environments_are_mirrored_in_one_run(made, parallel):
    configure(made, "one", "two", "three")
    done = craftsync(made, "sync", "--all-envs", *parallel, "--json")
    assert done.returncode == 0, done.stderr
    assert {one["outcome"] for one in json.loads(done.stdout)["environments"]} == {"complete"}
    assert contents(made, "one") == contents(made, "two") == contents(made, "three") != []


def test_a_reader_never_misses_a_revision_that_is_committed_later(url):
    """Two environments write at once; who sees a mark sees all that has it or an older one."""
    writer = engine.writer(url)
    names = ("one", "two")
    with writer.begin() as connection:
        keys = [
            environments.enter(
                connection, name, url="https://x", upstream_id=None, seen_at=NOON
            ).key
            for name in names
        ]
    stop, flaws = threading.Event(), []

    def write(key):
        while not stop.is_set():
            with writer.begin() as connection:
                environments.draw_rev(connection, key)

    def read():
        reader = engine.reader(url)
        for _ in range(150):
            with reader.connect() as connection:
                for key, rev, drawn in connection.exec_driver_sql(
                    "select n.key, n.rev, (select count(*) from revision r"
                    " where r.environment_key = n.key and r.rev <= n.rev) from environment n"
                ):
                    if rev != drawn:
                        flaws.append((key, rev, drawn))
        reader.dispose()

    writing = [threading.Thread(target=write, args=(key,)) for key in keys]
    for thread in writing:
        thread.start()
    read()
    stop.set()
    for thread in writing:
        thread.join()
    writer.dispose()
    assert flaws == []


def test_two_who_upgrade_at_once_upgrade_once(empty):
    upgrading = [speaking(UPGRADE, empty) for _ in range(3)]
    said = sorted(process.communicate(timeout=60)[0].strip() for process in upgrading)
    assert said == ["0002", "0002", "None"]


def test_an_older_store_is_not_upgraded_while_another_is_at_work(url, holder, monkeypatch):
    monkeypatch.setattr(server_lock, "_PATIENCE_S", 0.3)
    writer = engine.writer(url)
    with writer.begin() as connection:
        server_lock.own_schema(connection)
        with pytest.raises(Busy, match="must be upgraded"):
            server_lock.wait_for_others(connection, "here")
        holder.kill()
        holder.wait()
        monkeypatch.setattr(server_lock, "_PATIENCE_S", 10)
        server_lock.wait_for_others(connection, "here")
    writer.dispose()


def test_one_who_looks_waits_for_an_upgrade_and_sees_its_end(url):
    writer = engine.writer(url)
    seen = []
    looking = threading.Thread(target=lambda: seen.append(schema.current(url)))
    with writer.begin() as connection:
        server_lock.own_schema(connection)
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
        looking.start()
        looking.join(0.3)
        assert seen == []
    looking.join()
    writer.dispose()
    assert seen == ["9999"]


def test_a_sync_holds_its_lock_while_it_works_and_no_longer(made):
    met = []

    def listener(_):
        try:
            with lock(engine.address(made.store), ["default"]):
                met.append("free")
        except Busy:
            met.append("busy")

    app = made.app
    app.sync(app.settings.environments_to_use(), app.sync_options(), listener=listener)
    assert set(met) == {"busy"}
    made.world.advance(HOUR)
    with lock(engine.address(made.store), ["default"]):
        pass

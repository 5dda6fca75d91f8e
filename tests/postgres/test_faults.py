"""A database that is not there, does not let one in, or goes away: a sentence, 8, and no loss."""

import json
import signal
import subprocess
import sys
import time

import pytest
from lab import HOUR
from lab import lab as make_lab
from query.words import PATHS, craftsync

from craftsync.errors import BadSettings, StoreUnusable
from craftsync.simulator import World
from craftsync.store import dump, engine


def said(made, store, *words):
    done = craftsync(made, *words, "--store", store)
    assert done.returncode == 8, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr


BAD_OPTIONS = {
    "sslmod=require": "sslmod, an option that PostgreSQL does not know",
    "autocommit=canary": "an option that PostgreSQL does not know",
    "canary=1": "an option that PostgreSQL does not know",
    "plugin=canary": "an option that PostgreSQL does not know",
    "connect_timeout=canary": "connect_timeout",
    "connect_timeout=1&connect_timeout=2": "connect_timeout more than once",
    "sslrootcert=canary&sslrootcert=b": "sslrootcert more than once",
    "application_name=canary%00": "no text that a server takes",
    "host=canary..x": "no name of a host",
    "sslmode=canary": "sslmode",
    "keepalives=canary": "keepalives",
    "port=canary": "hosts and ports",
    "port=1,2": "hosts and ports",
    "host=a:1&host=b:2&port=canary": "hosts and ports",
    "port=99999": "port number",
    "hostaddr=canary": "an option",
    "service=canary": "an option",
    "options=canary": "an option",
    "options=-c%20datestyle%3Dcanary": "DateStyle",
    "options=-c%20canary%3D1": "an option",
}


@pytest.mark.parametrize(("asked", "named"), BAD_OPTIONS.items(), ids=BAD_OPTIONS)
def test_an_option_of_the_url_that_cannot_be_is_a_setting(made, postgres, database, asked, named):
    store = database.replace("craftsync@", "craftsync:hunter2@") + f"?{asked}"
    done = craftsync(made, "status", "--store", store)
    assert done.returncode == 6, done.stderr
    checked = craftsync(made, "doctor", "--format", "jsonl", CRAFTSYNC_STORE=store)
    assert checked.returncode == 3, checked.stderr
    findings = map(json.loads, checked.stdout.splitlines())
    (found,) = [one for one in findings if one["check"] == "store"]
    assert found["state"] == "problem"
    assert named in found["finding"]
    assert named in done.stderr
    assert f"hint: {found['fix']}\n" in done.stderr
    for hidden in ("hunter2", "canary", "Traceback"):
        assert hidden not in done.stderr + checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("PGCONNECT_TIMEOUT", "connect_timeout"),
        ("PGSSLMODE", "sslmode"),
        ("PGDATESTYLE", "DateStyle"),
        ("PGSERVICE", "an option"),
    ],
)
def test_a_variable_of_the_client_that_cannot_be_is_a_setting(made, name, named):
    for words in (("status",), ("sync",), ("sql", "select 1")):
        done = craftsync(made, *words, **{name: "canary"})
        assert done.returncode == 6, done.stderr
        assert "Traceback" not in done.stderr
        assert named in done.stderr
        assert "hint: " in done.stderr
    assert craftsync(made, "doctor", **{name: "canary"}).returncode == 3


WORDS = pytest.mark.parametrize(
    "words", [("sync",), ("status",), ("sql", "select 1")], ids=" ".join
)


@WORDS
def test_a_server_that_is_not_there(made, words):
    told = said(made, "postgresql://mia:canary@127.0.0.1:1/craft", *words)
    assert "error: The store postgresql://****@127.0.0.1:1/craft cannot be reached" in told
    assert "hint: Is the server up? pg_isready" in told
    assert "canary" not in told


@WORDS
def test_a_database_that_is_not_there(made, postgres, words):
    told = said(made, postgres.address("nowhere"), *words)
    assert "is no database on that server" in told
    assert "hint: createdb," in told


@WORDS
def test_a_user_that_is_not_known(made, postgres, words):
    told = said(made, postgres.address("postgres", "nobody_at_all"), *words)
    assert "does not let this user in" in told


@pytest.mark.parametrize("words", [("status",), ("sql", "select 1"), ("runs",)], ids=" ".join)
def test_a_database_without_a_store(made, empty, words):
    told = said(made, empty, *words)
    assert "There is no store at postgresql://" in told
    assert "hint: craftsync sync" in told


def test_a_user_without_rights(made, empty, postgres):
    with postgres.connect(empty.rpartition("/")[2]) as connection:
        connection.execute("create role guest login")
    try:
        told = said(made, empty.replace("craftsync@", "guest@"), "sync")
        assert "may not be used by this user" in told
    finally:
        with postgres.connect("postgres") as connection:
            connection.execute("drop role guest")


def test_a_database_that_cannot_hold_all_text(made, postgres):
    with postgres.connect("postgres") as connection:
        connection.execute("create database latin encoding latin1 template template0 locale 'C'")
    try:
        told = said(made, postgres.address("latin"), "sync")
        assert "is kept as LATIN1" in told
        assert "hint: createdb --encoding=UTF8" in told
    finally:
        postgres.drop("latin")


def test_a_store_of_a_newer_craftsync(made, database, postgres):
    with postgres.connect(database.rpartition("/")[2]) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    for words in (("sync",), ("status",), ("sql", "select 1")):
        assert "made by a newer craftsync" in said(made, database, *words)


@pytest.mark.parametrize(
    ("broken", "lacks"),
    [
        ("drop table sync_failure cascade", "sync_failure"),
        ("alter table execution rename column end_date to other", "execution.end_date"),
    ],
)
def test_a_store_that_lacks_something_is_told(made, database, postgres, broken, lacks):
    with postgres.connect(database.rpartition("/")[2]) as connection:
        connection.execute(broken)
    assert f"is damaged: it has no {lacks}." in said(made, database, "sync", "--full")


def test_a_read_only_database(made, database, postgres):
    name = database.rpartition("/")[2]
    with postgres.connect("postgres") as connection:
        connection.execute(f"alter database {name} set default_transaction_read_only = on")
    assert "read-only" in said(made, database, "sync")
    assert craftsync(made, "status").returncode == 0


def lines_of(place):
    reader = engine.reader(engine.address(place))
    with reader.connect() as connection:
        lines = list(dump.canonical_lines(connection))
    reader.dispose()
    return lines


@pytest.fixture
def slow(tmp_path, database):
    """A platform that takes its time, so that there is a middle of a sync."""
    world = World(seed=5, executions=700, settled=True)
    with make_lab(tmp_path, world, store=database, latency_ms=3) as lab:
        lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "8"
        lab.environ["CRAFTSYNC_FINGERPRINT_KEY"] = "0f" * 32
        yield lab


def in_the_middle(lab):
    """Start a sync, and return it when a first batch is saved and others are to come."""
    syncing = subprocess.Popen(
        [sys.executable, "-m", "craftsync", "sync"],
        env={**PATHS, **lab.environ},
        stderr=subprocess.PIPE,
        text=True,
        cwd=lab.folder,
    )
    until = time.monotonic() + 60
    while not (saved := lab.column("select count(*) from execution")[0]):
        assert time.monotonic() < until
        assert syncing.poll() is None, syncing.communicate()
        time.sleep(0.05)
    assert saved < 700
    return syncing, saved


def ends_as_undisturbed(lab, tmp_path):
    """Sync again; what is there is what a sync that nobody disturbed leaves."""
    again = craftsync(lab, "sync")
    assert again.returncode == 0, again.stderr
    undisturbed = tmp_path / "undisturbed.db"
    assert craftsync(lab, "sync", "--store", str(undisturbed)).returncode == 0
    assert lines_of(lab.store) == lines_of(undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("back_again", [False, True], ids=["stopped", "restarted"])
def test_a_server_stopped_in_mid_run_keeps_what_was_committed(slow, postgres, tmp_path, back_again):
    syncing, saved = in_the_middle(slow)
    postgres.stop()
    try:
        if back_again:
            postgres.start()
        _, told = syncing.communicate(timeout=120)
        assert syncing.returncode == 8, told
        assert "Traceback" not in told
        assert "error: The store postgresql://" in told
    finally:
        syncing.kill()
        syncing.communicate()
        if not back_again:
            postgres.start()
    assert slow.column("select count(*) from execution")[0] >= saved
    ends_as_undisturbed(slow, tmp_path)
    assert slow.column("select outcome from sync_runs order by run_id")[0] == "interrupted"


@pytest.mark.long
def test_sessions_ended_by_an_administrator_end_the_run(slow, postgres, tmp_path):
    syncing, saved = in_the_middle(slow)
    with postgres.connect("postgres") as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'craftsync %'"
        )
    _, told = syncing.communicate(timeout=120)
    assert (syncing.returncode, "Traceback" in told) == (8, False), told
    assert slow.column("select count(*) from execution")[0] >= saved
    ends_as_undisturbed(slow, tmp_path)


@pytest.mark.long
def test_a_sync_killed_in_mid_run_is_gone_on_with(slow, tmp_path):
    syncing, _ = in_the_middle(slow)
    syncing.send_signal(signal.SIGKILL)
    syncing.communicate()
    ends_as_undisturbed(slow, tmp_path)


def test_what_is_held_is_told_while_the_next_run_waits(made):
    made.sync()
    made.world.advance(HOUR)
    assert craftsync(made, "status", "--max-age", "2h").returncode in (0, 5)


@pytest.mark.parametrize(
    ("limit", "sentence", "hint"),
    [
        ("lock_timeout", "is locked by another program", "pg_stat_activity"),
        (
            "statement_timeout",
            "stopped a statement that took too long",
            'psql -c "alter role current_user set statement_timeout = 0"',
        ),
    ],
)
def test_a_server_that_does_not_wait_for_ever(made, database, postgres, limit, sentence, hint):
    name = database.rpartition("/")[2]
    with postgres.connect("postgres") as connection:
        connection.execute(f"alter database {name} set {limit} = '100ms'")
    with postgres.connect(name) as other, other.transaction():
        other.execute("lock table environment in access exclusive mode")
        for words in (("sync",), ("sql", "select 1")):
            told = said(made, database, *words)
            assert sentence in told
            assert hint in told


def noted(flaw):
    flaw.add_note("encoding with 'idna' codec failed")
    return flaw


@pytest.mark.parametrize(
    "flaw",
    [
        UnicodeError("encoding with 'idna' codec failed (UnicodeError: label empty or too long)"),
        noted(UnicodeError("label empty or too long")),
        noted(UnicodeEncodeError("idna", "a..x", 2, 3, "label empty")),
    ],
    ids=["3.11", "3.12", "3.13"],
)
def test_a_host_that_is_none_is_a_setting_in_the_words_of_any_python(flaw):
    url = engine.address("postgresql://a..x/history")
    with pytest.raises(BadSettings, match="no name of a host"), engine.store_errors(url):
        raise flaw
    with pytest.raises(UnicodeError, match="elsewhere"), engine.store_errors(url):
        raise UnicodeError("elsewhere")


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("do $$ begin raise sqlstate '40P01'; end $$", "was wanted by another program"),
        ("do $$ begin raise sqlstate '58030'; end $$", "could not read or write its disk"),
        ("do $$ begin raise sqlstate 'XX001'; end $$", "is damaged on its server"),
        ("do $$ begin raise sqlstate '25P03'; end $$", "ended a transaction"),
    ],
)
def test_what_a_server_cannot_help_is_a_sentence(empty, statement, sentence):
    url = engine.address(empty)
    writer = engine.writer(url)
    try:
        with pytest.raises(StoreUnusable, match=sentence), engine.store_errors(url):
            with writer.begin() as connection:
                connection.exec_driver_sql(statement)
    finally:
        writer.dispose()

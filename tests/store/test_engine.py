"""Opening a store: who may write, what rolls back, what an error means."""

import os
import sqlite3
import stat
import threading
from contextlib import closing, contextmanager, suppress

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError
from store.made import NOON, on_a_file

from craftsync.errors import BadSettings, StoreUnusable
from craftsync.store import engine, peek, snapshot


@contextmanager
def umask(bits):
    before = os.umask(bits)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("store", "database"),
    [
        ("/data/history.db", "/data/history.db"),
        ("sqlite:////data/history.db", "/data/history.db"),
        ("sqlite+pysqlite:////data/history.db", "/data/history.db"),
        ("/data/a b%20c?d#e.db", "/data/a b%20c?d#e.db"),
    ],
)
def test_a_path_and_a_url_name_the_same_file(store, database):
    assert engine.address(store).database == database


def test_a_relative_path_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert engine.address("history.db").database == str(tmp_path / "history.db")
    assert engine.address("sqlite:///history.db").database == str(tmp_path / "history.db")


def test_postgresql_is_spoken_to_by_psycopg():
    assert engine.address("postgresql://mia@host/craft").drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "store", ["", "-", "sqlite://", "sqlite:///:memory:", "mysql://host/x", "x://"]
)
def test_what_cannot_hold_a_store_is_refused(store):
    with pytest.raises(BadSettings):
        engine.address(store)


@pytest.mark.parametrize(
    "store",
    [
        "sqlite+pysqlcipher://:canary@//tmp/x/enc.db",
        "sqlite+pysqlcipher:////tmp/x/enc.db",
        "sqlite+aiosqlite:////tmp/x/h.db",
        "sqlite://canary@/x/h.db",
        "sqlite://mia:canary@host/x/h.db",
        "sqlite+pysqlite://:canary@//tmp/x/h.db",
        "sqlite://host/x/h.db",
        "sqlite://history.db",
    ],
)
def test_a_store_in_a_file_has_no_host_no_user_and_no_other_driver(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for refused in (
        lambda: engine.address(store),
        lambda: peek.figures(store, now=NOON),
        lambda: snapshot.look(store).__enter__(),
    ):
        with pytest.raises(BadSettings) as caught:
            refused()
        assert "sqlite:////path/to/history.db" in caught.value.hint
        assert "canary" not in f"{caught.value} {caught.value.hint}"
    assert not list(tmp_path.iterdir())


def test_a_password_is_never_shown():
    assert "hunter2" not in engine.place(engine.address("postgresql://mia:hunter2@host/craft"))
    with pytest.raises(BadSettings) as caught:
        engine.address("postgresql://mia:hunter2@host:port/craft")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("bits", [0o000, 0o022, 0o077])
def test_a_store_is_for_its_user_alone_whatever_the_umask(tmp_path, bits):
    path = tmp_path / "new" / "deep" / "history.db"
    with umask(bits):
        opened = engine.writer(engine.address(path))
        with opened.begin() as connection:
            connection.execute(text("create table some (a)"))
            beside = [path, path.with_name("history.db-wal"), path.with_name("history.db-shm")]
            assert [mode_of(file) for file in beside] == [0o600] * 3
        opened.dispose()
    assert mode_of(path.parent) == mode_of(path.parent.parent) == 0o700


def test_a_name_may_hold_what_a_url_may_not(tmp_path):
    path = tmp_path / "a?b#c%20d é.db"
    opened = engine.writer(engine.address(path))
    with opened.begin() as connection:
        connection.execute(text("create table some (a)"))
    opened.dispose()
    assert path.exists()


def test_a_failed_create_table_leaves_nothing_behind(writer):
    with writer.connect() as connection:
        connection.execute(text("create table half (a integer)"))
        connection.rollback()
    with writer.connect() as connection:
        assert "half" not in inspect(connection).get_table_names()


def test_a_reader_does_not_wait_for_a_writer_and_sees_one_snapshot(writer, reader):
    count = text("select count(*) from counter")
    with writer.begin() as writing, reader.connect() as reading:
        before = reading.scalar(count)
        writing.execute(text("insert into counter values ('more', 0)"))
        assert reading.scalar(count) == before


def test_a_reader_cannot_write(url, reader):
    with (
        pytest.raises(StoreUnusable, match="read-only"),
        engine.store_errors(url),
        reader.begin() as connection,
    ):
        connection.execute(text("insert into counter values ('more', 0)"))


@on_a_file
def test_a_durable_commit_is_synchronous_and_the_next_is_not(writer):
    with engine.durable_transaction(writer) as connection:
        assert connection.scalar(text("pragma synchronous")) == 2
        connection.execute(text("insert into counter values ('more', 0)"))
    with writer.begin() as connection:
        assert connection.scalar(text("pragma synchronous")) == 1
        assert connection.scalar(text("select value from counter where name = 'more'")) == 0


def test_a_durable_transaction_that_fails_is_rolled_back(writer):
    more = text("insert into counter values ('more', 0)")
    with suppress(IntegrityError), engine.durable_transaction(writer) as connection:
        connection.execute(more)
        connection.execute(more)
    with writer.begin() as connection:
        assert connection.scalar(text("select count(*) from counter where name = 'more'")) == 0


@on_a_file
def test_a_writer_enforces_foreign_keys_and_a_migrator_does_not(url, writer):
    migrator = engine.migrator(url)
    with writer.connect() as one, migrator.connect() as other:
        assert one.scalar(text("pragma foreign_keys")) == 1
        one.rollback()
        assert other.scalar(text("pragma foreign_keys")) == 0
    migrator.dispose()


def opened_to_read(path):
    url = engine.address(path)
    opened = engine.reader(url)
    try:
        with engine.store_errors(url), opened.connect() as connection:
            connection.scalar(text("select count(*) from log_line"))
    finally:
        opened.dispose()


def test_a_missing_store_says_how_to_make_one(tmp_path):
    with pytest.raises(StoreUnusable, match="no store") as caught:
        opened_to_read(tmp_path / "none.db")
    assert caught.value.hint == "craftsync sync"
    assert not (tmp_path / "none.db").exists()


def test_a_folder_is_no_store(tmp_path):
    with pytest.raises(StoreUnusable, match="is a folder"):
        opened_to_read(tmp_path)


def test_a_text_file_is_no_store(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, by far\n" * 100)
    with pytest.raises(StoreUnusable, match="not a store of craftsync"):
        opened_to_read(path)


def test_a_damaged_store_says_so(tmp_path, template):
    path = tmp_path / "history.db"
    content = bytearray(template.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    path.write_bytes(content)
    with pytest.raises(StoreUnusable, match="damaged"):
        opened_to_read(path)


@on_a_file
def test_a_full_disk_says_that_what_was_saved_stays(url, writer):
    big = text("insert into counter values ('x', zeroblob(1000000))")
    with writer.connect() as connection:
        pages = connection.scalar(text("pragma page_count"))
        connection.execute(text(f"pragma max_page_count = {pages}"))
        with pytest.raises(StoreUnusable, match="full") as caught, engine.store_errors(url):
            connection.execute(big)
    assert caught.value.hint.startswith("df -h ")


@on_a_file
def test_a_store_locked_by_another_program_says_so(url, writer):
    with closing(sqlite3.connect(url.database, isolation_level=None)) as other:
        other.execute("begin immediate")
        with writer.connect() as connection:
            connection.connection.driver_connection.execute("pragma busy_timeout = 1")
            with pytest.raises(StoreUnusable, match="locked"), engine.store_errors(url):
                connection.execute(text("select 1"))


def test_a_bug_keeps_its_traceback(url, writer):
    with (
        pytest.raises(Exception, match=r"no such table|does not exist") as caught,
        engine.store_errors(url),
        writer.connect() as connection,
    ):
        connection.execute(text("select * from nowhere"))
    assert not isinstance(caught.value, StoreUnusable)


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusable, match="cannot be made"):
        engine.writer(engine.address(tmp_path / "file" / "history.db")).connect()


def test_an_engine_serves_many_threads(writer):
    met = []

    def read():
        with writer.connect() as connection:
            met.append(connection.scalar(text("select count(*) from counter")))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(met)) == 1

"""`craftsync db copy`: a store moved to the other engine, row by row the same."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import psycopg
import pytest
from lab import HOUR
from lab import lab as make_lab
from query.words import PATHS, craftsync

from craftsync.errors import StoreUnusable
from craftsync.simulator import World
from craftsync.store import dump, engine, peek, schema


@pytest.fixture
def here(tmp_path):
    """A lab with a store in a file that was synced twice."""
    with make_lab(tmp_path, World(seed=3, executions=40)) as lab:
        lab.sync()
        lab.world.advance(HOUR)
        lab.sync()
        yield lab


def sha256_of(place):
    reader = engine.reader(engine.address(place))
    with reader.connect() as connection:
        digest = dump.canonical_sha256(connection)
    reader.dispose()
    return digest


def identity(lab):
    return lab.one("select store_id, fingerprint_key from store_identity")


def test_there_and_back_every_table_is_the_same(here, empty):
    there = craftsync(here, "db", "copy", str(here.store), empty, "--verify", "--format", "json")
    assert there.returncode == 0, there.stderr
    back = here.folder / "back.db"
    again = craftsync(here, "db", "copy", empty, str(back), "--verify", "--format", "json")
    assert again.returncode == 0, again.stderr
    assert json.loads(there.stdout) == json.loads(again.stdout)
    shown = {row["table"]: row["rows"] for row in json.loads(there.stdout)}
    assert shown["execution"] == here.column("select count(*) from execution")[0] > 40
    assert shown["log_line"] > 100
    assert sha256_of(here.store) == sha256_of(empty) == sha256_of(back)
    assert back.stat().st_mode & 0o777 == 0o600


def test_the_copy_is_the_same_store_and_is_looked_through_by_its_next_sync(here, empty):
    craftsync(here, "db", "copy", str(here.store), empty)
    before = identity(here)
    here.store = here.environ["CRAFTSYNC_STORE"] = empty
    assert identity(here) == before
    assert here.column("select count(*) from scope where listing_sha256 is not null") == [0]
    outcome = here.sync()
    assert (outcome.exit_code, outcome.run_id) == (0, 3)
    here.world.add_execution("fraud-detect")
    here.world.advance(HOUR)
    assert here.sync().new >= 1


def test_what_holds_something_is_refused_and_stays(here, database, tmp_path):
    url = engine.address(database)
    craftsync(here, "sync", "--store", database)
    held = peek.figures(database, now=here.world.now)
    refused = craftsync(here, "db", "copy", str(here.store), database)
    assert refused.returncode == 4
    assert "another store" in refused.stderr
    assert peek.figures(database, now=here.world.now) == held
    assert schema.current(url) == schema.head()


def test_a_copy_that_is_there_is_not_copied_over(here, empty):
    craftsync(here, "db", "copy", str(here.store), empty)
    refused = craftsync(here, "db", "copy", str(here.store), empty)
    assert (refused.returncode, "a copy of this store already" in refused.stderr) == (4, True)
    itself = craftsync(here, "db", "copy", str(here.store), str(here.store))
    assert itself.returncode == 2


def begin(lab, target):
    return subprocess.Popen(
        [sys.executable, "-m", "craftsync", "db", "copy", str(lab.store), target],
        env={**PATHS, **lab.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=lab.folder,
    )


def grown(here):
    """Give the store so many log lines that a copy of them takes a while."""
    with closing(sqlite3.connect(here.store)) as connection:
        ((key,),) = connection.execute("select max(execution_key) from log_line").fetchall()
        connection.executemany(
            "insert into log_line values (?, ?, 0, null, null, null, 'a line', null)",
            ((key, 1_000_000 + number) for number in range(60_000)),
        )
        connection.commit()


def killed_on_the_way(here, target, database):
    copying = begin(here, target)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with database.connect(target.rpartition("/")[2]) as connection:
                ((lines,),) = connection.execute("select count(*) from log_line").fetchall()
            if lines > 5_000:
                break
        except psycopg.Error:
            pass  # it has no tables yet
    copying.send_signal(signal.SIGKILL)
    assert copying.wait() == -signal.SIGKILL
    return lines


def test_a_copy_that_was_killed_is_no_store_and_goes_on_where_it_ended(here, empty, postgres):
    grown(here)
    lines = killed_on_the_way(here, empty, postgres)
    with pytest.raises(StoreUnusable, match="did not come to its end"):
        schema.require_current(engine.address(empty))
    assert craftsync(here, "sync", "--store", empty).returncode == 8
    with postgres.connect(empty.rpartition("/")[2]) as connection:
        connection.execute("update log_line set message = 'was there' where line_number = 1000001")
    done = craftsync(here, "db", "copy", str(here.store), empty, "--format", "json")
    assert done.returncode == 0, done.stderr
    counted = {row["table"]: row["rows"] for row in json.loads(done.stdout)}
    assert counted["log_line"] >= 60_000 > lines
    with postgres.connect(empty.rpartition("/")[2]) as connection:
        kept = connection.execute("select count(*) from log_line where message = 'was there'")
        assert kept.fetchone() == (1,)


@pytest.mark.long
def test_a_killed_copy_of_a_store_that_went_on_begins_anew(here, empty, postgres):
    grown(here)
    killed_on_the_way(here, empty, postgres)
    here.world.advance(HOUR)
    here.sync()
    done = craftsync(here, "db", "copy", str(here.store), empty, "--verify")
    assert done.returncode == 0, done.stderr
    assert sha256_of(empty) == sha256_of(here.store)


@pytest.mark.long
def test_half_a_copy_of_another_store_is_refused(here, empty, postgres, tmp_path_factory):
    grown(here)
    killed_on_the_way(here, empty, postgres)
    with make_lab(
        tmp_path_factory.mktemp("other"), World(seed=4, executions=5), begun=False
    ) as other:
        other.sync()
        refused = craftsync(other, "db", "copy", str(other.store), empty)
    assert (refused.returncode, "half a copy of another store" in refused.stderr) == (4, True)


def test_a_copy_that_is_not_what_was_copied_is_named(here, empty, postgres):
    from craftsync.store import copying

    told = []

    def spoil(table, rows):
        told.append(table)
        if table == "step":
            with postgres.connect(empty.rpartition("/")[2]) as connection:
                connection.execute("update step set status = 'odd' where position = 0")

    source, target = engine.address(here.store), engine.address(empty)
    with pytest.raises(StoreUnusable, match=r"The table step in .* is not what was copied"):
        list(copying.copy(source, target, verify=True, progress=spoil))
    assert "step" in told

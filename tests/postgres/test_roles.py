"""Least rights: the roles of docs/postgres-roles.sql do what they are for, and nothing else."""

from pathlib import Path

import psycopg
import pytest
from lab import HOUR
from lab import lab as make_lab
from query.test_replica import agrees
from query.words import craftsync

from craftsync.simulator import World

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def roles(postgres):
    """A database with the two roles in it; roles belong to the whole server."""
    name = postgres.create()
    with postgres.connect(name) as connection:
        connection.execute((DOCS / "postgres-roles.sql").read_text())
    yield name
    postgres.drop(name)
    with postgres.connect("postgres") as connection:
        connection.execute("drop role craftsync_sync")
        connection.execute("drop role craftsync_reader")


@pytest.fixture(scope="module")
def made(tmp_path_factory, postgres, roles):
    """A lab whose sync has just its role, and after it the reader's rights are narrowed."""
    store = postgres.address(roles, "craftsync_sync")
    folder, world = tmp_path_factory.mktemp("roles"), World(seed=1, executions=20)
    with make_lab(folder, world, store=store) as lab:
        assert craftsync(lab, "sync").returncode == 0
        with postgres.connect(roles) as connection:
            connection.execute((DOCS / "postgres-reader.sql").read_text())
        yield lab


@pytest.fixture
def reading(made, postgres, roles):
    """The same lab in the hands of a reader."""
    before = made.store
    made.store = made.environ["CRAFTSYNC_STORE"] = postgres.address(roles, "craftsync_reader")
    yield made
    made.store = made.environ["CRAFTSYNC_STORE"] = before


def test_the_sync_role_mirrors_and_upgrades(made):
    made.world.advance(HOUR)
    assert craftsync(made, "sync").returncode == 0
    assert craftsync(made, "db", "upgrade").returncode == 0


def test_the_sync_role_makes_nothing_outside_of_its_schema(made, postgres, roles):
    with postgres.connect(roles, "craftsync_sync") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create table public.mine (a integer)")


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("runs", "--limit", "2"),
        ("runs", "--where", "out.score > 0.5"),
        ("deployments",),
        ("db", "current"),
        ("db", "dump", "--canonical"),
        ("sql", "select count(*) from logs"),
        ("search", "error"),
    ],
    ids=" ".join,
)
def test_a_reader_asks_everything(reading, words):
    done = craftsync(reading, *words)
    assert done.returncode == 0, done.stderr


def test_a_reader_sees_the_same_as_the_one_who_mirrors(reading):
    agrees(reading)


def test_a_reader_mirrors_nothing_and_is_told_so(reading):
    reading.world.advance(HOUR)
    refused = craftsync(reading, "sync")
    assert refused.returncode == 8
    assert "read-only" in refused.stderr or "may not" in refused.stderr


def test_a_reader_does_not_see_the_key_of_the_fingerprints(reading):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reading.rows("select fingerprint_key from store_identity")
    refused = craftsync(reading, "verify", "--sample", "5%")
    assert (refused.returncode, "may not be used by this user" in refused.stderr) == (8, True)


def test_a_reader_can_write_nothing_even_where_it_asks_to(reading, postgres, roles):
    with postgres.connect(roles, "craftsync_reader") as connection:
        connection.execute("set default_transaction_read_only = off")
        for sql in ("delete from step", "update execution set status = 'x'", "drop view runs"):
            with pytest.raises(psycopg.Error):
                connection.execute(sql)


def test_a_reader_still_reads_after_the_views_were_made_anew(reading, postgres, roles):
    with postgres.connect(roles, "craftsync_sync") as connection:
        (definition,) = connection.execute("select pg_get_viewdef('logs'::regclass)").fetchone()
        connection.execute("drop view logs")
        connection.execute(f"create view logs as {definition}")
    assert reading.rows("select count(*) n from logs")[0]["n"] > 0

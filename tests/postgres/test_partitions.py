"""Log lines in partitions, as docs/postgres-partitions.sql makes them: nobody sees a difference."""

import json
import re
from pathlib import Path

import psycopg
import pytest
from lab import HOUR, Lab
from query.test_replica import agrees
from query.words import craftsync

from craftsync.simulator.lines import Line
from craftsync.store import dump, engine

SQL = (Path(__file__).parents[2] / "docs" / "postgres-partitions.sql").read_text()


def part(made):
    """Run the script as its user does."""
    with psycopg.connect(made.store, autocommit=True) as server:
        server.execute(SQL)


def partitions(made):
    """How many log lines each partition holds."""
    return {
        row["of_it"]: row["lines"]
        for row in made.rows(
            "select p.inhrelid::regclass::text as of_it, count(l.execution_key) as lines"
            " from pg_inherits p left join log_line l on l.tableoid = p.inhrelid"
            " where p.inhparent = 'log_line'::regclass group by p.inhrelid order by p.inhrelid"
        )
    }


def lines_of_dump(made):
    reader = engine.reader(engine.address(made.store))
    try:
        with reader.connect() as connection:
            return list(dump.canonical_lines(connection))
    finally:
        reader.dispose()


def logs_of(made):
    """The log lines of the dump; each store has a key of its own for its fingerprints."""
    told = (line for line in lines_of_dump(made) if line.startswith('{"relation":"logs"'))
    return [re.sub(r"redacted:\w+", "redacted", line) for line in told]


@pytest.mark.long
def test_a_parted_store_is_the_same_store_and_mirrors_on(calm):
    calm.sync()
    agrees(calm)
    before = lines_of_dump(calm)
    (lines,) = calm.column("select count(*) from logs")

    part(calm)
    assert list(partitions(calm).values()) == [lines, 0]
    assert lines_of_dump(calm) == before
    assert calm.column("select count(*) from logs") == [lines]
    part(calm)  # nothing came since
    assert list(partitions(calm).values()) == [lines, 0]

    new = calm.world.add_execution("fraud-detect").execution_id
    old = calm.column("select execution_id from executions where logs_state = 'ok' limit 1")[0]
    calm.world.append_lines(old, [Line(int(calm.world.now.timestamp()) * 10**9, "one more")])
    calm.world.advance(HOUR)
    assert calm.sync(full=True).failed == ()
    (of_new,) = calm.column("select count(*) from logs where execution_id = ?", new)
    assert of_new > 0
    assert list(partitions(calm).values()) == [lines + 1, of_new]
    agrees(calm)

    part(calm)
    assert list(partitions(calm).values()) == [lines + 1, of_new, 0]
    assert craftsync(calm, "db", "upgrade").returncode == 0
    told = craftsync(calm, "sql", "select count(*) n from logs", "--json")
    assert json.loads(told.stdout) == [{"n": lines + 1 + of_new}]
    (calm.folder / "other").mkdir()
    fresh = Lab(calm.world, calm.server, calm.folder / "other")
    fresh.sync()
    assert logs_of(fresh) == logs_of(calm) != []


def test_an_empty_store_is_parted_too_and_constraints_keep_their_names(calm):
    part(calm)
    calm.sync()
    part(calm)
    held = calm.column(
        "select conname from pg_constraint where conrelid = 'log_line'::regclass and contype in"
        " ('p', 'f') order by conname"
    )
    assert held == ["fk_log_line_execution_key_execution", "pk_log_line"]
    (before, after) = partitions(calm).values()
    assert (before, after) == (calm.column("select count(*) from logs")[0], 0)

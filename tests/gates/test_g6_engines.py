"""G6: the same worlds mirrored into SQLite and PostgreSQL leave the same, line by line."""

import itertools
from contextlib import contextmanager

import pytest
from lab import DAY, HOUR
from lab import lab as make_lab

from craftsync.records import PartState
from craftsync.simulator import World
from craftsync.store import dump, engine, relations

KEY = "5a" * 32  # of the fingerprints: each store draws its own otherwise
IN_TEST, IN_TEST_ALL = range(5), range(5, 100)


def worlds(seeds, *marks):
    return [pytest.param(seed, marks=marks, id=f"world-{seed}") for seed in seeds]


@pytest.fixture
def two(tmp_path, database):
    """Make two labs over one world: a store in a file, and one on the server."""

    @contextmanager
    def make(world):
        with make_lab(tmp_path, world) as first:
            second = type(first)(world, first.server, tmp_path, database)
            for lab in (first, second):
                lab.environ["CRAFTSYNC_FINGERPRINT_KEY"] = KEY
            yield first, second

    return make


def lines_of(lab):
    reader = engine.reader(engine.address(lab.store))
    with reader.connect() as connection:
        lines = list(dump.canonical_lines(connection))
    reader.dispose()
    return lines


def rows_of(lab, relation):
    """The rows of a public relation, all columns of it: the clock is the world's in both."""
    left_out = {"requests", "bytes_received"}
    rows = lab.rows(f"select * from {relation.name}")
    shown = ({name: row[name] for name in row if name not in left_out} for row in rows)
    return sorted(map(repr, shown))


def figures_of(lab):
    """What `status` tells, without where the store is."""
    told = lab.app.status()
    return {name: told[name] for name in told if name != "store"}


def report_of(lab):
    """Every figure of a report over a week, asked through a replica."""
    app = lab.app
    return app.report(since=app.now() - 7 * DAY, until=app.now())


def live(lab, number):
    """Let the world go on, each time in another way."""
    lab.world.advance(HOUR / 4)
    if number == 0:
        lab.world.add_execution("fraud-detect")
        lab.world.recreate_execution(lab.column("select min(execution_id) from executions")[0])
    else:
        lab.world.recreate_deployment(lab.column("select min(deployment_name) from deployments")[0])
        lab.world.delete_execution(lab.column("select max(execution_id) from executions")[0])


@pytest.mark.parametrize("seed", [*worlds(IN_TEST), *worlds(IN_TEST_ALL, pytest.mark.long)])
def test_both_engines_hold_the_same(two, figures, seed):
    world = World(seed=seed, executions=25)
    with two(world) as (here, there):
        for number in itertools.count():
            ends = [lab.sync(accept_vanished=1000) for lab in (here, there)]
            assert ends[0].failed == ends[1].failed
            # A log of just a hundred lines in one millisecond may have more of them, both say.
            assert {flaw.why for flaw in ends[0].failed} <= {PartState.CAPPED}
            assert [end.exit_code for end in ends] == [3 if ends[0].failed else 0] * 2
            if number == 2:
                break
            live(here, number)
        found, other = lines_of(here), lines_of(there)
        assert other == found
        assert len(found) > 200
        for relation in relations.PUBLIC:
            assert rows_of(there, relation) == rows_of(here, relation), relation.name
        assert figures_of(there) == figures_of(here)
        assert report_of(there) == report_of(here)
    figures(
        "G6", "worlds into both engines", each=f"world {seed:2}", lines=len(found), differences=0
    )

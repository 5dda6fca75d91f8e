"""Deletes upstream, proved by what a server holds: the same rules, the same audit."""

import pytest
from journeys.erasing import allow, an_estate, deletes, erased, planned
from lab import DAY, HOUR
from lab import lab as make_lab
from query.test_replica import agrees

from craftsync.errors import Busy, Refused
from craftsync.store import engine
from craftsync.store.lock import lock
from craftsync.sync.events import Listed

LONG = 97 * DAY + 2 * HOUR
WHICH = "object_id, outcome, reason, proof_sha256"


@pytest.fixture
def there(tmp_path, database):
    """Eight old executions, mirrored into PostgreSQL on the world's clock; deletes are allowed."""
    with make_lab(tmp_path, an_estate(), store=database) as made:
        assert made.sync().outcome == "complete"
        yield allow(made)


def test_what_is_proved_held_is_deleted_and_stays_held(there):
    plan = planned(there, 96 * DAY)
    assert erased(there, plan) == {f"t{number}": "deleted" for number in range(4)}
    assert sorted(deletes(there)) == [f"executions/t{number}" for number in range(4)]
    told = there.rows(f"select {WHICH} from deletions order by object_id")
    assert [(row["object_id"], row["outcome"]) for row in told] == [
        (f"t{number}", "deleted") for number in range(4)
    ]
    gone = there.rows("select gone_cause, count(*) n from executions group by 1 order by 1")
    assert [tuple(row.values()) for row in gone] == [("deleted_by_craftsync", 4), (None, 4)]
    agrees(there)
    assert there.sync().exit_code == 0


def test_a_plan_of_executions_with_files_is_written_and_read_again(there):
    plan = planned(there, 96 * DAY)
    assert min(item.bytes for item in plan.delete) > 0
    app = there.app
    with app.reading() as conn:
        assert app.read_plan(conn, app.sealed(conn, plan).encode()) == plan


def test_what_was_changed_here_behind_our_back_is_not_deleted(there, postgres):
    plan = planned(there, 96 * DAY)
    with postgres.connect(str(there.store).rpartition("/")[2]) as connection:
        connection.execute(
            "update log_line set message = 'odd' where line_number = 1 and execution_key ="
            " (select key from execution where execution_id = 't1')"
        )
    assert erased(there, plan)["t1"] == "changed"
    assert "executions/t1" not in deletes(there)


def test_only_the_environment_of_a_plan_is_locked(there):
    plan = planned(there, 97 * DAY)
    url = engine.address(there.store)
    with lock(url, ["default"]), pytest.raises(Busy):
        erased(there, plan)
    assert deletes(there) == []
    with lock(url, ["another"]):
        assert set(erased(there, plan).values()) == {"deleted"}


def test_a_sync_that_died_since_leaves_no_base_and_one_at_work_takes_none_away(there):
    plan = planned(there, LONG)
    there.world.advance(HOUR)

    def look_and_die(event):
        if isinstance(event, Listed):
            assert planned(there, LONG).count == plan.count
            raise SystemExit

    app = there.app
    environments = app.settings.environments_to_use()
    with pytest.raises(SystemExit):
        app.sync(environments, app.sync_options(), listener=look_and_die)
    for act in (lambda: planned(there, LONG), lambda: erased(there, plan)):
        with pytest.raises(Refused, match="a later sync that ended unseen"):
            act()
    assert deletes(there) == []
    there.sync()
    assert planned(there, LONG).count == plan.count

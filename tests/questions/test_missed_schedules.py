"""Which instants of a cron expression no run came after in time."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from lab import HOUR, lab

from craftsync.query import catalog, schedules
from craftsync.simulator import World

BORN = "2026-03-01"
DAILY = "0 6 * * *"


def deploy(history, schedule=DAILY, *, name="nightly", enabled=True, born=BORN, **more):
    """Add a deployment that was seen from its birth until now, and its only version."""
    history.add(
        "deployments", deployment_name=name, created_at=born, pipeline_name="train",
        is_enabled=enabled, schedule=schedule,
        **{"first_seen_at": born, "last_seen_at": "2026-04-01", **more},
    )  # fmt: skip
    if schedule is not None:
        version(history, born, None, schedule, name=name, enabled=enabled, born=born)


def version(history, valid_from, valid_to, schedule, *, name="nightly", enabled=True, born=BORN):
    """Add a version of a deployment's settings."""
    history.add(
        "deployment_versions", deployment_name=name, deployment_created_at=born,
        valid_from=valid_from, valid_to=valid_to, changed="[]",
        settings=json.dumps({"schedule": schedule, "is_enabled": enabled}),
    )  # fmt: skip


def came(history, *instants, born=BORN, **more):
    """Add runs at these instants."""
    for at in instants:
        history.run(at=at, deployment_created_at=datetime.fromisoformat(born), **more)


WEEK = {"since": "2026-03-10", "until": "2026-03-13"}


def test_a_run_within_the_grace_is_in_time_and_one_after_it_is_late(history):
    deploy(history)
    came(history, "2026-03-10 06:00", "2026-03-11 06:10", "2026-03-12 06:10:00.000001")
    assert history.ask("missed_schedules", **WEEK) == [
        {
            "environment": "prod",
            "deployment_name": "nightly",
            "pipeline_name": "train",
            "schedule": DAILY,
            "expected_at": datetime(2026, 3, 12, 6),
            "next_seen_at": datetime(2026, 3, 12, 6, 10, 0, 1),
            "late_s": 600.000001,
            "is_enabled": True,
        }
    ]


def test_a_run_before_the_instant_does_not_stand_for_it(history):
    deploy(history)
    came(history, "2026-03-10 05:59", "2026-03-11 06:00")
    rows = history.ask("missed_schedules", since="2026-03-10", until="2026-03-12")
    assert [(row["expected_at"].day, row["late_s"]) for row in rows] == [(10, 86400.0)]


def test_what_never_came_has_no_next(history):
    deploy(history)
    rows = history.ask("missed_schedules", **WEEK)
    assert [(row["expected_at"].day, row["next_seen_at"]) for row in rows] == [
        (10, None), (11, None), (12, None),
    ]  # fmt: skip


def test_a_changed_schedule_is_not_a_missed_one(history):
    deploy(history, None)
    version(history, BORN, "2026-03-11 12:00", DAILY)
    version(history, "2026-03-11 12:00", None, "0 18 * * *")
    came(history, "2026-03-10 06:00", "2026-03-11 06:00", "2026-03-12 18:00")
    rows = history.ask("missed_schedules", since="2026-03-10", until="2026-03-13")
    assert [(row["expected_at"], row["schedule"]) for row in rows] == [
        (datetime(2026, 3, 11, 18), "0 18 * * *")
    ]


def test_nothing_is_expected_of_what_is_disabled(history):
    deploy(history, None, enabled=True)
    version(history, BORN, "2026-03-11", DAILY, enabled=False)
    version(history, "2026-03-11", "2026-03-12", DAILY, enabled=None)
    version(history, "2026-03-12", None, DAILY)
    days = [at.day for at in history.column("missed_schedules", "expected_at", **WEEK)]
    assert days == [11, 12]


def test_nothing_is_expected_before_the_first_observation(history):
    deploy(history, first_seen_at="2026-03-11 06:00:01")
    assert [at.day for at in history.column("missed_schedules", "expected_at", **WEEK)] == [12]


def test_nothing_is_missed_that_the_mirror_cannot_know_yet(history):
    deploy(history, last_seen_at="2026-03-11 06:09:59")
    assert [at.day for at in history.column("missed_schedules", "expected_at", **WEEK)] == [10]
    history.duck.execute("update deployments set last_seen_at = timestamp '2026-03-11 06:10'")
    assert [at.day for at in history.column("missed_schedules", "expected_at", **WEEK)] == [10, 11]


def test_the_grace_can_be_asked_for(history):
    deploy(history)
    came(history, "2026-03-10 06:30", "2026-03-11 06:30", "2026-03-12 07:30")
    assert len(history.ask("missed_schedules", **WEEK)) == 3
    assert len(history.ask("missed_schedules", grace="1h", **WEEK)) == 1


def test_runs_of_an_earlier_incarnation_do_not_stand_for_the_later_one(history):
    deploy(history, born="2026-03-11")
    deploy(history, born="2026-03-01", gone_at="2026-03-10 12:00")
    came(history, "2026-03-11 06:00", born="2026-03-01")
    came(history, "2026-03-12 06:00", born="2026-03-11")
    assert [at.day for at in history.column("missed_schedules", "expected_at", **WEEK)] == [11]


@pytest.mark.parametrize(
    "schedule", ["whenever", "", "* * * *", "*/5 * * * * *", "61 * * * *", "@daily", "0 6 31 2 *"]
)
def test_a_schedule_that_cannot_be_read_is_left_out(history, schedule):
    deploy(history, schedule, name="strange")
    deploy(history)
    assert set(history.column("missed_schedules", "deployment_name", **WEEK)) == {"nightly"}


def test_settings_that_are_not_held_expect_nothing(history):
    deploy(history, None)
    history.add(
        "deployment_versions", deployment_name="nightly", deployment_created_at=BORN,
        valid_from=BORN, changed="[]",
    )  # fmt: skip
    assert history.ask("missed_schedules") == []


def test_names_and_environments_narrow_it_and_it_may_be_asked_again(history):
    deploy(history)
    assert history.ask("missed_schedules", pipeline_name="score*", **WEEK) == []
    assert len(history.ask("missed_schedules", pipeline_name="tr*", **WEEK)) == 3
    history.add("environments", environment="staging")
    assert history.ask("missed_schedules", environment="staging", **WEEK) == []


def test_nothing_gives_no_rows(history):
    assert history.ask("missed_schedules") == []


def test_the_instants_of_an_expression_are_half_open():
    found = schedules.instants("*/30 * * * *", datetime(2026, 3, 1, 0, 30), datetime(2026, 3, 1, 2))
    assert list(found) == [datetime(2026, 3, 1, hour, 30 * half) for hour, half in
                           ((0, 1), (1, 0), (1, 1))]  # fmt: skip


def test_a_window_that_begins_within_a_minute_begins_with_the_next():
    begins = datetime(2026, 3, 1, 0, 0, 0, 1)
    found = schedules.instants("* * * * *", begins, begins + timedelta(minutes=2))
    assert list(found) == [datetime(2026, 3, 1, 0, 1), datetime(2026, 3, 1, 0, 2)]


def test_an_instant_that_is_no_day_of_this_window_ends_the_counting():
    assert list(schedules.instants("0 0 29 2 *", datetime(2026, 1, 1), datetime(2027, 1, 1))) == []


def test_every_minute_of_a_month_for_many_deployments_is_counted_in_seconds(history):
    for number in range(50):
        deploy(history, "* * * * *", name=f"d{number}")
    began = time.monotonic()
    schedules.expect(
        history.duck,
        {
            "environment": None,
            "since": datetime(2026, 3, 2),
            "until": datetime(2026, 4, 1),
            "pipeline_name": "*",
        },
    )
    (count,) = history.duck.execute("select count(*) from expected").fetchone()
    assert count == 50 * 30 * 24 * 60
    assert time.monotonic() - began < 10


@pytest.mark.long
def test_a_mirrored_deployment_is_missed_once_its_schedule_asks_for_more(tmp_path):
    with lab(tmp_path, World(seed=1, executions=60)) as made:
        made.sync()
        made.world.advance(5 * HOUR)
        made.sync()
        assert missed_in(made) == []
        changed_at = made.world.now.replace(tzinfo=None)
        made.world.mutate_deployment("churn-hourly", schedule="*/5 * * * *")
        made.sync()
        made.world.advance(2 * HOUR)
        made.sync()
        missed = missed_in(made)
    # It still runs a second after each hour: only the hour itself and five to it are in time.
    assert {schedule for schedule, _ in missed} == {"*/5 * * * *"}
    assert {at.minute for _, at in missed} == set(range(5, 51, 5))
    assert min(at for _, at in missed) >= changed_at


def missed_in(made):
    """Ask a mirrored store on its own clock; pairs of a schedule and an instant."""
    with made.app.asking() as session:
        question = catalog.find("missed_schedules")
        answer = catalog.ask(session.connection, question, {}, made.world.now)
        return [(row[3], row[4]) for row in answer.rows if row[1] == "churn-hourly"]


def test_nothing_is_missed_after_the_last_listing_of_the_pipelines_executions(history):
    """Its deployments may be listed when they are not: then nobody knows what ran."""
    deploy(history)
    came(history, "2026-03-10 06:00")
    history.listed["prod", "train"] = datetime(2026, 3, 11, 7, tzinfo=UTC)
    missed = [row["expected_at"].day for row in history.ask("missed_schedules", **WEEK)]
    assert missed == [11]
    del history.listed["prod", "train"]
    assert history.ask("missed_schedules", **WEEK) == []

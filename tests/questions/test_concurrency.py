"""How many runs went on at once."""

from datetime import datetime

import pytest

MINUTE = 60.0


def levels(history, **asked):
    """Ask for the buckets, with the hour of each."""
    return [
        (row["bucket"].hour, row["running_avg"], row["running_max"], row["queued_max"])
        for row in history.ask("concurrency", **asked)
    ]


def synced(history, at):
    """Say when the environment was last synced."""
    history.add("environments", environment="prod", last_synced_at=at)
    history._environments.add("prod")


def test_overlapping_runs_are_counted_and_averaged_over_the_hour(history):
    history.run(at="2026-03-10 12:00", queue_s=0.0, run_s=30 * MINUTE)
    history.run(at="2026-03-10 12:15", queue_s=0.0, run_s=30 * MINUTE)
    assert history.ask("concurrency") == [
        {
            "environment": "prod",
            "bucket": datetime(2026, 3, 10, 12),
            "running_avg": 1.0,
            "running_max": 2,
            "queued_max": 0,
        }
    ]


def test_a_run_that_begins_when_another_ends_is_not_beside_it(history):
    history.run(at="2026-03-10 12:00", queue_s=0.0, run_s=30 * MINUTE)
    history.run(at="2026-03-10 12:30", queue_s=0.0, run_s=30 * MINUTE)
    assert levels(history) == [(12, 1.0, 1, 0)]


def test_a_long_run_is_in_every_hour_it_touches(history):
    history.run(at="2026-03-10 12:45", queue_s=0.0, run_s=90 * MINUTE)
    history.run(at="2026-03-10 13:30", queue_s=0.0, run_s=6 * MINUTE)
    assert levels(history) == [(12, 0.25, 1, 0), (13, pytest.approx(1.1), 2, 0), (14, 0.25, 1, 0)]


def test_one_that_ends_on_the_hour_is_not_in_the_next(history):
    history.run(at="2026-03-10 12:30", queue_s=0.0, run_s=30 * MINUTE)
    assert levels(history) == [(12, 0.5, 1, 0)]


def test_what_waits_is_queued_until_it_starts(history):
    history.run(at="2026-03-10 12:00", queue_s=90 * MINUTE, run_s=30 * MINUTE)
    history.run(at="2026-03-10 12:30", queue_s=10 * MINUTE, run_s=20 * MINUTE)
    assert levels(history) == [(12, pytest.approx(1 / 3), 1, 2), (13, 0.5, 1, 1)]


def test_what_has_not_ended_goes_on_until_then(history):
    history.run(at="2026-03-10 12:30", queue_s=15 * MINUTE, run_s=None, status="RUNNING")
    history.run(at="2026-03-10 12:30", queue_s=None, status="Pending")
    found = levels(history, until="2026-03-10T14:00:00Z")
    assert found == [(12, 0.25, 1, 2), (13, 1.0, 1, 1)]


def test_what_is_gone_goes_on_until_then_and_no_longer(history):
    gone = {"gone_at": datetime(2026, 3, 10, 13, 30), "gone_cause": "deployment_deleted"}
    synced(history, "2026-03-31")
    history.run(at="2026-03-10 12:30", queue_s=15 * MINUTE, run_s=None, status="RUNNING", **gone)
    history.run(at="2026-03-10 12:30", queue_s=None, status="Pending", **gone)
    assert levels(history) == [(12, 0.25, 1, 2), (13, 0.5, 1, 1)]
    assert levels(history, until="2026-03-10T13:15:00Z") == [(12, 0.25, 1, 2), (13, 1.0, 1, 1)]


def test_what_ended_before_it_was_gone_counts_until_its_end(history):
    gone = {"gone_at": datetime(2026, 3, 10, 18), "gone_cause": "deleted_upstream"}
    history.run(at="2026-03-10 12:00", queue_s=30 * MINUTE, run_s=15 * MINUTE, **gone)
    assert levels(history) == [(12, 0.25, 1, 1)]


@pytest.mark.parametrize("until", ["now", "9999-12-31"])
def test_what_has_not_ended_goes_on_as_far_as_is_known(history, until):
    seen = {"last_seen_at": datetime(2026, 3, 10, 13, 30)}
    history.run(
        at="2026-03-10 12:30", queue_s=0.0, run_s=None, status="Running",
        fetched_at=datetime(2026, 3, 10, 13, 15), **seen,
    )  # fmt: skip
    history.run(at="2026-03-10 13:00", queue_s=0.0, run_s=15 * MINUTE, **seen)
    assert levels(history, since="2026-03-01", until=until) == [(12, 0.5, 1, 0), (13, 1.5, 2, 0)]


def test_a_pipeline_that_is_listed_no_more_does_not_run_on_with_the_others(history):
    history.run(
        at="2026-03-10 12:00", queue_s=0.0, run_s=None, status="Running",
        last_seen_at=datetime(2026, 3, 10, 12, 30),
    )  # fmt: skip
    history.run(at="2026-03-10 13:00", queue_s=0.0, run_s=30 * MINUTE, pipeline="score")
    assert levels(history) == [(12, 0.5, 1, 0), (13, 0.5, 1, 0)]


def test_the_average_of_an_hour_that_is_known_in_part_is_over_that_part(history):
    synced(history, "2026-03-10 12:45")
    history.run(
        at="2026-03-10 12:00", queue_s=0.0, run_s=15 * MINUTE,
        last_seen_at=datetime(2026, 3, 10, 12, 30),
    )  # fmt: skip
    assert levels(history) == [(12, pytest.approx(1 / 3), 1, 0)]


def test_what_ended_without_saying_when_is_not_counted_as_running(history):
    history.run(at="2026-03-10 12:00", queue_s=6 * MINUTE, run_s=None, status="Failed")
    history.run(at="2026-03-10 13:00", queue_s=None, run_s=None, status="Skipped")
    assert levels(history) == [(12, 0.0, 0, 1)]


def test_what_ended_without_a_start_waited_all_its_time(history):
    history.run(
        at="2026-03-10 12:00", queue_s=None, status="error",
        end_date=datetime(2026, 3, 10, 12, 30),
    )  # fmt: skip
    assert levels(history) == [(12, 0.0, 0, 1)]


def test_a_run_that_ended_before_it_began_is_nowhere(history):
    history.run(at="2026-03-10 12:00", queue_s=-60.0, run_s=-60.0)
    assert levels(history) == []


def test_the_average_is_over_the_part_of_the_hour_that_was_asked_for(history):
    history.run(at="2026-03-10 12:45", queue_s=0.0, run_s=10 * MINUTE)
    asked = {"since": "2026-03-10T12:30:00Z", "until": "2026-03-10T12:50:00Z"}
    assert levels(history, **asked) == [(12, 0.25, 1, 0)]


def test_a_start_before_what_was_asked_for_counts_from_there(history):
    history.run(at="2026-03-10 12:00:01", queue_s=-61.0, run_s=31 * MINUTE)  # a clock ahead
    assert levels(history, since="2026-03-10T12:00:00Z") == [(12, 0.5, 1, 0)]


def test_days_can_be_asked_for(history):
    history.run(at="2026-03-10 18:00", queue_s=0.0, run_s=12 * 3600.0)
    rows = history.ask("concurrency", by="day")
    assert [(row["bucket"], row["running_avg"]) for row in rows] == [
        (datetime(2026, 3, 10), 0.25), (datetime(2026, 3, 11), 0.25),
    ]  # fmt: skip


def test_environments_are_counted_apart_and_pipelines_together(history):
    history.run(at="2026-03-10 12:00", queue_s=0.0, run_s=3600.0)
    history.run(at="2026-03-10 12:00", queue_s=0.0, run_s=3600.0, pipeline="score")
    history.run(at="2026-03-10 12:00", queue_s=0.0, run_s=3600.0, environment="staging")
    assert history.column("concurrency", "running_max") == [2, 1]
    assert history.column("concurrency", "running_max", pipeline_name="sc*") == [1]
    assert history.column("concurrency", "environment", environment="staging") == ["staging"]


def test_the_window_is_of_when_a_run_was_asked_for(history):
    history.run(at="2026-03-10 11:59:59", queue_s=0.0, run_s=3600.0)
    history.run(at="2026-03-10 12:00", queue_s=0.0, run_s=1800.0)
    history.run(at="2026-03-10 13:00", queue_s=0.0, run_s=1800.0)
    asked = {"since": "2026-03-10T12:00:00Z", "until": "2026-03-10T13:00:00Z"}
    assert levels(history, **asked) == [(12, 0.5, 1, 0)]


def test_nothing_gives_no_rows(history):
    assert history.ask("concurrency") == []

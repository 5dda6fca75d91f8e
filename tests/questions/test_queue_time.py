import pytest


def test_waits_are_put_together_by_hour_of_the_day(history):
    history.run(at="2026-03-10 08:15", queue_s=10, run_s=90)
    history.run(at="2026-03-11 08:45", queue_s=30, run_s=70)
    history.run(at="2026-03-11 23:00", queue_s=5, run_s=5)
    rows = history.ask("queue_time")
    assert [(row["bucket"], row["n"]) for row in rows] == [("08", 2), ("23", 1)]
    morning = rows[0]
    assert (morning["deployment_name"], morning["queue_p50_s"]) == ("nightly", 20)
    assert morning["queue_p95_s"] == pytest.approx(29)
    assert (morning["queue_max_s"], morning["run_p50_s"]) == (30, 80)
    assert morning["queue_share"] == pytest.approx(40 / 200)


def test_by_day_the_bucket_is_the_date(history):
    history.run(at="2026-03-10 08:00", queue_s=10)
    history.run(at="2026-03-11 08:00", queue_s=20)
    rows = history.ask("queue_time", by="day")
    assert [(row["bucket"], row["queue_max_s"]) for row in rows] == [
        ("2026-03-10", 10), ("2026-03-11", 20),
    ]  # fmt: skip


def test_what_has_not_started_has_not_waited_to_an_end(history):
    history.run(status="Pending", queue_s=None)
    assert history.ask("queue_time") == []


def test_what_still_runs_counts_its_wait_but_not_in_the_share(history):
    history.run(at="2026-03-10 08:00", queue_s=100, run_s=None, status="Running")
    history.run(at="2026-03-10 08:00", queue_s=10, run_s=30)
    (row,) = history.ask("queue_time")
    assert (row["n"], row["queue_max_s"], row["run_p50_s"]) == (2, 100, 30)
    assert row["queue_share"] == pytest.approx(0.25)


def test_a_negative_wait_is_kept_and_is_no_share(history):
    history.run(queue_s=-3, run_s=10)
    (row,) = history.ask("queue_time")
    assert (row["queue_p50_s"], row["queue_share"]) == (-3, 0)


def test_direct_runs_are_a_group_of_their_own_and_filters_hold(history):
    history.run(deployment=None, pipeline="a")
    history.run(deployment="d", pipeline="a")
    history.run(deployment="d", pipeline="b")
    history.run(deployment="d", pipeline="a", environment="staging")
    rows = history.ask("queue_time", environment="prod", pipeline_name="a")
    assert [(row["environment"], row["deployment_name"], row["n"]) for row in rows] == [
        ("prod", None, 1), ("prod", "d", 1),
    ]  # fmt: skip

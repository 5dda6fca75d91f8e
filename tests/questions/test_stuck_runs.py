"""Now is 1 April, midnight. A normal run here takes 60 s and waits 5."""

from datetime import datetime

import pytest


@pytest.fixture
def normal(history):
    for day in (10, 11, 12):
        history.run(at=f"2026-03-{day}")
    return history


def open_run(history, execution_id, at, status="Running", **more):
    return history.run(execution_id, at, status, run_s=None, queue_s=None, **more)


def test_a_run_much_older_than_normal_is_stuck_and_a_young_one_is_not(normal):
    open_run(normal, "old", "2026-03-31 23:00", first_seen_at="2026-03-31 23:05")
    open_run(normal, "young", "2026-03-31 23:45")
    (row,) = normal.ask("stuck_runs")
    assert row == {
        "environment": "prod", "execution_id": "old", "created_at": datetime(2026, 3, 31, 23),
        "pipeline_name": "train", "deployment_name": "nightly", "status": "Running",
        "age_s": 3600.0, "normal_p95_s": 65.0, "ratio": pytest.approx(3600 / 65),
        "last_log_at": None, "first_seen_at": datetime(2026, 3, 31, 23, 5),
    }  # fmt: skip


def test_as_long_as_normal_is_not_stuck(history):
    for day in (10, 11):
        history.run(at=f"2026-03-{day}", queue_s=0, run_s=3000)
    open_run(history, "e", "2026-03-31 22:00")  # 7,200 s
    assert history.column("stuck_runs", "execution_id") == []
    assert history.column("stuck_runs", "execution_id", factor="2.4") == []  # not more
    assert history.column("stuck_runs", "execution_id", factor="2.39") == ["e"]


def test_the_least_age_is_a_parameter(normal):
    open_run(normal, "e", "2026-03-31 23:50")
    assert normal.column("stuck_runs", "execution_id") == []
    assert normal.column("stuck_runs", "execution_id", min_age="10m") == ["e"]


def test_ended_skipped_and_gone_ones_are_not_stuck_whatever_the_case(normal):
    for status in ("SUCCEEDED", "success", "FAILED", "Error", "sKipped"):
        open_run(normal, status, "2026-03-20", status)
    open_run(normal, "gone", "2026-03-20", gone_at="2026-03-21")
    open_run(normal, "pending", "2026-03-20", "PENDING")
    open_run(normal, "unknown", "2026-03-21", None)
    assert normal.column("stuck_runs", "execution_id") == ["pending", "unknown"]


def test_what_has_an_end_is_not_stuck_whatever_its_status_is_called(normal):
    for status in ("Cancelled", "Running", None):
        normal.run(f"ended {status}", "2026-03-20", status)
    open_run(normal, "open", "2026-03-20", "Cancelling")
    assert normal.column("stuck_runs", "execution_id") == ["open"]


def test_where_nothing_ever_ended_well_the_age_alone_speaks(history):
    history.run(at="2026-03-10", status="Failed")
    open_run(history, "e", "2026-03-31 12:00")
    (row,) = history.ask("stuck_runs")
    assert (row["normal_p95_s"], row["ratio"]) == (None, None)


def test_the_last_log_line_is_of_this_incarnation(normal):
    normal.run("e", "2026-03-05", logs=["of the first life"])
    open_run(normal, "e", "2026-03-20", logs=["one", "two"])
    open_run(normal, "e", "2026-03-21", logs=["one"])
    assert normal.column("stuck_runs", "last_log_at") == [
        datetime(2026, 3, 20, 0, 0, 2),
        datetime(2026, 3, 21, 0, 0, 1),
    ]


def test_the_oldest_comes_first_and_ties_go_by_id_and_environment(normal):
    open_run(normal, "b", "2026-03-20")
    open_run(normal, "a", "2026-03-20", environment="staging")
    open_run(normal, "a", "2026-03-20")
    open_run(normal, "z", "2026-03-19")
    rows = normal.ask("stuck_runs")
    assert [(row["execution_id"], row["environment"]) for row in rows] == [
        ("z", "prod"), ("a", "prod"), ("a", "staging"), ("b", "prod"),
    ]  # fmt: skip


def test_age_counts_to_until(normal):
    open_run(normal, "e", "2026-03-20")
    (row,) = normal.ask("stuck_runs", until="2026-03-20T02:00:00Z")
    assert row["age_s"] == 7200

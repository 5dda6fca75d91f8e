"""Rates and intervals are worked out by hand: Wilson's for 1 of 4 is 0.0456 to 0.6994."""

from datetime import datetime

import pytest


def test_ok_failed_and_error_make_the_rate_and_are_counted_apart(history):
    for status in ("Succeeded", "SUCCESS", "succeeded", "FAILED"):
        history.run(at="2026-03-10", status=status)
    (row,) = history.ask("failure_rate")
    assert row == {
        "environment": "prod", "pipeline_name": "train", "deployment_name": None,
        "period": datetime(2026, 3, 10), "n": 4, "succeeded": 3, "failed": 1, "error": 0,
        "skipped": 0, "failure_rate": 0.25, "ci_low": pytest.approx(0.0456, abs=1e-4),
        "ci_high": pytest.approx(0.6994, abs=1e-4), "delta_vs_prev": None,
    }  # fmt: skip


def test_skipped_running_and_unknown_ones_are_in_no_rate(history):
    for status in ("Skipped", "SKIPPED", "Running", "Pending", "whatever", None):
        history.run(at="2026-03-10", status=status)
    history.run(at="2026-03-10", status="Error")
    (row,) = history.ask("failure_rate")
    assert (row["n"], row["error"], row["failed"], row["skipped"]) == (1, 1, 0, 2)
    assert row["failure_rate"] == 1.0


def test_a_period_without_an_end_has_no_rate_and_is_stepped_over(history):
    history.run(at="2026-03-09", status="Failed")
    history.run(at="2026-03-10", status="Running")
    history.run(at="2026-03-11", status="Succeeded")
    rows = history.ask("failure_rate")
    assert [row["n"] for row in rows] == [1, 0, 1]
    assert [row["failure_rate"] for row in rows] == [1.0, None, 0.0]
    assert [row["ci_low"] is None for row in rows] == [False, True, False]
    assert [row["delta_vs_prev"] for row in rows] == [None, None, -1.0]


def test_weeks_begin_on_monday_and_months_on_the_first(history):
    history.run(at="2026-03-08 23:59:59")  # a Sunday
    history.run(at="2026-03-09 00:00:00")
    weeks = history.column("failure_rate", "period", by="week")
    assert weeks == [datetime(2026, 3, 2), datetime(2026, 3, 9)]
    assert history.column("failure_rate", "period", by="month") == [datetime(2026, 3, 1)]


def test_by_deployment_direct_runs_come_first(history):
    history.run(deployment="b")
    history.run(deployment="a", status="Failed")
    history.run(deployment=None)
    rows = history.ask("failure_rate", group="deployment_name")
    assert [(row["deployment_name"], row["failure_rate"]) for row in rows] == [
        (None, 0.0), ("a", 1.0), ("b", 0.0),
    ]  # fmt: skip


def test_the_window_holds_its_beginning_and_not_its_end(history):
    history.run("before", at="2026-03-09 23:59:59.999999")
    history.run("first", at="2026-03-10", status="Failed")
    history.run("last", at="2026-03-11 23:59:59.999999")
    history.run("after", at="2026-03-12")
    rows = history.ask("failure_rate", since="2026-03-10", until="2026-03-12")
    assert [(row["period"].day, row["n"], row["failed"]) for row in rows] == [
        (10, 1, 1),
        (11, 1, 0),
    ]


def test_environment_and_pipeline_narrow_it(history):
    history.run(environment="prod", pipeline="train-a")
    history.run(environment="prod", pipeline="score")
    history.run(environment="staging", pipeline="train-a")
    rows = history.ask("failure_rate")
    assert [(row["environment"], row["pipeline_name"]) for row in rows] == [
        ("prod", "score"), ("prod", "train-a"), ("staging", "train-a"),
    ]  # fmt: skip
    (row,) = history.ask("failure_rate", environment="prod", pipeline_name="train-*")
    assert (row["environment"], row["pipeline_name"]) == ("prod", "train-a")


def test_an_id_that_came_back_counts_twice(history):
    history.run("e1", at="2026-03-10", status="Failed")
    history.run("e1", at="2026-03-10 12:00", gone_at="2026-03-20", gone_cause="deleted_upstream")
    (row,) = history.ask("failure_rate")
    assert (row["n"], row["failed"]) == (2, 1)


def test_a_rate_of_nothing_failed_is_known_to_be_uncertain(history):
    history.run()
    (row,) = history.ask("failure_rate")
    assert (row["failure_rate"], row["ci_low"]) == (0.0, 0.0)
    assert row["ci_high"] == pytest.approx(3.8416 / 4.8416)  # z²/(n + z²)


def test_the_change_is_against_the_period_before_of_the_same_deployment(history):
    history.run(at="2026-03-10", deployment="a")
    history.run(at="2026-03-11", deployment="a", status="Failed")
    history.run(at="2026-03-10", deployment="b", status="Failed")
    history.run(at="2026-03-11", deployment="b", status="Failed")
    deltas = history.column("failure_rate", "delta_vs_prev", group="deployment_name")
    assert deltas == [None, 1.0, None, 0.0]

"""Quantiles lie between the two runs next to them, in proportion."""

from datetime import datetime

import pytest


def test_only_successful_runs_that_have_a_length_are_measured(history):
    for second in (1, 2, 3, 4, 5):
        history.run(at="2026-03-10", status="SUCCESS", run_s=second)
    history.run(at="2026-03-10", status="Failed", run_s=100)
    history.run(at="2026-03-10", status="Running", run_s=None)
    history.run(at="2026-03-10", status="Succeeded", queue_s=None)
    (row,) = history.ask("durations")
    assert row["n"] == 5
    assert (row["p50_s"], row["min_s"], row["max_s"]) == (3, 1, 5)
    assert row["p90_s"] == pytest.approx(4.6)  # 1 + 0.9 of 4 steps
    assert row["p95_s"] == pytest.approx(4.8)
    assert row["p99_s"] == pytest.approx(4.96)
    assert row["p95_change"] is None


def test_the_change_is_against_the_period_before_of_the_same_pipeline(history):
    history.run(at="2026-03-10", run_s=100, pipeline="a")
    history.run(at="2026-03-17", run_s=150, pipeline="a")
    history.run(at="2026-03-10", run_s=900, pipeline="b")
    history.run(at="2026-03-17", run_s=450, pipeline="b")
    rows = history.ask("durations")
    assert [(row["pipeline_name"], row["period"], row["p95_change"]) for row in rows] == [
        ("a", datetime(2026, 3, 9), None), ("a", datetime(2026, 3, 16), 0.5),
        ("b", datetime(2026, 3, 9), None), ("b", datetime(2026, 3, 16), -0.5),
    ]  # fmt: skip


def test_periods_may_be_days_and_the_window_is_half_open(history):
    for at in ("2026-03-09", "2026-03-10", "2026-03-11"):
        history.run(at=at, environment="staging")
        history.run(at=at)
    rows = history.ask(
        "durations", by="day", since="2026-03-10", until="2026-03-11", environment="staging"
    )
    assert [(row["environment"], row["period"].day, row["n"]) for row in rows] == [
        ("staging", 10, 1)
    ]


def test_there_is_no_change_from_a_period_that_took_no_time(history):
    history.run(at="2026-03-10", run_s=0.0)
    history.run(at="2026-03-17", run_s=60.0)
    assert history.column("durations", "p95_change") == [None, None]

"""How recorded metrics move from one period to the next."""

from datetime import datetime

import pytest


def record(history, at, *values, name="auc", run="e1", environment="prod", pipeline="train"):
    """Add the values of a metric of a run; several are a list."""
    for position, value in enumerate(values):
        history.add(
            "metrics", environment=environment, execution_id=run, execution_created_at=at,
            pipeline_name=pipeline, deployment_name="nightly", name=name, position=position,
            value=value, value_text=str(value), created_at="2026-03-30",
        )  # fmt: skip


def test_values_are_measured_by_the_day_of_their_run(history):
    record(history, "2026-03-10 01:00", 1.0, 4.0, run="e1")
    record(history, "2026-03-10 23:59:59", 7.0, run="e2")
    record(history, "2026-03-11", 6.0, run="e3")
    assert history.ask("metrics_trend") == [
        {
            "environment": "prod", "pipeline_name": "train", "name": "auc",
            "period": datetime(2026, 3, 10), "n": 3, "mean": 4.0, "p50": 4.0, "min": 1.0,
            "max": 7.0, "last": 7.0, "mean_change": None,
        },
        {
            "environment": "prod", "pipeline_name": "train", "name": "auc",
            "period": datetime(2026, 3, 11), "n": 1, "mean": 6.0, "p50": 6.0, "min": 6.0,
            "max": 6.0, "last": 6.0, "mean_change": 0.5,
        },
    ]  # fmt: skip


def test_weeks_begin_on_monday_and_months_on_the_first(history):
    record(history, "2026-03-15", 1.0)  # a Sunday
    record(history, "2026-03-16", 2.0, run="e2")
    weeks = history.column("metrics_trend", "period", by="week")
    assert weeks == [datetime(2026, 3, 9), datetime(2026, 3, 16)]
    assert history.column("metrics_trend", "period", by="month") == [datetime(2026, 3, 1)]


def test_the_last_is_that_of_the_greater_id_at_one_instant_and_the_end_of_a_list(history):
    record(history, "2026-03-10", 5.0, 9.0, run="b")
    record(history, "2026-03-10", 7.0, 8.0, 6.0, run="a")
    assert history.column("metrics_trend", "last") == [9.0]


def test_what_is_no_number_is_not_counted(history):
    record(history, "2026-03-10", None, 2.0, None)
    (row,) = history.ask("metrics_trend")
    assert (row["n"], row["mean"], row["last"]) == (1, 2.0, 2.0)
    record(history, "2026-03-11", None)
    assert len(history.ask("metrics_trend")) == 1


def test_there_is_no_change_from_nothing(history):
    record(history, "2026-03-10", 0.0)
    record(history, "2026-03-11", 3.0, run="e2")
    assert history.column("metrics_trend", "mean_change") == [None, None]


def test_each_name_and_pipeline_has_its_own_line(history):
    record(history, "2026-03-10", 1.0, name="auc")
    record(history, "2026-03-11", 2.0, name="loss")
    record(history, "2026-03-12", 4.0, pipeline="score")
    rows = history.ask("metrics_trend")
    assert [(row["pipeline_name"], row["name"], row["mean_change"]) for row in rows] == [
        ("score", "auc", None), ("train", "auc", None), ("train", "loss", None),
    ]  # fmt: skip
    assert history.column("metrics_trend", "mean", name="l*") == [2.0]
    assert history.column("metrics_trend", "mean", pipeline_name="s*") == [4.0]


@pytest.mark.parametrize(
    ("asked", "means"),
    [
        ({"since": "2026-03-10", "until": "2026-03-11"}, [1.0]),
        ({"environment": "staging"}, [3.0]),
        ({}, [1.0, 2.0, 3.0]),
    ],
)
def test_the_window_and_the_environment_narrow_it(history, asked, means):
    record(history, "2026-03-10", 1.0)
    record(history, "2026-03-11", 2.0, run="e2")
    record(history, "2026-03-12", 3.0, environment="staging")
    assert history.column("metrics_trend", "mean", **asked) == means


def test_nothing_gives_no_rows(history):
    assert history.ask("metrics_trend") == []


def test_a_mean_of_values_whose_sum_is_no_number_is_not_known(history):
    record(history, "2026-03-10", 1.7e308)
    record(history, "2026-03-10", 1.7e308, run="e2")
    record(history, "2026-03-11", 1.0, run="e3")
    rows = history.ask("metrics_trend")
    assert [(row["n"], row["mean"], row["mean_change"]) for row in rows] == [
        (2, None, None),
        (1, 1.0, None),
    ]

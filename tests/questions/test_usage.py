"""How many hours deployments computed and waited, and what they cost."""

from datetime import datetime

import pytest

HOUR = 3600.0


def test_hours_are_summed_a_deployment_and_month(history):
    history.run(at="2026-03-10", run_s=2 * HOUR, queue_s=0.5 * HOUR)
    history.run(at="2026-03-20", run_s=1 * HOUR, queue_s=0.25 * HOUR, status="FAILED")
    history.run(at="2026-03-21", run_s=0.5 * HOUR, queue_s=0.0, status="error")
    history.run(at="2026-03-22", run_s=0.25 * HOUR, queue_s=0.0, status="Skipped")
    history.run(at="2026-03-23", run_s=None, queue_s=0.0, status="Running")
    history.run(at="2026-03-24", run_s=None, queue_s=None, status="Pending")
    assert history.ask("usage", price_per_hour="2.5") == [
        {
            "environment": "prod",
            "deployment_name": "nightly",
            "pipeline_name": "train",
            "period": datetime(2026, 3, 1),
            "n": 6,
            "run_hours": 3.75,
            "queue_hours": 0.75,
            "failed_hours": 1.5,
            "cost_estimate": 9.375,
        }
    ]


def test_without_a_price_it_costs_nothing(history):
    history.run(run_s=HOUR)
    assert history.column("usage", "cost_estimate") == [0.0]


def test_a_period_in_which_nothing_ended_has_no_hours(history):
    history.run(run_s=None, queue_s=None, status="Pending")
    (row,) = history.ask("usage", price_per_hour="3")
    assert (row["n"], row["run_hours"], row["queue_hours"], row["failed_hours"]) == (1, 0, 0, 0)
    assert row["cost_estimate"] == 0


def test_a_run_belongs_to_the_period_it_was_asked_for_in(history):
    history.run(at="2026-03-10 23:59:59", run_s=HOUR)
    history.run(at="2026-03-11", run_s=HOUR)
    assert history.column("usage", "period", by="day") == [
        datetime(2026, 3, 10), datetime(2026, 3, 11),
    ]  # fmt: skip
    assert history.column("usage", "period", by="week") == [datetime(2026, 3, 9)]


def test_direct_runs_stand_by_themselves(history):
    history.run(deployment=None, run_s=HOUR)
    history.run(deployment="a", run_s=HOUR)
    assert history.column("usage", "deployment_name") == ["a", None]


@pytest.mark.parametrize(
    ("asked", "hours"),
    [
        ({"since": "2026-03-10", "until": "2026-03-11"}, [1]),
        ({"pipeline_name": "sc*"}, [4]),
        ({"environment": "staging"}, [8]),
        ({}, [4, 3, 8]),  # by pipeline: score before train
    ],
)
def test_the_window_names_and_environments_narrow_it(history, asked, hours):
    history.run(at="2026-03-10", run_s=HOUR)
    history.run(at="2026-03-11", run_s=2 * HOUR)
    history.run(at="2026-03-12", run_s=4 * HOUR, pipeline="score")
    history.run(at="2026-03-12", run_s=8 * HOUR, environment="staging")
    assert history.column("usage", "run_hours", **asked) == hours


def test_nothing_gives_no_rows(history):
    assert history.ask("usage") == []

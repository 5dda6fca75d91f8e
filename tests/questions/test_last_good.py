"""When each deployment last succeeded, and what failed since."""

from datetime import datetime

import pytest

BORN = datetime(2026, 3, 1)
AGAIN = datetime(2026, 3, 20)


@pytest.fixture
def nightly(history):
    """A deployment that succeeded at 12:00 on the 10th and failed twice since."""
    history.add(
        "deployments", deployment_name="nightly", created_at="2026-03-01", pipeline_name="train"
    )
    of_it = {"deployment_created_at": BORN}
    history.run("e1", at="2026-03-09", status="FAILED", **of_it)
    history.run("e2", at="2026-03-10 12:00", status="success", commit="c2", **of_it)
    history.run("e3", at="2026-03-10 13:00", status="Failed", **of_it)
    history.run("e4", at="2026-03-10 14:00", status="error", **of_it)
    history.run("e5", at="2026-03-10 15:00", status="Running", **of_it)
    history.run("e6", at="2026-03-10 16:00", status="Skipped", **of_it)
    return history


def test_the_last_success_counts_in_either_word_and_failures_after_it_alone(nightly):
    assert nightly.ask("last_good") == [
        {
            "environment": "prod",
            "deployment_name": "nightly",
            "deployment_created_at": BORN,
            "pipeline_name": "train",
            "last_ok_execution_id": "e2",
            "last_ok_at": datetime(2026, 3, 10, 12),
            "age_s": 21.5 * 86400,  # from noon of the 10th until the end of the 31st
            "commit_id": "c2",
            "failures_since": 2,
        }
    ]


def test_age_counts_to_until_and_what_came_later_is_not_seen(nightly):
    (row,) = nightly.ask("last_good", until="2026-03-10T14:00:00Z")
    assert (row["age_s"], row["failures_since"]) == (7200.0, 1)


def test_of_two_at_one_instant_the_greater_id_came_last(nightly):
    nightly.run(
        "e3b", at="2026-03-10 13:00", commit=None, status="Succeeded", deployment_created_at=BORN
    )
    (row,) = nightly.ask("last_good")
    assert (row["last_ok_execution_id"], row["failures_since"]) == ("e3b", 1)
    assert row["commit_id"] is None  # that of this run, not of one before it
    nightly.run("e3c", at="2026-03-10 13:00", status="Failed", deployment_created_at=BORN)
    (row,) = nightly.ask("last_good")
    assert row["failures_since"] == 2
    nightly.run("e3d", at="2026-03-10 13:00", commit="c3", deployment_created_at=BORN)
    (row,) = nightly.ask("last_good")
    assert (row["last_ok_execution_id"], row["commit_id"]) == ("e3d", "c3")


def test_a_deployment_that_never_succeeded_has_no_age_and_all_its_failures(history):
    for day in (10, 11, 12):
        history.run(at=f"2026-03-{day}", status="Failed", deployment_created_at=BORN)
    (row,) = history.ask("last_good")
    assert (row["last_ok_at"], row["age_s"], row["failures_since"]) == (None, None, 3)


def test_one_that_stands_and_did_not_run_is_listed_and_one_that_is_gone_is_not(history):
    history.add("deployments", deployment_name="idle", created_at="2026-03-01", pipeline_name="p")
    history.add(
        "deployments", deployment_name="gone", created_at="2026-03-01", pipeline_name="p",
        gone_at="2026-03-02",
    )  # fmt: skip
    (row,) = history.ask("last_good")
    assert (row["deployment_name"], row["last_ok_execution_id"]) == ("idle", None)
    assert row["failures_since"] == 0


def test_two_incarnations_of_a_name_are_two_deployments(nightly):
    nightly.add("deployments", deployment_name="nightly", created_at=AGAIN, pipeline_name="train")

    def known():
        return [
            (row["deployment_created_at"], row["last_ok_at"], row["failures_since"])
            for row in nightly.ask("last_good")
        ]

    assert known() == [(BORN, datetime(2026, 3, 10, 12), 2), (AGAIN, None, 0)]
    nightly.run("e2", at="2026-03-21", status="Succeeded", deployment_created_at=AGAIN)
    nightly.run("e3", at="2026-03-22", status="Failed", deployment_created_at=AGAIN)
    assert known() == [
        (BORN, datetime(2026, 3, 10, 12), 2), (AGAIN, datetime(2026, 3, 21), 1),
    ]  # fmt: skip


def test_a_run_of_a_deployment_that_was_never_listed_is_told_of(history):
    history.run("e1", deployment="lost", deployment_created_at=None)
    assert history.column("last_good", "last_ok_execution_id") == ["e1"]


def test_direct_runs_are_of_no_deployment(history):
    history.run(deployment=None)
    assert history.ask("last_good") == []


def test_names_and_environments_narrow_it(nightly):
    nightly.run("s1", environment="staging", deployment="hourly", pipeline="score")
    assert nightly.column("last_good", "environment") == ["prod", "staging"]
    for narrowed in (
        {"environment": "staging"},
        {"deployment_name": "hour*"},
        {"pipeline_name": "sc*"},
    ):
        assert nightly.column("last_good", "last_ok_execution_id", **narrowed) == ["s1"]


def test_since_is_in_the_window_and_until_is_not(history):
    history.run("early", at="2026-03-10", deployment_created_at=BORN)
    history.run("late", at="2026-03-11", deployment_created_at=BORN)
    asked = {"since": "2026-03-10", "until": "2026-03-11"}
    assert history.column("last_good", "last_ok_execution_id", **asked) == ["early"]


def test_nothing_gives_no_rows(history):
    assert history.ask("last_good") == []

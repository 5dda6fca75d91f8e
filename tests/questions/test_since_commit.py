from datetime import datetime

import pytest

from craftsync.errors import Usage


def test_commits_that_came_with_or_after_it_are_told_and_none_before(history):
    history.run(at="2026-03-10", commit="before")
    history.run(at="2026-03-11", commit="x")
    history.run(at="2026-03-12", commit="before")
    history.run(at="2026-03-12", commit="after", pipeline="score")
    rows = history.ask("since_commit", commit_id="x")
    assert [(row["pipeline_name"], row["commit_id"], row["first_run_at"]) for row in rows] == [
        ("train", "x", datetime(2026, 3, 11)), ("score", "after", datetime(2026, 3, 12)),
    ]  # fmt: skip


def test_failures_are_counted_with_their_main_cause(history):
    history.run(at="2026-03-10", commit="old")
    history.run("e1", "2026-03-11 01:00", "FAILED", commit="x", logs=["ValueError: 17"])
    history.run("e2", "2026-03-11 02:00", "Error", commit="x", logs=["ValueError: 18"])
    history.run("e3", "2026-03-11 03:00", "Failed", commit="x", logs=["KeyError: 'a'"])
    history.run("e4", "2026-03-11 04:00", commit="x")
    history.run("e5", "2026-03-11 05:00", "Running", commit="x")
    (row,) = history.ask("since_commit", commit_id="x")
    assert row == {
        "environment": "prod", "pipeline_name": "train", "commit_id": "x",
        "first_run_at": datetime(2026, 3, 11, 1), "n": 4, "failed": 2, "error": 1,
        "newly_failing": True, "top_signature": "ValueError: #", "example_execution_id": "e2",
    }  # fmt: skip


def test_of_causes_as_frequent_the_first_by_name_is_told(history):
    history.run("e1", "2026-03-11 01:00", "Failed", commit="x", logs=["b"])
    history.run("e2", "2026-03-11 02:00", "Failed", commit="x", logs=["a"])
    (row,) = history.ask("since_commit", commit_id="x")
    assert (row["top_signature"], row["example_execution_id"]) == ("a", "e2")


def test_what_failed_as_often_before_is_not_newly_failing(history):
    for status in ("Failed", "Succeeded"):
        history.run(at="2026-03-10", commit="old", status=status)
        history.run(at="2026-03-11", commit="x", status=status)
    (row,) = history.ask("since_commit", commit_id="x")
    assert (row["failed"], row["newly_failing"]) == (1, False)


def mixed(history, at, commit, good=3):
    """Add a run that failed, and some that did not."""
    history.run(at=at, commit=commit, status="Failed")
    for _ in range(good):
        history.run(at=at, commit=commit)


def test_what_failed_as_often_before_is_not_newly_failing_however_long_ago_x_came(history):
    mixed(history, "2026-01-10", "old")
    mixed(history, "2026-02-01", "x")
    mixed(history, "2026-03-10", "x")
    mixed(history, "2026-03-11", "y")
    rows = history.ask("since_commit", commit_id="x")
    assert [(row["commit_id"], row["n"], row["newly_failing"]) for row in rows] == [
        ("x", 4, False), ("y", 4, False),
    ]  # fmt: skip


def test_before_is_as_long_a_time_before_x_as_is_asked_for(history):
    for _ in range(4):
        history.run(at="2025-12-30", commit="ancient", status="Failed")
    history.run(at="2026-01-10", commit="old")
    mixed(history, "2026-02-01", "x", good=1)
    mixed(history, "2026-03-10", "x", good=1)
    assert history.column("since_commit", "newly_failing", commit_id="x") == [True]
    asked = {"commit_id": "x", "since": "2026-02-01"}
    assert history.column("since_commit", "newly_failing", **asked) == [False]
    asked = {"commit_id": "x", "since": "0001-01-01", "until": "9999-12-31"}
    assert history.column("since_commit", "newly_failing", **asked) == [False]


def test_whether_what_fails_is_new_is_not_known_of_a_pipeline_that_did_not_run_before(history):
    history.run(at="2026-03-09", commit="old", pipeline="score", status="Running")
    mixed(history, "2026-03-10", "x")
    history.run(at="2026-03-11", commit="y", pipeline="score", status="Error")
    history.run(at="2026-03-12", commit="z", pipeline="score")
    rows = history.ask("since_commit", commit_id="x")
    assert [(row["commit_id"], row["newly_failing"]) for row in rows] == [
        ("x", None), ("y", None), ("z", False),
    ]  # fmt: skip


def test_what_does_not_fail_is_told_too_and_has_no_cause(history):
    history.run(at="2026-03-11", commit="x")
    history.run(at="2026-03-12", commit="y", status="Skipped")
    rows = history.ask("since_commit", commit_id="x")
    assert [
        (row["n"], row["failed"], row["newly_failing"], row["top_signature"]) for row in rows
    ] == [(1, 0, False, None), (0, 0, False, None)]


def test_a_commit_may_be_shortened(history):
    history.run(at="2026-03-11", commit="abcdef0123")
    assert history.column("since_commit", "commit_id", commit_id="abcd") == ["abcdef0123"]


def test_a_commit_that_ran_before_the_window_is_not_new_in_it(history):
    history.run(at="2026-01-10", commit="old")
    history.run(at="2026-03-11", commit="x")
    history.run(at="2026-03-12", commit="old", status="Failed")
    assert history.column("since_commit", "commit_id", commit_id="x") == ["x"]


def test_each_environment_has_a_turn_of_its_own(history):
    history.run(at="2026-03-10", commit="y", environment="prod")
    history.run(at="2026-03-11", commit="x", environment="prod")
    history.run(at="2026-03-09", commit="x", environment="staging")
    history.run(at="2026-03-10", commit="y", environment="staging")
    rows = history.ask("since_commit", commit_id="x")
    assert [(row["environment"], row["commit_id"]) for row in rows] == [
        ("staging", "x"), ("staging", "y"), ("prod", "x"),
    ]  # fmt: skip
    rows = history.ask("since_commit", commit_id="x", environment="prod")
    assert [(row["environment"], row["commit_id"]) for row in rows] == [("prod", "x")]


def test_a_commit_that_never_ran_is_refused_with_the_nearest(history):
    history.run(commit="abcdef0123")
    with pytest.raises(Usage, match="commit_id=abcdef0124") as refused:
        history.ask("since_commit", commit_id="abcdef0124")
    assert refused.value.hint == "Did you mean abcdef0123?"


@pytest.mark.parametrize("narrowed", [{"environment": "staging"}, {"until": "2026-03-01"}])
def test_a_commit_that_ran_elsewhere_or_later_is_not_said_to_have_never_run(history, narrowed):
    history.run(at="2026-03-10", commit="abcdef0123")
    history.run(at="2026-03-10", commit="other", environment="staging")
    with pytest.raises(Usage, match="it ran, but in another environment") as refused:
        history.ask("since_commit", commit_id="abcd", **narrowed)
    assert refused.value.hint == "craftsync query since_commit -p commit_id=abcd"

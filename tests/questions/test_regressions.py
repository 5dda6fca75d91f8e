"""Commits of ten runs each, unless said otherwise, an hour after each other."""

from datetime import datetime, timedelta
from itertools import count

import pytest

BEGIN = datetime(2026, 3, 10)


@pytest.fixture
def commits(history):
    """Run a commit ten times, `failed` of them badly, an hour later than anything before."""
    hours = count()

    def run(commit, failed=0, n=10, run_s=60.0, **more):
        for number in range(n):
            history.run(
                at=(BEGIN + timedelta(hours=next(hours))).isoformat(), commit=commit, run_s=run_s,
                status="Failed" if number < failed else "Succeeded", **more,
            )  # fmt: skip

    return run


def blamed(history, **parameters):
    rows = history.ask("regressions", **parameters)
    return [(row["last_good_commit_id"], row["first_bad_commit_id"], row["kind"]) for row in rows]


def test_the_first_bad_commit_is_blamed_and_none_after_it(history, commits):
    for commit in ("c1", "c2"):
        commits(commit, failed=1)
    for commit in ("c3", "c4", "c5"):
        commits(commit, failed=8)
    assert blamed(history) == [("c2", "c3", "failing")]


def test_what_is_told_of_it_is_before_and_after(history, commits):
    commits("c1", failed=1, n=20)
    commits("c2", failed=6, run_s=70.0, branch="fast")
    (row,) = history.ask("regressions")
    assert row == {
        "environment": "prod", "pipeline_name": "train", "last_good_commit_id": "c1",
        "first_bad_commit_id": "c2", "repository_branch": "fast",
        "first_bad_at": BEGIN + timedelta(hours=20), "n_before": 20, "n_after": 10,
        "failure_rate_before": 0.05, "failure_rate_after": 0.6, "p50_before_s": 60.0,
        "p50_after_s": 70.0, "kind": "failing",
    }  # fmt: skip


def test_a_commit_that_mends_begins_a_new_count(history, commits):
    commits("c1")
    commits("c2", failed=9)
    commits("c3", failed=1)
    commits("c4", failed=9)
    assert blamed(history) == [("c1", "c2", "failing"), ("c3", "c4", "failing")]


def test_a_half_mended_commit_is_still_bad_and_not_blamed(history, commits):
    commits("c1")
    commits("c2", failed=9)
    commits("c3", failed=4)  # better than c2, worse than c1
    commits("c4", failed=9)
    assert blamed(history) == [("c1", "c2", "failing")]


def test_a_jump_has_to_be_more_than_the_parameter(history, commits):
    commits("c1")
    commits("c2", failed=2)
    assert blamed(history) == []
    assert blamed(history, rate_jump="0.19") == [("c1", "c2", "failing")]


def test_slower_is_told_of_the_median_of_successes_alone(history, commits):
    commits("c1", run_s=100)
    commits("c2", run_s=130)  # not more than 1.3 times
    commits("c3", run_s=200)
    assert blamed(history) == [("c2", "c3", "slower")]
    assert blamed(history, slow_factor="2.5") == []


def test_one_commit_may_be_both(history, commits):
    commits("c1", n=20)
    commits("c2", failed=10, n=20, run_s=600)
    assert blamed(history) == [("c1", "c2", "failing"), ("c1", "c2", "slower")]


def test_a_commit_of_few_runs_is_not_judged(history, commits):
    commits("c1")
    commits("c2", failed=9, n=9)
    assert blamed(history) == []
    assert blamed(history, min_runs="9") == [("c1", "c2", "failing")]


def test_runs_that_did_not_end_and_those_without_a_commit_do_not_count(history, commits):
    commits("c1")
    commits("c2", failed=5)
    for _ in range(10):
        history.run(at="2026-03-20", commit="c2", status="Skipped")
        history.run(at="2026-03-20", commit=None, branch=None, status="Failed")
    (row,) = history.ask("regressions")
    assert row["n_after"] == 10


def test_the_first_commit_in_view_is_taken_for_good(history, commits):
    commits("c1", failed=10)
    assert blamed(history) == []


def test_pipelines_and_environments_have_histories_of_their_own(history, commits):
    commits("c1", pipeline="a")
    commits("c1", pipeline="b", failed=9)
    commits("c2", pipeline="a", failed=9)
    commits("c2", pipeline="b", failed=9)
    commits("c2", pipeline="a", environment="staging")
    rows = history.ask("regressions")
    assert [(row["environment"], row["pipeline_name"]) for row in rows] == [("prod", "a")]
    assert history.ask("regressions", environment="staging") == []
    assert history.ask("regressions", pipeline_name="b") == []
    # Outside of the window there is nothing to compare with.
    assert blamed(history, since="2026-03-10T10:00:00Z", pipeline_name="a") == []


def test_how_long_failures_took_says_nothing_of_slowness(history, commits):
    commits("c1", run_s=100)
    commits("c2", run_s=100, n=12)
    for _ in range(20):
        history.run(at="2026-03-20", commit="c2", status="Failed", run_s=900)
    assert blamed(history, rate_jump="1") == []


def test_of_few_successes_no_slowness_is_told(history, commits):
    commits("c1", run_s=100)
    commits("c2", run_s=900, failed=1)
    assert blamed(history) == []
    assert blamed(history, min_runs="9") == [("c1", "c2", "slower")]


def test_without_a_least_number_of_runs_slowness_is_told_all_the_same(history, commits):
    commits("c1", run_s=100)
    commits("c2", run_s=100, n=0, failed=12)
    commits("c3", run_s=900)
    assert ("c1", "c3", "slower") in blamed(history, min_runs="1")
    assert blamed(history, min_runs="0") == blamed(history, min_runs="1")

"""The default window begins on 2 March, its baseline on 31 January."""

from datetime import datetime


def failed(history, execution_id, at, message, **more):
    history.run(execution_id, at, more.pop("status", "Failed"), logs=[message], **more)


def test_what_did_not_occur_in_the_baseline_is_new_and_told_by_its_first_run(history):
    failed(history, "e2", "2026-03-12", "boom 2", pipeline="b", commit="c2", status="ERROR")
    failed(history, "e1", "2026-03-10", "boom 1", pipeline="a", commit="c1")
    (row,) = history.ask("new_errors")
    assert row == {
        "signature": "boom #", "sample_message": "boom 1", "first_at": datetime(2026, 3, 10),
        "environment": "prod", "pipeline_name": "a", "commit_id": "c1", "n": 2,
        "example_execution_id": "e1",
    }  # fmt: skip


def test_the_baseline_ends_where_the_window_begins(history):
    failed(history, "within", "2026-01-31", "known")
    failed(history, "last", "2026-03-01 23:59:59", "known too")
    failed(history, "before", "2026-01-30 23:59:59", "forgotten")
    for message in ("known", "known too", "forgotten"):
        failed(history, message, "2026-03-10", message)
    assert history.column("new_errors", "signature") == ["forgotten"]
    assert history.column("new_errors", "signature", baseline="31d") == []
    assert history.column("new_errors", "signature", baseline="1d") == ["forgotten", "known"]


def test_what_occurred_in_the_baseline_alone_is_not_told(history):
    failed(history, "e1", "2026-02-10", "old")
    assert history.ask("new_errors") == []


def test_each_environment_has_its_own_news(history):
    failed(history, "e1", "2026-02-10", "boom", environment="staging")
    failed(history, "e2", "2026-03-10", "boom", environment="staging")
    failed(history, "e3", "2026-03-10", "boom", environment="prod")
    failed(history, "e4", "2026-03-10", "bang", environment="prod")
    rows = history.ask("new_errors")
    assert [(row["environment"], row["signature"]) for row in rows] == [
        ("prod", "bang"), ("prod", "boom"),
    ]  # fmt: skip
    assert history.ask("new_errors", environment="staging") == []


def test_an_unknown_commit_of_the_first_run_stays_unknown(history):
    failed(history, "e1", "2026-03-10", "boom", commit=None, branch=None)
    failed(history, "e2", "2026-03-11", "boom", commit="c2")
    assert history.column("new_errors", "commit_id") == [None]


def test_runs_that_ended_well_have_no_errors(history):
    history.run(at="2026-03-10", logs=[("stderr", "a warning")])
    history.run(at="2026-03-10", status="Skipped", logs=[("stderr", "a warning")])
    assert history.ask("new_errors") == []

from datetime import datetime


def failed(history, execution_id, at, message, **more):
    logs = [("stderr", message)] if message else []
    history.run(execution_id, at, more.pop("status", "Failed"), logs=logs, **more)


def test_failures_are_put_together_by_their_signature(history):
    failed(history, "e1", "2026-03-10", "ValueError: 17", pipeline="a")
    failed(history, "e2", "2026-03-11", "ValueError: 18", pipeline="b", status="ERROR")
    failed(history, "e3", "2026-03-12", "ValueError: 19", pipeline="b", environment="staging")
    failed(history, "e4", "2026-03-09", "KeyError: 'x'")
    history.run("e5", "2026-03-12", logs=[("stderr", "ValueError: 20")])  # it ended well
    rows = history.ask("top_errors")
    assert rows[0] == {
        "signature": "ValueError: #", "sample_message": "ValueError: 19", "n": 3, "pipelines": 3,
        "first_at": datetime(2026, 3, 10), "last_at": datetime(2026, 3, 12), "is_new": True,
        "example_execution_id": "e3",
    }  # fmt: skip
    assert [(row["signature"], row["n"]) for row in rows[1:]] == [("KeyError: <text>", 1)]


def test_what_occurred_before_the_window_is_not_new(history):
    failed(history, "old", "2025-01-01", "ValueError: 1")
    failed(history, "e1", "2026-03-10", "ValueError: 2")
    failed(history, "e2", "2026-03-10", "KeyError")
    rows = history.ask("top_errors")
    assert {row["signature"]: (row["n"], row["is_new"]) for row in rows} == {
        "ValueError: #": (1, False), "KeyError": (1, True),
    }  # fmt: skip


def test_what_another_environment_knew_is_new_in_this_one(history):
    failed(history, "old", "2025-01-01", "ValueError: 1", environment="staging")
    failed(history, "e1", "2026-03-10", "ValueError: 2")
    assert history.column("top_errors", "is_new", environment="prod") == [True]
    assert history.column("top_errors", "is_new") == [False]


def test_runs_without_a_log_are_counted_too(history):
    failed(history, "e1", "2026-03-10", None)
    failed(history, "e2", "2026-03-11", None)
    (row,) = history.ask("top_errors")
    assert (row["signature"], row["sample_message"], row["n"]) == ("(no log)", None, 2)
    assert row["example_execution_id"] == "e2"


def test_the_most_frequent_come_first_ties_by_name_and_the_limit_cuts(history):
    for number, message in enumerate(["b", "a", "c", "c"]):
        failed(history, f"e{number}", "2026-03-10", message)
    assert history.column("top_errors", "signature") == ["c", "a", "b"]
    assert history.column("top_errors", "signature", limit="2") == ["c", "a"]
    assert history.column("top_errors", "signature", limit="0") == []


def test_the_log_of_another_life_of_an_id_says_nothing(history):
    failed(history, "e1", "2026-03-09", "of the first life")
    failed(history, "e1", "2026-03-10", None)
    assert history.column("top_errors", "signature") == ["(no log)", "of the first life"]
    assert history.column("top_errors", "signature", since="2026-03-10") == ["(no log)"]


def test_the_window_is_half_open_and_pipelines_narrow_it(history):
    for at in ("2026-03-09 23:59:59", "2026-03-10", "2026-03-11"):
        failed(history, at, at, "boom")
    failed(history, "other", "2026-03-10", "boom", pipeline="other")
    rows = history.ask("top_errors", since="2026-03-10", until="2026-03-11", pipeline_name="tr*")
    assert [(row["n"], row["is_new"]) for row in rows] == [(1, False)]

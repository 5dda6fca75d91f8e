"""Which value of an input goes with failures."""

import pytest

FEW = {"min_runs": "4"}


def runs(history, count, *, failed=0, at="2026-03-10", bad="Failed", **more):
    """Add `count` runs, the first `failed` of them failed."""
    for number in range(count):
        history.run(at=at, status=bad if number < failed else "Succeeded", **more)


def test_the_value_that_goes_with_failures_is_found_and_no_other(history):
    runs(history, 4, failed=4, inputs={"customer": 42})  # e1 … e4
    runs(history, 8, failed=2, inputs={"customer": 7})
    runs(history, 4, inputs={"customer": 8})
    assert history.ask("failures_by_input", **FEW) == [
        {
            "environment": "prod",
            "pipeline_name": "train",
            "name": "customer",
            "value_text": "42",
            "n": 4,
            "failures": 4,
            "failure_rate": 1.0,
            "ci_low": pytest.approx(1 / 1.9604),  # (1 + 1.9208/4 - 1.96 * 0.98/4) / (1 + 3.8416/4)
            "ci_high": 1.0,
            "rest_n": 12,
            "rest_failure_rate": pytest.approx(1 / 6),
            "compared": 3,
            "example_execution_id": "e4",  # of four at one instant the greatest
        }
    ]


def test_an_input_without_a_name_is_looked_at_too(history):
    runs(history, 4, failed=4, inputs=[(None, 42)])
    runs(history, 8, failed=2, inputs=[(None, 7)])
    (row,) = history.ask("failures_by_input", **FEW)
    assert (row["name"], row["value_text"], row["n"], row["failures"]) == (None, "42", 4, 4)


def test_the_example_is_the_newest_failure(history):
    history.run("z", at="2026-03-09", status="error", inputs={"x": 1})
    history.run("a", at="2026-03-11", status="FAILED", inputs={"x": 1})
    history.run("b", at="2026-03-12", status="Succeeded", inputs={"x": 1})
    runs(history, 2, failed=2, inputs={"x": 1}, at="2026-03-10")
    runs(history, 20, inputs={"x": 2})
    assert history.column("failures_by_input", "example_execution_id", **FEW) == ["a"]


def test_runs_that_did_not_end_are_in_no_rate(history):
    runs(history, 4, failed=4, inputs={"x": 1})
    runs(history, 4, failed=4, bad="Skipped", inputs={"x": 1})
    runs(history, 4, failed=4, bad="Running", inputs={"x": 1})
    runs(history, 4, failed=4, bad="Unheard", inputs={"x": 1})
    runs(history, 4, inputs={"x": 2})
    (row,) = history.ask("failures_by_input", **FEW)
    assert (row["n"], row["rest_n"]) == (4, 4)


@pytest.mark.parametrize(("mine", "rest", "found"), [(4, 4, ["1"]), (3, 4, []), (4, 3, [])])
def test_a_value_needs_runs_with_and_without_it(history, mine, rest, found):
    runs(history, mine, failed=mine, inputs={"x": 1})
    runs(history, rest, inputs={"x": 2})
    assert history.column("failures_by_input", "value_text", **FEW) == found


def test_a_value_that_fails_as_the_others_do_is_not_listed(history):
    runs(history, 8, failed=4, inputs={"x": 1})
    runs(history, 8, failed=4, inputs={"x": 2})
    assert history.ask("failures_by_input", **FEW) == []


def test_a_secret_is_found_by_its_fingerprint(history):
    secret = {"value_state": "redacted", "value_text": "redacted:ab12"}
    runs(history, 4, failed=4, inputs={"key": secret})
    runs(history, 4, inputs={"key": {"value_state": "redacted", "value_text": "redacted:cd34"}})
    assert history.column("failures_by_input", "value_text", **FEW) == ["redacted:ab12"]


def test_a_null_is_no_value(history):
    runs(history, 4, failed=4, inputs={"x": None})
    runs(history, 4, inputs={"x": 1})
    assert history.ask("failures_by_input", **FEW) == []


def test_the_clearest_comes_first_and_compared_counts_all_inputs_of_the_pipeline(history):
    runs(history, 4, failed=4, inputs={"x": "bad", "y": "worse"})
    runs(history, 4, inputs={"x": "good", "y": "fine"})
    runs(history, 4, inputs={"x": "bad", "y": "fine"})
    runs(history, 4, inputs={"x": "good", "y": "fine"})
    rows = history.ask("failures_by_input", **FEW)
    assert [(row["value_text"], row["rest_n"], row["compared"]) for row in rows] == [
        ("worse", 12, 4), ("bad", 8, 4),
    ]  # fmt: skip


def test_each_incarnation_of_an_id_has_its_own_values(history):
    for number in range(4):
        history.run(f"e{number}", at="2026-03-10", status="Failed", inputs={"x": 1})
        history.run(f"e{number}", at="2026-03-11", inputs={"x": 2})
    (row,) = history.ask("failures_by_input", **FEW)
    assert (row["n"], row["failures"], row["rest_failure_rate"]) == (4, 4, 0)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"since": "2026-03-10", "until": "2026-03-11"}, ["a"]),
        ({"pipeline_name": "sc*"}, ["b"]),
        ({"environment": "staging"}, ["c"]),
        ({"name": "[ac]"}, ["a", "c"]),
        ({}, ["b", "a", "c"]),  # prod: score, train; then staging
    ],
)
def test_the_window_names_and_environments_narrow_it(history, asked, names):
    for name, more in (
        ("a", {"at": "2026-03-10"}),
        ("b", {"at": "2026-03-11", "pipeline": "score"}),
        ("c", {"at": "2026-03-12", "environment": "staging"}),
    ):
        runs(history, 4, failed=4, inputs={name: 1}, **more)
        runs(history, 4, inputs={name: 2}, **more)
    rows = history.ask("failures_by_input", **FEW, **asked)
    assert [row["name"] for row in rows] == names


def test_nothing_gives_no_rows(history):
    assert history.ask("failures_by_input") == []

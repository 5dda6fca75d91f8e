from datetime import datetime

import pytest


def runs(history, outcomes, **more):
    """Run once for each letter: `+` ends well, `-` badly."""
    for minute, outcome in enumerate(outcomes):
        history.run(
            at=f"2026-03-10 12:{minute:02}",
            status={"+": "SUCCEEDED", "-": "Failed", "!": "Error", "s": "Skipped"}[outcome],
            **more,
        )


def test_changes_of_outcome_are_counted_from_one_run_to_the_next(history):
    runs(history, "++-+!", inputs={"x": 1})
    (row,) = history.ask("flaky")
    assert row["inputs_hash"]
    assert {name: row[name] for name in row if name != "inputs_hash"} == {
        "environment": "prod", "pipeline_name": "train", "commit_id": "c1", "n": 5, "failures": 2,
        "flips": 3, "flip_rate": 0.75,
        # Wilson of 3 in 4: the mirror image of 1 in 4.
        "ci_low": pytest.approx(0.3006, abs=1e-4), "ci_high": pytest.approx(0.9544, abs=1e-4),
        "last_flip_at": datetime(2026, 3, 10, 12, 4),
    }  # fmt: skip


def test_what_always_ends_alike_is_not_flaky(history):
    runs(history, "+++++", pipeline="good")
    runs(history, "-----", pipeline="bad")
    assert history.ask("flaky") == []


def test_skipped_ones_do_not_stand_between_two_runs(history):
    runs(history, "+s+s+s-+")
    (row,) = history.ask("flaky")
    assert (row["n"], row["flips"]) == (5, 2)


def test_other_inputs_are_another_group(history):
    runs(history, "+++++", inputs={"x": 1})
    runs(history, "-----", inputs={"x": 2})
    assert history.ask("flaky") == []
    (row,) = history.ask("flaky", same_inputs="false")
    assert (row["n"], row["failures"], row["inputs_hash"]) == (10, 5, None)


def test_inputs_without_a_name_or_of_one_name_tell_runs_apart(history):
    for pipeline, name in (("nameless", None), ("twins", "x")):
        runs(history, "+++++", pipeline=pipeline, inputs=[(name, 1), (name, 1)])
        runs(history, "-----", pipeline=pipeline, inputs=[(name, 2), (name, 2)])
        runs(history, "+++-+", pipeline=pipeline, inputs=[(name, 3), (name, 3)])
    found = history.ask("flaky")
    assert [(row["pipeline_name"], row["n"]) for row in found] == [("nameless", 5), ("twins", 5)]


def test_a_number_and_a_string_of_the_same_look_are_other_inputs(history):
    runs(history, "+++++", inputs={"x": 1})
    runs(history, "-----", inputs={"x": "1"})
    assert history.ask("flaky") == []


def test_the_order_of_inputs_says_nothing(history):
    runs(history, "+++", inputs={"x": 1, "y": 2})
    runs(history, "---", inputs={"y": 2, "x": 1})
    (row,) = history.ask("flaky")
    assert row["n"] == 6


def test_inputs_that_are_not_held_cannot_be_called_the_same(history):
    runs(history, "+-+-+", inputs={"file": {"value_state": "too_big"}})
    assert history.ask("flaky") == []
    assert len(history.ask("flaky", same_inputs="false")) == 1


def test_files_and_secrets_are_compared_by_what_is_known(history):
    runs(history, "+-+-+", inputs={"file": {"value_state": "ok", "file_sha256": "aa"}})
    runs(history, "+-+-+", inputs={"file": {"value_state": "ok", "file_sha256": "bb"}})
    assert [row["n"] for row in history.ask("flaky")] == [5, 5]


def test_another_commit_is_another_group_and_an_unknown_one_is_none(history):
    runs(history, "+++++", commit="c1")
    runs(history, "-----", commit="c2")
    runs(history, "+-+-+", commit=None, branch=None)
    assert history.ask("flaky") == []


def test_few_runs_say_nothing(history):
    runs(history, "+-+-")
    assert history.ask("flaky") == []
    assert len(history.ask("flaky", min_runs="4")) == 1


def test_the_flakiest_comes_first_and_ties_go_by_name(history):
    runs(history, "+-+++", pipeline="b")
    runs(history, "+-+++", pipeline="a")
    runs(history, "+-+-+", pipeline="z")
    assert history.column("flaky", "pipeline_name") == ["z", "a", "b"]


def test_two_lives_of_an_id_are_two_runs_with_their_own_inputs(history):
    for at, x, status in (("2026-03-10", 1, "Succeeded"), ("2026-03-11", 2, "Failed")):
        for number in range(3):
            history.run(f"e{number}", at, status, inputs={"x": x})
    assert history.ask("flaky", min_runs="3") == []


def test_window_environment_and_pipeline_narrow_it(history):
    runs(history, "+-+-+", environment="staging")
    assert history.ask("flaky", environment="staging", until="2026-03-10T12:04:00Z") == []
    assert len(history.ask("flaky", environment="staging", until="2026-03-10T12:04:01Z")) == 1
    assert history.ask("flaky", pipeline_name="other*") == []

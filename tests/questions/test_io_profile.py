"""What inputs and outputs consist of, counted a name."""

from math import sqrt

import pytest

from tests.questions.conftest import as_value

FILE = {"data_type": "file", "value_state": "ok", "file_sha256": "ab", "size_bytes": 3}


def in_state(state, **more):
    """Give a value that is not held, or not as it was."""
    return {"data_type": "number", "value_state": state, **more}


def test_numbers_are_measured_and_everything_else_is_counted(history):
    for number in (1, 2, 3, 4):
        history.run(inputs={"age": number})
    history.run(inputs={"age": {**as_value(None), "data_type": "number"}})
    history.run(inputs={"age": in_state("absent")})
    history.run(inputs={"age": in_state("too_big")})
    history.run(inputs={"age": in_state("redacted", value_text="redacted:ab12")})
    history.run(inputs={"age": in_state("pending")})
    (row,) = history.ask("io_profile")
    assert (row["side"], row["name"], row["data_type"]) == ("in", "age", "number")
    assert (row["n"], row["nulls"], row["too_big"], row["redacted"]) == (9, 2, 1, 1)
    assert (row["min"], row["max"], row["avg"]) == (1, 4, 2.5)
    assert row["std"] == pytest.approx(sqrt(5 / 3))  # of a sample: 2.25 + 0.25 + 0.25 + 2.25, by 3
    assert (row["q25"], row["q50"], row["q75"]) == (1.75, 2.5, 3.25)
    assert row["distinct_approx"] == 5  # four numbers and a fingerprint


def test_text_and_files_have_no_measures_and_no_nulls(history):
    history.run(inputs={"city": "Lyon"}, outputs={"model": FILE})
    history.run(inputs={"city": "Lyon"}, outputs={"model": FILE})
    city, model = history.ask("io_profile")
    assert (city["n"], city["nulls"], city["distinct_approx"], city["avg"]) == (2, 0, 1, None)
    assert (model["n"], model["nulls"], model["distinct_approx"], model["std"]) == (2, 0, 1, None)
    assert (city["q50"], model["side"]) == (None, "out")


def test_a_name_whose_type_changed_is_two_rows(history):
    history.run(inputs={"age": 1})
    history.run(inputs={"age": "one"})
    assert history.column("io_profile", "data_type") == ["number", "string"]


def test_what_no_double_holds_is_not_told(history):
    history.run(inputs={"big": 1e308})
    history.run(inputs={"big": -1e308})
    (row,) = history.ask("io_profile")
    assert (row["max"], row["std"]) == (1e308, None)


def test_one_side_can_be_asked_for(history):
    history.run(inputs={"x": 1}, outputs={"x": 2, "y": 3})
    found = [(row["side"], row["name"]) for row in history.ask("io_profile")]
    assert found == [("in", "x"), ("out", "x"), ("out", "y")]
    assert history.column("io_profile", "name", side="in") == ["x"]
    assert history.column("io_profile", "name", side="out") == ["x", "y"]


def test_names_environments_and_the_window_narrow_it(history):
    history.run(at="2026-03-10", inputs={"a": 1})
    history.run(at="2026-03-11", inputs={"b": 1}, pipeline="score")
    history.run(at="2026-03-12", inputs={"c": 1}, environment="staging")
    asked = {"since": "2026-03-10", "until": "2026-03-12"}
    assert history.column("io_profile", "name", **asked) == ["b", "a"]  # score before train
    assert history.column("io_profile", "name", since="2026-03-11") == ["b", "c"]
    assert history.column("io_profile", "name", pipeline_name="sc*") == ["b"]
    assert history.column("io_profile", "name", environment="staging") == ["c"]


def test_an_id_that_came_back_has_the_values_of_each_incarnation(history):
    history.run("e1", at="2026-03-10", pipeline="old", inputs={"x": 1})
    history.run("e1", at="2026-03-11", pipeline="new", inputs={"x": 5})
    rows = history.ask("io_profile")
    assert [(row["pipeline_name"], row["n"], row["max"]) for row in rows] == [
        ("new", 1, 5), ("old", 1, 1),
    ]  # fmt: skip


def test_nothing_gives_no_rows(history):
    assert history.ask("io_profile") == []

from datetime import datetime

import pytest

from craftsync.errors import Usage


def test_runs_that_had_the_value_come_with_all_their_values(history):
    history.run("e1", "2026-03-10", inputs={"customer": 42, "mode": "fast"}, outputs={"score": 0.5})
    history.run("e2", "2026-03-11", inputs={"customer": 43}, outputs={"score": 0.25})
    history.run("e3", "2026-03-12", "FAILED", inputs={"customer": 42})
    first, last = history.ask("runs_by_io", where="in.customer = 42")
    assert first == {
        "environment": "prod", "execution_id": "e1", "created_at": datetime(2026, 3, 10),
        "pipeline_name": "train", "deployment_name": "nightly", "status": "Succeeded",
        "in_customer": "42", "in_mode": "fast", "out_score": "0.5",
    }  # fmt: skip
    assert (last["execution_id"], last["status"]) == ("e3", "FAILED")
    assert (last["in_mode"], last["out_score"]) == (None, None)


def test_only_names_of_the_runs_that_were_found_become_columns(history):
    history.run("e1", inputs={"a": 1})
    history.run("e2", inputs={"a": 2, "b": 1}, outputs={"c": 1})
    history.run("e3", "2026-01-01", inputs={"a": 1, "old": 1})
    answer = history.answer("runs_by_io", where="in.a = 1")
    assert [name for name, _ in answer.columns][6:] == ["in_a"]


def test_where_nothing_fits_there_are_no_rows_and_no_such_columns(history):
    history.run(inputs={"a": 1})
    answer = history.answer("runs_by_io", where="in.a > 1 or out.a = 1")
    assert len(answer.columns) == 6
    assert list(answer.rows) == []


def test_a_run_without_values_may_fit_too(history):
    history.run("e1", status="Failed")
    history.run("e2", status="Succeeded", inputs={"a": 1})
    rows = history.ask("runs_by_io", where="not in.a = 1")
    assert [row["execution_id"] for row in rows] == ["e1"]


def test_names_are_reduced_and_those_that_clash_get_numbers(history):
    history.run(
        inputs={
            "my input": 1,
            "my-input": 2,
            "MY_INPUT": 3,
            'x"; drop': 4,
            "été": 5,
            "aB": 6,
            "Ab": 7,
        }
    )
    (row,) = history.ask("runs_by_io", where="status = succeeded")
    assert {name: row[name] for name in list(row)[6:]} == {
        "in_my_input": "1", "in_my_input_2": "2", "in_MY_INPUT_3": "3", "in_x___drop": "4",
        "in__t_": "5", "in_aB": "6", "in_Ab_2": "7",
    }  # fmt: skip


def test_two_lives_of_an_id_keep_their_values_apart(history):
    history.run("e1", "2026-03-10", inputs={"a": 1, "b": "first"})
    history.run("e1", "2026-03-11", inputs={"a": 1, "b": "second"})
    history.run("e1", "2026-03-11", environment="staging", inputs={"a": 1, "b": "third"})
    rows = history.ask("runs_by_io", where="in.a = 1")
    assert [row["in_b"] for row in rows] == ["first", "second", "third"]
    (row,) = history.ask("runs_by_io", where="in.a = 1", environment="staging")
    assert row["in_b"] == "third"


def test_the_window_and_the_pipeline_narrow_it(history):
    history.run("before", "2026-03-09 23:59:59.999999")
    history.run("first", "2026-03-10")
    history.run("other", "2026-03-10", pipeline="other")
    history.run("end", "2026-03-11")
    rows = history.column(
        "runs_by_io", "execution_id", where="run_s > 0", since="2026-03-10", until="2026-03-11",
        pipeline_name="tr*",
    )  # fmt: skip
    assert rows == ["first"]


def test_a_condition_that_cannot_be_read_is_refused(history):
    with pytest.raises(Usage):
        history.ask("runs_by_io", where="in.a ==== 1")
    with pytest.raises(Usage, match="needs the parameter 'where'"):
        history.ask("runs_by_io")

"""One row a run, one column an input or output."""

import json
from datetime import datetime

FILE = {"data_type": "file", "value_state": "ok", "file_sha256": "ab12", "size_bytes": 3}
TOO_BIG = {"data_type": "file", "value_state": "too_big", "size_bytes": 10**9}
SECRET = {"value_state": "redacted", "value": '"redacted:ab"', "value_text": "redacted:ab"}


def number(text):
    """Give a number with its own digits."""
    return {"value_state": "ok", "value": text, "value_text": text, "value_number": float(text)}


def table(history, **asked):
    """Ask for the table of `train`."""
    return history.ask("io_table", pipeline_name="train", **asked)


def kinds(history, **asked):
    """Return the kinds of the columns that were found."""
    return dict(history.answer("io_table", pipeline_name="train", **asked).columns[6:])


def test_a_run_is_a_row_with_its_inputs_and_then_its_outputs(history):
    history.run("e2", at="2026-03-11", inputs={"b": 1, "a": "x"}, outputs={"score": 0.5})
    history.run("e1", at="2026-03-10", inputs={"b": 2}, commit="c0")
    first, second = table(history)
    assert first == {
        "environment": "prod",
        "execution_id": "e1",
        "created_at": datetime(2026, 3, 10),
        "commit_id": "c0",
        "status": "Succeeded",
        "not_ok": None,
        "in_b": 2,
        "in_a": None,
        "out_score": None,
    }
    assert list(first) == list(second)
    assert list(first)[5:] == ["not_ok", "in_b", "in_a", "out_score"]  # in the platform's order
    assert (second["in_b"], second["in_a"], second["out_score"]) == (1, "x", 0.5)


def test_a_column_has_the_type_that_all_its_values_agree_on(history):
    history.run(inputs={"whole": 1, "real": 1, "yes": True, "both": 1, "text": "1", "tree": [1]})
    history.run(inputs={"whole": 2, "real": 1.5, "yes": False, "both": "b", "text": "a",
                        "tree": {"k": None}})  # fmt: skip
    history.run(inputs={"whole": None, "real": None, "yes": None, "both": None, "text": None,
                        "tree": None})  # fmt: skip
    assert kinds(history) == {
        "in_whole": "bigint", "in_real": "double", "in_yes": "boolean", "in_both": "text",
        "in_text": "text", "in_tree": "json",
    }  # fmt: skip
    one, two, none = table(history)
    assert (one["in_whole"], one["in_real"], one["in_yes"], one["in_both"]) == (1, 1.0, True, "1")
    assert (two["in_real"], two["in_yes"], two["in_both"]) == (1.5, False, "b")
    assert [json.loads(row["in_tree"]) for row in (one, two)] == [[1], {"k": None}]
    assert {none[name] for name in kinds(history)} == {None}


def test_whole_numbers_are_exact_at_any_length(history):
    history.run(inputs={"id": number("9007199254740993"), "key": number("9" * 30)})
    history.run(inputs={"id": number("1"), "key": number("1")})
    history.run(inputs={"longest": number("-" + "9" * 50)})
    rows = table(history)
    assert (rows[0]["in_id"], rows[0]["in_key"]) == (9007199254740993, int("9" * 30))
    assert rows[2]["in_longest"] == "-" + "9" * 50


def test_numbers_that_json_cannot_hold_make_it_text(history):
    history.run(inputs={"x": 1.5})
    history.run(inputs={"x": "NaN"})
    assert [row["in_x"] for row in table(history)] == ["1.5", "NaN"]


def test_what_is_not_held_as_it_was_is_named_with_its_state(history):
    history.run(inputs={"key": SECRET, "n": 1}, outputs={"model": TOO_BIG, "report": FILE})
    (row,) = table(history)
    assert json.loads(row["not_ok"]) == {"key": "redacted", "model": "too_big"}
    assert (row["in_key"], row["out_model"], row["out_report"]) == ("redacted:ab", None, "ab12")


def test_an_input_and_an_output_of_one_name_are_told_apart(history):
    history.run(inputs={"x": TOO_BIG}, outputs={"x": SECRET})
    (row,) = table(history)
    assert json.loads(row["not_ok"]) == {"in_x": "too_big", "out_x": "redacted"}
    (row,) = table(history, side="in")
    assert json.loads(row["not_ok"]) == {"x": "too_big"}


def test_names_become_columns_of_letters_and_a_clash_gets_a_number(history):
    history.run(inputs={"a b": 1, "a-b": 2, 'quote"': 3})
    (row,) = table(history)
    assert (row["in_a_b"], row["in_a_b_2"], row["in_quote_"]) == (1, 2, 3)


def test_a_name_on_both_sides_is_two_columns(history):
    history.run(inputs={"x": 1}, outputs={"x": 2})
    (row,) = table(history)
    assert (row["in_x"], row["out_x"], row["not_ok"]) == (1, 2, None)


def test_a_file_that_went_in_is_shown_by_its_hash(history):
    history.run(inputs={"data": FILE})
    assert [row["in_data"] for row in table(history)] == ["ab12"]


def test_a_side_without_values_has_no_columns(history):
    history.run(inputs={"x": 1})
    assert list(kinds(history)) == ["in_x"]
    assert list(kinds(history, side="out")) == []
    assert [row["execution_id"] for row in table(history, side="out")] == ["e1"]


def test_successes_alone_unless_asked_otherwise_whatever_the_case(history):
    history.run("good", status="SUCCEEDED")
    history.run("bad", status="Failed")
    history.run("odd", status=None)

    def ids(**asked):
        return [row["execution_id"] for row in table(history, **asked)]

    assert ids() == ["good"]
    assert ids(status="failed") == ["bad"]
    assert ids(status="*") == ["bad", "good", "odd"]


def test_values_belong_to_the_incarnation_of_their_run(history):
    history.run("e1", at="2026-03-10", inputs={"x": 1}, outputs={"y": TOO_BIG})
    history.run("e1", at="2026-03-11", inputs={"x": 2})
    history.run("e1", at="2026-03-12", inputs={"z": 3}, pipeline="other")
    assert [(row["in_x"], row["not_ok"]) for row in table(history)] == [
        (1, '{"y":"too_big"}'), (2, None),
    ]  # fmt: skip
    assert list(kinds(history)) == ["in_x", "out_y"]


def test_the_pipeline_is_one_and_no_pattern(history):
    history.run("e1", pipeline="train*", inputs={"x": 1})
    history.run("e2", pipeline="train2", inputs={"y": 1})
    rows = history.ask("io_table", pipeline_name="train*")
    assert [(row["execution_id"], row["in_x"]) for row in rows] == [("e1", 1)]
    assert "in_y" not in rows[0]


def test_the_window_and_the_environment_narrow_rows_and_columns(history):
    history.run("e1", at="2026-03-10", inputs={"a": 1})
    history.run("e2", at="2026-03-11", inputs={"b": 1})
    history.run("e3", at="2026-03-12", inputs={"c": 1}, environment="staging")
    asked = {"since": "2026-03-10", "until": "2026-03-11"}
    assert list(kinds(history, **asked)) == ["in_a"]
    assert [row["execution_id"] for row in table(history, **asked)] == ["e1"]
    assert [row["execution_id"] for row in table(history, environment="staging")] == ["e3"]
    assert list(kinds(history, environment="staging")) == ["in_c"]
    assert list(kinds(history, environment="prod")) == ["in_a", "in_b"]


def test_nothing_gives_no_rows(history):
    assert table(history) == []


def test_a_name_that_comes_twice_on_one_side_is_told_once(history):
    twice = {"name": "x", "execution_id": "e1", "execution_created_at": "2026-03-10"}
    history.run("e1", at="2026-03-10")
    history.add("inputs", **twice, position=0, **TOO_BIG)
    history.add("inputs", **twice, position=1, **SECRET)
    (row,) = table(history)
    assert (row["in_x"], json.loads(row["not_ok"])) == ("redacted:ab", {"x": "redacted"})


def test_of_two_values_of_one_name_the_first_that_is_one_is_shown(history):
    history.run(inputs=[("x", None), ("x", 3), ("x", 9)])
    (row,) = table(history)
    assert row["in_x"] == 3
    (row,) = history.ask("runs_by_io", where="status = succeeded")
    assert row["in_x"] == "3"


def test_numbers_that_no_double_says_exactly_keep_their_digits(history):
    long = "0.12345678901234567890"
    rows = {
        "a": ("9007199254740993", "0.5"),
        "b": (long, "1"),
        "c": ("0.30000000000000004", "1"),
        "d": ("7.907038905521475e-9", "1712345678901234", "0.500000000000000000", "-1.5E+3"),
    }
    for name, texts in rows.items():
        for number, text in enumerate(texts):
            history.run(f"{name}{number}", inputs=(), outputs=())
            history.add(
                "outputs", execution_id=f"{name}{number}", execution_created_at="2026-03-10",
                position=0, name=name, value=text, value_text=text, value_state="ok",
            )  # fmt: skip
    found = history.ask("io_table", pipeline_name="train")
    assert {row["out_a"] for row in found} == {"9007199254740993", "0.5", None}
    assert {row["out_b"] for row in found} == {long, "1", None}
    assert {row["out_c"] for row in found} == {0.30000000000000004, 1.0, None}
    assert {row["out_d"] for row in found} == {
        *(7.907038905521475e-9, 1712345678901234.0, 0.5, -1500.0, None)
    }

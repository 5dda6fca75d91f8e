"""A: the first in the question; what is said of A and B is worked out by hand from the rows."""

import json

import pytest

from craftsync.errors import Usage

SAME = {"pipeline": "train", "deployment": "nightly", "commit": "c1"}


def told(history, **parameters):
    rows = history.ask("run_diff", **parameters)
    return {(row["section"], row["name"]): tuple(row.values())[2:] for row in rows}


def test_what_is_the_same_is_not_told_and_what_differs_is(history):
    history.run("a", "2026-03-10 12:00", "Failed", inputs={"x": 1, "k": "same"}, outputs={})
    history.run("b", "2026-03-09 12:00", inputs={"x": "1", "k": "same"}, outputs={"y": 2.5})
    assert told(history, a="a", b="b") == {
        ("execution", "execution_id"): ("a", "b", "changed"),
        ("execution", "created_at"): (
            "2026-03-10T12:00:00.000000Z", "2026-03-09T12:00:00.000000Z", "changed",
        ),
        ("execution", "status"): ("Failed", "Succeeded", "changed"),
        ("execution", "started_at"): (
            "2026-03-10T12:00:05.000000Z", "2026-03-09T12:00:05.000000Z", "changed",
        ),
        ("execution", "end_date"): (
            "2026-03-10T12:01:05.000000Z", "2026-03-09T12:01:05.000000Z", "changed",
        ),
        ("steps", "step.status"): ("Failed", "Succeeded", "changed"),
        ("inputs", "x"): ("1", '"1"', "changed"),  # a number and a string of the same look
        ("outputs", "y"): (None, "2.5", "added"),
    }  # fmt: skip


def test_sections_come_in_their_order_and_names_in_that_of_a(history):
    history.run("b", "2026-03-09", inputs={"z": 1, "m": 1, "a": 1}, outputs={"o": 1}, commit="c1")
    history.run("a", "2026-03-10", inputs={"z": 2, "m": 2, "a": 2}, outputs={"o": 2}, commit="c2")
    rows = history.ask("run_diff", a="a", b="b")
    sections = list(dict.fromkeys(row["section"] for row in rows))
    assert sections == ["execution", "steps", "inputs", "outputs"]
    assert [row["name"] for row in rows if row["section"] == "inputs"] == ["z", "m", "a"]


def test_what_is_told_of_a_step_comes_in_the_order_of_its_columns(history):
    history.run("b", "2026-03-09", "Succeeded", run_s=1, commit="c1", branch="one")
    history.run("a", "2026-03-10", "Failed", run_s=2, commit="c2", branch="two")
    for run, at in (("a", "2026-03-10"), ("b", "2026-03-09")):  # a second step of the same name
        history.add(
            "steps", execution_id=run, execution_created_at=at, position=1, step_name="step",
            status=run,
        )  # fmt: skip
    rows = history.ask("run_diff", a="a", b="b")
    assert [row["name"] for row in rows if row["section"] == "steps"] == [
        "step.status", "step.run_s", "step.commit_id", "step.repository_branch", "step (2).status",
    ]  # fmt: skip


def test_of_one_instant_the_ids_tell_which_was_the_last_good_one(history):
    for name in ("older", "b", "a", "c"):
        history.run(name, "2026-03-09" if name == "older" else "2026-03-10", **SAME)
    for name, last in (("c", "b"), ("b", "a"), ("a", "older")):
        assert told(history, a=name)["execution", "execution_id"] == (name, last, "changed")


def test_last_good_is_the_newest_success_before_of_the_same_deployment(history):
    history.run("too-old", "2026-03-01", **SAME)
    history.run("meant", "2026-03-05", "SUCCESS", **SAME)
    history.run("failed", "2026-03-06", "Failed", **SAME)
    history.run("elsewhere", "2026-03-07", **{**SAME, "deployment": "other"})
    history.run("staging", "2026-03-07", environment="staging", **SAME)
    history.run("a", "2026-03-08", "Failed", **SAME)
    history.run("later", "2026-03-09", **SAME)
    rows = told(history, a="a")
    assert rows["execution", "execution_id"] == ("a", "meant", "changed")


def test_a_direct_run_is_held_against_any_success_of_its_pipeline(history):
    history.run("good", "2026-03-05", **SAME)
    history.run("a", "2026-03-08", "Failed", pipeline="train", deployment=None)
    assert told(history, a="a")["execution", "execution_id"][1] == "good"


def test_an_id_that_came_back_means_its_newest_incarnation(history):
    history.run("a", "2026-01-01", inputs={"x": "old"})
    history.run("a", "2026-03-01", inputs={"x": "new"})
    history.run("b", "2026-01-02", inputs={"x": "other"})
    assert told(history, a="a", b="b")["inputs", "x"] == ("new", "other", "changed")
    before = told(history, a="a", b="b", until="2026-03-01")
    assert before["inputs", "x"] == ("old", "other", "changed")


def test_files_secrets_and_what_is_not_held_are_told_by_what_is_known(history):
    def state(value_state, **more):
        return {"value_state": value_state, **more}

    history.run("a", "2026-03-01", inputs={
        "file": state("ok", file_sha256="aa", size_bytes=3), "late": state("pending"),
        "gone": state("absent"),
    })  # fmt: skip
    history.run("b", "2026-03-02", inputs={
        "file": state("ok", file_sha256="bb", size_bytes=3), "late": state("too_big"),
        "gone": state("absent"),
    })  # fmt: skip
    rows = told(history, a="a", b="b")
    assert rows["inputs", "file"] == ("sha256:aa", "sha256:bb", "changed")
    assert rows["inputs", "late"] == ("(pending)", "(too_big)", "changed")
    assert ("inputs", "gone") not in rows


def test_metrics_and_settings_in_force_are_compared(history):
    born = {"deployment_created_at": "2026-02-01"}
    for run, at, values in (("a", "2026-03-10", ("1", "2")), ("b", "2026-03-01", ("1",))):
        history.run(run, at, **born)
        for position, value in enumerate(values):
            history.add(
                "metrics", execution_id=run, execution_created_at=at, name="loss",
                position=position, value_text=value, value=float(value),
            )  # fmt: skip
    for start, end, memory in (
        ("2026-03-05", None, '"2Gi"'),
        ("2026-02-20", "2026-03-05", '"1Gi"'),
    ):
        history.add(
            "deployment_versions", deployment_name="nightly", deployment_created_at="2026-02-01",
            valid_from=start, valid_to=end, settings=f'{{"memory": {memory}, "rule": "x"}}',
        )  # fmt: skip
    rows = told(history, a="a", b="b")
    assert rows["metrics", "loss"] == ("[1,2]", "1", "changed")
    assert rows["settings", "memory"] == ("2Gi", "1Gi", "changed")
    assert ("settings", "rule") not in rows


def test_a_run_against_itself_has_nothing_to_tell(history):
    history.run("a", inputs={"x": 1})
    assert history.ask("run_diff", a="a", b="a") == []


def test_an_unknown_id_is_refused_with_the_nearest_ones(history):
    history.run("train-8f2c")
    with pytest.raises(Usage, match="a=train-8f2d") as refused:
        history.ask("run_diff", a="train-8f2d")
    assert refused.value.hint == "Did you mean train-8f2c?"


def test_without_a_good_one_before_there_is_nothing_to_compare_with(history):
    history.run("a", "2026-03-08", "Failed")
    history.run("later", "2026-03-09")
    with pytest.raises(Usage, match="No execution of nightly succeeded before a"):
        history.ask("run_diff", a="a")


def test_an_id_in_two_environments_needs_the_environment(history):
    history.run("a", "2026-03-08", environment="prod")
    history.run("a", "2026-03-09", environment="staging")
    history.run("b", "2026-03-07", environment="prod")
    with pytest.raises(Usage, match="prod, staging"):
        history.ask("run_diff", a="a", b="b")
    rows = told(history, a="a", b="b", environment="prod")
    assert ("execution", "environment") not in rows
    # B is looked for beside A first.
    assert told(history, a="b", b="a")["execution", "created_at"][1].startswith("2026-03-08")


def test_strings_lose_their_quotes_unless_nothing_else_tells_two_values_apart(history):
    history.run("a", "2026-03-01", inputs={"x": "1", "y": "one", "z": {"value_state": "absent"}})
    history.run("b", "2026-03-02", inputs={"x": 1, "y": "two", "z": None})
    rows = told(history, a="a", b="b")
    assert rows["inputs", "x"] == ('"1"', "1", "changed")
    assert rows["inputs", "y"] == ("one", "two", "changed")
    assert rows["inputs", "z"] == (None, "null", "added")


def test_of_objects_the_order_of_the_keys_says_nothing(history):
    told_a = {"b": [1, {"y": "1, 2", "x": None}], "a": {}, "": 2}
    told_b = {"": 2, "a": {}, "b": [1, {"x": None, "y": "1, 2"}]}
    history.run("a", "2026-03-10", inputs={"x": told_a}, outputs={"y": [told_a]}, **SAME)
    history.run("b", "2026-03-09", inputs={"x": told_b}, outputs={"y": [told_b]}, **SAME)
    for run, at, value in (("a", "2026-03-10", told_a), ("b", "2026-03-09", told_b)):
        history.add(
            "outputs", execution_id=run, execution_created_at=at, position=9, name=None,
            value_state="ok", value=json.dumps(value, separators=(",", ":")),
        )  # fmt: skip
    assert not {section for section, _ in told(history, a="a", b="b")} & {"inputs", "outputs"}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ('{"x":1.0,"y":2}', '{"y":2,"x":1.00}'),
        ('{"x":1,"y":2}', '{"y":1,"x":2}'),
        ('{"x":"1","y":2}', '{"y":2,"x":1}'),
        ('{"x":{"y":1},"z":2}', '{"z":2,"x":1,"y":{}}'),
        ('{"x":{"y":1},"z":{}}', '{"z":{"y":1},"x":{}}'),
        ('{"x":{"y":[]},"z":1}', '{"z":1,"x":{"y":{}}}'),
        ('{"x":null,"y":"null"}', '{"y":null,"x":"null"}'),
        ("[1,2]", "[2,1]"),
        ('{"x":[1,2]}', '{"x":[2,1]}'),
        ('{"a":{"b":1},"c":2}', '{"c":2,"a\\".\\"b":1,"a":{}}'),
        (
            '{"x":123456789012345678901234567890,"y":0}',
            '{"y":0,"x":123456789012345678901234567891}',
        ),
        ('{"x":0.1,"y":0}', '{"y":0,"x":0.10000000000000000555}'),
        ('{"x":18446744073709551616,"y":-0}', '{"y":0,"x":18446744073709551616}'),
    ],
)
def test_what_differs_in_more_than_the_order_of_keys_is_told(history, a, b):
    for run, at, value in (("a", "2026-03-10", a), ("b", "2026-03-09", b)):
        as_held = {"value": value, "value_text": value, "value_state": "ok"}
        history.run(run, at, inputs={"x": as_held}, **SAME)
    assert told(history, a="a", b="b")["inputs", "x"] == (a, b, "changed")


@pytest.mark.parametrize(
    "number", ["1.00", "-0", "1E5", "123456789012345678901234567890", "0.10000000000000000555"]
)
def test_a_number_of_any_length_is_the_same_in_another_order(history, number):
    for run, at, value in (
        ("a", "2026-03-10", f'{{"x":{number},"é\\n":"#"}}'),
        ("b", "2026-03-09", f'{{"é\\n":"#","x":{number}}}'),
    ):
        as_held = {"value": value, "value_text": value, "value_state": "ok"}
        history.run(run, at, inputs={"x": as_held}, **SAME)
    assert ("inputs", "x") not in told(history, a="a", b="b")


def test_a_run_outside_of_what_is_asked_for_is_not_said_to_be_missing(history):
    history.run("a", "2026-03-10")
    with pytest.raises(Usage, match="in the store, but not among") as refused:
        history.ask("run_diff", a="a", since="2026-03-11")
    assert refused.value.hint == "craftsync show a"

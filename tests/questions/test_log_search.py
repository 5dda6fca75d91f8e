from datetime import datetime

import pytest

from craftsync.errors import Usage


def test_lines_that_hold_the_text_come_with_those_around_them(history):
    history.run("e1", "2026-03-10", "FAILED", logs=[
        "one", "two", "three", ("stderr", "Boom: four"), "five", "six", "seven",
    ])  # fmt: skip
    (row,) = history.ask("log_search", text="Boom")
    assert row == {
        "environment": "prod", "execution_id": "e1", "execution_created_at": datetime(2026, 3, 10),
        "pipeline_name": "train", "status": "FAILED", "line_number": 4,
        "timestamp": datetime(2026, 3, 10, 0, 0, 4), "stream": "stderr", "message": "Boom: four",
        "before": ["two", "three"], "after": ["five", "six"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("context", "before", "after"), [("0", [], []), ("1", ["a"], ["b"]), ("99", ["a"], ["b", "c"])]
)
def test_around_are_as_many_as_there_are(history, context, before, after):
    history.run(logs=["a", "x", "b", "c"])
    (row,) = history.ask("log_search", text="x", context=context)
    assert (row["before"], row["after"]) == (before, after)


def test_hits_next_to_each_other_are_in_the_context_of_each_other(history):
    history.run(logs=["hit 1", "hit 2"])
    rows = history.ask("log_search", text="hit")
    assert [(row["message"], row["before"], row["after"]) for row in rows] == [
        ("hit 1", [], ["hit 2"]), ("hit 2", ["hit 1"], []),
    ]  # fmt: skip


def test_a_text_is_no_pattern_and_case_counts_unless_told_otherwise(history):
    history.run(logs=["100% a.c", "100% ABC"])

    def found(**parameters):
        return history.column("log_search", "message", **parameters)

    assert found(text="a.c") == ["100% a.c"]
    assert found(text="A.C") == []
    assert found(text="A.C", ignore_case="true") == ["100% a.c"]
    assert found(text="A.C", regex="true") == ["100% ABC"]
    assert found(text="a.c", regex="true", ignore_case="true") == ["100% a.c", "100% ABC"]
    assert found(text="%") == ["100% a.c", "100% ABC"]
    assert found(text="_") == []


@pytest.mark.parametrize("until", ["now", "2001-01-01"], ids=["lines", "no lines"])
def test_a_pattern_that_cannot_be_read_is_refused(history, until):
    history.run(logs=["x"])
    with pytest.raises(Usage, match=r"'\(' is no regular expression: missing \)\.") as refused:
        history.ask("log_search", text="(", regex="true", until=until)
    assert refused.value.hint == "To look for the text as it stands: -p regex=false"
    assert history.ask("log_search", text="(", until=until) == []


def test_lines_of_two_lives_of_an_id_stay_apart(history):
    history.run("e1", "2026-03-10", logs=["a", "x"])
    history.run("e1", "2026-03-11", logs=["b", "x"])
    rows = history.ask("log_search", text="x")
    assert [row["before"] for row in rows] == [["a"], ["b"]]


def test_runs_in_view_are_searched_and_come_in_their_order(history):
    for at in ("2026-03-09 23:59:59", "2026-03-11", "2026-03-12"):
        history.run(f"late-{at}", at, logs=["x"])
    history.run("b", "2026-03-10", logs=["x", "x"])
    history.run("a", "2026-03-10", logs=["x"])
    history.run("a", "2026-03-10", environment="staging", logs=["x"])
    history.run("other", "2026-03-10", pipeline="other", logs=["x"])
    rows = history.ask(
        "log_search", text="x", since="2026-03-10", until="2026-03-12", pipeline_name="train"
    )
    assert [(row["execution_id"], row["environment"], row["line_number"]) for row in rows] == [
        ("a", "prod", 1), ("a", "staging", 1), ("b", "prod", 1), ("b", "prod", 2),
        ("late-2026-03-11", "prod", 1),
    ]  # fmt: skip
    assert history.column("log_search", "execution_id", text="x", environment="staging") == ["a"]

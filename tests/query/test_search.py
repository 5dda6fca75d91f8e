"""`craftsync search`: every line there ever was, with its neighbours."""

import json
from datetime import timedelta

import pytest
from lab import DAY, lab
from query.words import craftsync

from craftsync import times
from craftsync.simulator import Line, World


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    world = World(executions=0, pipelines=0)
    born = world.now - 2 * DAY
    world.add_pipeline("train", created_at=born)
    world.add_pipeline("score", created_at=born)

    def lines(*messages):
        return [
            Line(int(born.timestamp() + second) * 10**9, message)
            for second, message in enumerate(messages)
        ]

    world.add_execution(
        "train", execution_id="t1", created_at=born, lines=lines("load", "Reset by peer", "end")
    )
    world.add_execution(
        "score",
        execution_id="s1",
        created_at=born,
        lines=lines("load", "load", "reset%_", "\x1b[2J"),
    )
    with lab(tmp_path_factory.mktemp("search"), world) as one:
        one.sync()
        one.born = born
        yield one


def found(made, *words):
    done = craftsync(made, "search", *words, "--json")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return [(row["execution_id"], row["line_number"]) for row in json.loads(done.stdout)]


def test_text_is_found_as_it_is_written(made):
    assert found(made, "eset") == [("s1", 3), ("t1", 2)]
    assert found(made, "Reset") == [("t1", 2)]
    assert found(made, "%_") == [("s1", 3)]
    assert found(made, "load") == [("s1", 1), ("s1", 2), ("t1", 1)]
    assert found(made, "'; drop") == []


def test_case_may_be_ignored_and_regular_expressions_used(made):
    assert found(made, "RESET", "--ignore-case") == [("s1", 3), ("t1", 2)]
    assert found(made, "^R.*r$", "--regex") == [("t1", 2)]
    assert found(made, "^r.*R$", "--regex", "--ignore-case") == [("t1", 2)]


def test_the_window_is_of_the_lines_own_times_and_half_open(made):
    second, third = (times.utc_text(made.born + timedelta(seconds=n)) for n in (1, 2))
    assert found(made, "e", "--since", second, "--until", third) == [("t1", 2)]
    assert found(made, "load", "--since", second) == [("s1", 2)]
    assert found(made, "load", "--pipeline", "train") == [("t1", 1)]
    assert found(made, "load", "--limit", "2") == [("s1", 1), ("s1", 2)]


def test_neighbours_are_given_with_a_line(made):
    done = craftsync(made, "search", "Reset", "--context", "1", "--format", "jsonl")
    row = json.loads(done.stdout)
    assert (row["before"], row["after"]) == (["load"], ["end"])
    done = craftsync(made, "search", "load", "--context", "5", "--format", "jsonl")
    assert [json.loads(line)["before"] for line in done.stdout.splitlines()] == [[], ["load"], []]


def test_blocks_are_printed_as_grep_does_and_cannot_drive_a_terminal(made):
    done = craftsync(made, "search", "reset", "--ignore-case", "--context", "1")
    assert done.stdout.splitlines() == [
        f"s1  score  Succeeded  {times.utc_text(made.born + timedelta(seconds=2))}",
        "2- load",
        "3: reset%_",
        "4- \\x1b[2J",
        "--",
        f"t1  train  Succeeded  {times.utc_text(made.born + timedelta(seconds=1))}",
        "1- load",
        "2: Reset by peer",
        "3- end",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("re(set", "'re(set' is no regular expression: missing )."),
        ("(", "'(' is no regular expression: missing )."),
        (r"a\q", r"invalid escape sequence, at '\\q'."),
    ],
)
@pytest.mark.parametrize("window", [[], ["--until", "2001-01-01"]], ids=["lines", "no lines"])
def test_a_regular_expression_that_cannot_be_read_is_a_usage_error(made, text, said, window):
    done = craftsync(made, "search", text, "--regex", *window)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "hint: To look for the text as it stands: leave out --regex" in done.stderr


def test_nothing_is_not_looked_for(made):
    done = craftsync(made, "search", "")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--env", "defalt"), ("'defalt'", "It holds: default.")),
        (("--pipeline", "trian"), ("'trian'", "Did you mean train?")),
    ],
)
def test_a_name_that_is_not_held_is_no_text_that_is_not_found(made, words, said):
    done = craftsync(made, "search", "load", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(one in done.stderr for one in said), done.stderr

"""`runs --where`: executions by what went in and what came out."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from journeys.ports import items
from lab import DAY
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.simulator import World

LONG_AGO = World(executions=0, pipelines=0).now - 5 * DAY


@pytest.fixture
def lab(tmp_path):
    """Six executions of two pipelines, an hour apart, every third of them failed."""
    world = World(executions=0, pipelines=0)
    for name in ("train", "score"):
        world.add_pipeline(name, created_at=LONG_AGO)
    for number in range(6):
        given = {"customer": 40 + number, "my options": {"k": number, "tags": ["a", str(number)]}}
        world.add_execution(
            "score" if number % 2 else "train",
            execution_id=f"t{number}",
            created_at=LONG_AGO + number * timedelta(hours=1),
            status="Succeeded" if number % 3 else "Failed",
            inputs=items("input", given),
            outputs=items("output", {"score": number / 10} if number % 3 else {}),
        )
    with make_lab(tmp_path, world) as made:
        assert made.sync().outcome == "complete"
        yield made


def run(lab, *words):
    return CliRunner(env=lab.environ).invoke(main, ["runs", *words])


def found(lab, where, *words):
    result = run(lab, "--where", where, "--format", "jsonl", *words)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line)["execution_id"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("in.customer = 42", ["t2"]),
        ("in.customer >= 44", ["t5", "t4"]),
        ("out.score < 0.5 and out.score > 0.15", ["t4", "t2"]),
        ("not out.score > 0", ["t3", "t0"]),
        ("status = FAILED", ["t3", "t0"]),
        ('in."my options".k = 3 or in.\'my options\'.tags[1] = "5"', ["t5", "t3"]),
        ("pipeline_name contains rai and not in.customer in (40, 44)", ["t2"]),
        ("in.nothing = 1", []),
    ],
)
def test_executions_are_found_newest_first(lab, where, expected):
    assert found(lab, where) == expected


def test_a_condition_joins_the_other_filters(lab):
    assert found(lab, "in.customer > 40", "--status", "succeeded") == ["t5", "t4", "t2", "t1"]
    assert found(lab, "in.customer > 40", "--pipeline", "score", "--limit", "2") == ["t5", "t3"]
    since = f"{LONG_AGO + timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
    assert found(lab, "in.customer < 45", "--since", since) == ["t4", "t3"]


def test_what_cannot_be_read_is_shown_with_the_place(lab):
    result = run(lab, "--where", "out.score < ")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "error: The condition cannot be read: a value is expected here.",
        "         out.score < ",
        "                     ^",
        "hint: Write it as: out.score < 0.5 and not status = failed",
    ]


def test_a_condition_is_read_before_the_store_is_opened(lab):
    lab.store.unlink()
    assert run(lab, "--where", "nothing = 1").exit_code == 2
    assert run(lab, "--where", "status = ok").exit_code == 8


def test_a_condition_drives_no_terminal(lab):
    result = run(lab, "--where", "\x1b[31m = \u202e1")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
    assert "\u202e" not in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--env", "defalt"), "It holds: default."),
        (("--pipeline", "trian"), "Did you mean train?"),
        (("--deployment", "nightly"), "No deployment 'nightly' is in the store."),
    ],
)
def test_a_name_that_is_not_held_is_refused(lab, words, said):
    result = run(lab, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_pipeline_that_is_held_and_has_no_runs_is_known(lab):
    lab.world.add_pipeline("idle", created_at=LONG_AGO)
    lab.world.advance(timedelta(hours=1))
    lab.sync()
    assert run(lab, "--pipeline", "idle", "--json").stdout == "[]\n"

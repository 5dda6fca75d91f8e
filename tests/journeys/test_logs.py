"""`logs`: what an execution printed, by its lines' own times and streams."""

import json

import pytest
from click.testing import CliRunner
from lab import DAY
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.simulator import Line, Quirks, World

NS = 1_000_000_000


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    world = World(executions=0, pipelines=0, quirks=Quirks(logs_stream="always"))
    born = world.now - DAY
    world.add_pipeline("train", created_at=born)
    second = int(born.timestamp()) * NS
    world.add_execution(
        "train",
        execution_id="t1",
        created_at=born,
        lines=[Line(second + 123_456_789, "loaded"), Line(second + NS, "lost", stream="stderr")],
    )
    with make_lab(tmp_path_factory.mktemp("logs"), world) as made:
        assert made.sync().outcome == "complete"
        made.born = born
        yield made


def run(lab, *words):
    done = CliRunner(env=lab.environ).invoke(main, ["logs", "t1", *words])
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl", "markdown"])
def test_times_are_printed_in_the_zone_that_is_asked_for_with_every_digit(lab, form):
    assert f"{lab.born:%Y-%m-%dT%H:%M:%S}.123456789Z" in run(lab, "--format", form)
    tokyo = run(lab, "--format", form, "--tz", "Etc/GMT-9")
    assert f"T{(lab.born.hour + 9) % 24:02d}:{lab.born:%M:%S}.123456789+09:00" in tokyo
    assert "123456789Z" not in tokyo


@pytest.mark.parametrize("word", ["stderr", "STDERR", "StdErr"])
def test_a_stream_is_named_in_any_case(lab, word):
    lines = run(lab, "--stream", word, "--format", "jsonl").splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["lost"]


FAR_OFF = [
    ("--since", "0001-01-01", True),
    ("--since", "1677-01-01", True),
    ("--since", "20000w", True),
    ("--since", "2263-01-01", False),
    ("--since", "9999-12-31", False),
    ("--until", "0001-01-01", False),
    ("--until", "20000w", False),
    ("--until", "2263-01-01", True),
    ("--until", "9999-12-31T23:59:59.999999Z", True),
]


@pytest.mark.parametrize(("side", "moment", "all_of_it"), FAR_OFF)
def test_a_window_may_begin_and_end_in_any_year(lab, side, moment, all_of_it):
    assert run(lab, side, moment, "--format", "csv").count("\n") == (3 if all_of_it else 1)

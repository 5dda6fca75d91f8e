"""`diff`: whatever differs between two executions is told of both, and nothing else."""

import csv
import io
import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from journeys.ports import FILE, items
from lab import DAY
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.simulator import Content, World

LONG_AGO = World(executions=0, pipelines=0).now - 5 * DAY
HOUR = timedelta(hours=1)
IDENTITY = ("execution_id", "created_at", "started_at", "end_date")


@pytest.fixture
def world():
    world = World(executions=0, pipelines=0)
    world.add_pipeline("train", created_at=LONG_AGO)
    world.add_deployment("nightly", "train", created_at=LONG_AGO)
    return world


@pytest.fixture
def lab(tmp_path, world):
    with make_lab(tmp_path, world) as made:
        yield made


def add(world, name, *, hours=0, inputs=None, outputs=None, **more):
    given = {"deployment": "nightly"} | more
    world.add_execution(
        "train",
        execution_id=name,
        created_at=LONG_AGO + hours * HOUR,
        inputs=items("input", inputs or {}),
        outputs=items("output", outputs or {}),
        **given,
    )


def run(lab, *words):
    return CliRunner(env=lab.environ).invoke(main, ["diff", *words])


def rows(lab, *words, code=0):
    result = run(lab, *words, "--format", "jsonl")
    assert result.exit_code == code, result.stderr
    return [tuple(json.loads(line).values()) for line in result.stdout.splitlines()]


def told(lab, section, *words):
    """Give what differs in one section: (name, value_a, value_b, change)."""
    return [
        row[1:]
        for row in rows(lab, *words)
        if row[0] == section and (section, row[1]) not in {("execution", one) for one in IDENTITY}
    ]


def test_values_that_differ_are_told_of_both(lab, world):
    given = {
        "x": 1,
        "text": "a",
        "same": [1, {"k": None}],
        "gone": True,
        "odd": 42,
        "nothing": None,
    }
    other = {"x": 1.5, "text": "b", "same": [1, {"k": None}], "new": "n", "odd": "42", "nothing": 0}
    add(world, "a", inputs=given, outputs={"score": 0.1})
    add(world, "b", hours=1, inputs=other, outputs={"score": 0.2})
    lab.sync()
    assert told(lab, "inputs", "a", "b") == [
        ("x", "1", "1.5", "changed"),
        ("text", "a", "b", "changed"),
        ("gone", "true", None, "removed"),
        ("odd", "42", '"42"', "changed"),
        ("nothing", "null", "0", "changed"),
        ("new", None, "n", "added"),
    ]
    assert told(lab, "outputs", "a", "b") == [("score", "0.1", "0.2", "changed")]
    assert told(lab, "outputs", "b", "a") == [("score", "0.2", "0.1", "changed")]


def test_an_execution_differs_from_itself_in_nothing(lab, world):
    add(world, "a", inputs={"x": 1, "f": FILE}, outputs={"y": {"deep": [1, 2]}})
    lab.sync()
    assert rows(lab, "a", "a") == []
    everything = rows(lab, "a", "a", "--all")
    assert {row[4] for row in everything} == {"same"}
    assert {row[0] for row in everything} == {"execution", "steps", "inputs", "outputs", "settings"}
    assert all(value_a == value_b for _, _, value_a, value_b, _ in everything)


def test_steps_and_the_execution_itself_are_compared(lab, world):
    add(world, "a", run_s=30, status="Failed")
    add(world, "b", hours=1, run_s=40)
    lab.sync()
    execution = {name: values for name, *values in told(lab, "execution", "a", "b")}
    assert execution["status"] == ["Failed", "Succeeded", "changed"]
    assert set(execution) <= {"status", "run_s", "queue_s", "commit_id", "created_by"}
    steps = {name: values for name, *values in told(lab, "steps", "a", "b")}
    assert steps["train.status"] == ["Failed", "Succeeded", "changed"]


def test_numbers_are_shown_with_every_digit(lab, world):
    long = 10**40 + 1
    add(world, "a", inputs={"x": long, "y": 0.1})
    add(world, "b", hours=1, inputs={"x": long + 1, "y": 0.1})
    lab.sync()
    assert told(lab, "inputs", "a", "b") == [("x", str(long), str(long + 1), "changed")]


def test_files_are_compared_by_their_bytes(lab, world):
    add(world, "a", outputs={"model": FILE, "report": FILE})
    add(world, "b", hours=1, outputs={"model": FILE, "report": FILE})
    for name in ("a", "b"):
        world.set_value(name, "outputs", "report", Content("text/csv", b"the same"))
        world.set_value(name, "outputs", "model", Content("text/csv", name.encode()))
    lab.sync()
    ((name, value_a, value_b, change),) = told(lab, "outputs", "a", "b")
    hashes = lab.column(
        "select file_sha256 from outputs where name = 'model' order by execution_id"
    )
    assert (name, change) == ("model", "changed")
    assert [value_a, value_b] == [f"sha256:{sha256}" for sha256 in hashes]


def test_a_file_that_is_not_held_shows_its_state(lab, world):
    lab.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = "10"
    for number, name in enumerate("ab"):
        add(world, name, hours=number, outputs={"model": FILE})
        world.set_value(name, "outputs", "model", Content("text/csv", b"x" * (5 + 10 * number)))
    lab.sync()
    ((_, value_a, value_b, change),) = told(lab, "outputs", "a", "b")
    assert value_a.startswith("sha256:")
    assert (value_b, change) == ("(too_big)", "changed")


def test_secrets_are_compared_by_their_fingerprints(lab, world):
    for number, secret in enumerate(["hunter2-one", "hunter2-one", "hunter2-two"]):
        world.add_execution(
            "train",
            execution_id=f"e{number}",
            created_at=LONG_AGO + number * HOUR,
            inputs=items("input", {"key": secret}, via="environment_variable"),
            outputs=[],
        )
    lab.sync()
    assert told(lab, "inputs", "e0", "e1") == []
    ((name, value_a, value_b, change),) = told(lab, "inputs", "e0", "e2")
    assert (name, change) == ("key", "changed")
    assert value_a != value_b
    assert value_a.startswith("redacted:")
    assert "hunter2" not in run(lab, "e0", "e2", "--all").output


def test_the_settings_in_force_at_the_time_are_compared(lab, world):
    lab.sync()
    world.advance(HOUR)
    world.add_execution("train", execution_id="a", deployment="nightly")
    lab.sync()
    world.advance(HOUR)
    world.mutate_deployment("nightly", description="Twice a night")
    lab.sync()
    world.advance(HOUR)
    world.add_execution("train", execution_id="b", deployment="nightly")
    world.advance(HOUR)
    lab.sync()
    ((name, _, value_b, _),) = told(lab, "settings", "a", "b")
    assert (name, value_b) == ("description", "Twice a night")


def test_the_last_good_one_is_of_the_same_deployment_and_before(lab, world):
    world.add_deployment("other", "train", created_at=LONG_AGO)
    add(world, "g1", hours=0)
    add(world, "g2", hours=1)
    add(world, "not-mine", hours=2, deployment="other")
    add(world, "failed", hours=3, status="Failed")
    add(world, "a", hours=4, status="Failed")
    add(world, "later", hours=5)
    lab.sync()
    result = run(lab, "a", "--last-good")
    assert result.exit_code == 0
    assert "Compared with g2." in result.stderr
    assert ("execution_id", "a", "g2", "changed") in [
        row[1:] for row in rows(lab, "a", "--last-good")
    ]
    assert rows(lab, "a", "--last-good") == rows(lab, "a", "g2")


def test_of_one_instant_the_ids_tell_which_was_the_last_good_one(lab, world):
    for name in ("b", "a", "c"):
        add(world, name, hours=1)
    add(world, "older")
    lab.sync()
    for name, last in (("c", "b"), ("b", "a"), ("a", "older")):
        assert f"Compared with {last}." in run(lab, name, "--last-good").stderr


def test_without_a_good_one_before_there_is_nothing_to_compare(lab, world):
    add(world, "a", status="Failed")
    add(world, "later", hours=1)
    lab.sync()
    result = run(lab, "a", "--last-good")
    assert result.exit_code == 2
    assert "No execution of nightly succeeded before a." in result.stderr


def test_what_is_deleted_upstream_is_compared_like_any_other(lab, world):
    add(world, "a", inputs={"x": 1})
    add(world, "b", hours=1, inputs={"x": 2})
    lab.sync()
    before = rows(lab, "a", "b", "--all")
    world.delete_execution("a")
    lab.sync()
    assert lab.one("select gone_at is not null as gone from executions where execution_id='a'")[
        "gone"
    ]
    assert rows(lab, "a", "b", "--all") == before


def test_an_id_that_came_back_means_the_newest(lab, world):
    add(world, "a", inputs={"x": 1})
    add(world, "b", hours=1, inputs={"x": 3})
    lab.sync()
    world.delete_execution("a")
    add(world, "a", hours=2, inputs={"x": 2})
    lab.sync()
    result = run(lab, "a", "b")
    assert "a was there before; this is the newest, created at" in result.stderr
    assert ("x", "2", "3", "changed") in told(lab, "inputs", "a", "b")


@pytest.mark.parametrize("words", [["a"], ["a", "b", "--last-good"], []])
def test_two_are_named_or_one_and_last_good(lab, world, words):
    add(world, "a")
    lab.sync()
    assert run(lab, *words).exit_code == 2


def test_an_unknown_id_names_the_nearest(lab, world):
    add(world, "nightly-1")
    lab.sync()
    result = run(lab, "nightly-1", "nightly-2")
    assert result.exit_code == 2
    assert "Did you mean nightly-1?" in result.stderr


def test_there_is_a_table_and_a_csv_of_it(lab, world):
    add(world, "a", inputs={"x": "\x1b[31m", "f": "=1+1"})
    add(world, "b", hours=1, inputs={"x": "b", "f": "-"})
    lab.sync()
    table = run(lab, "a", "b").stdout
    assert "\x1b" not in table
    assert table.splitlines()[0].split() == ["section", "name", "value_a", "value_b", "change"]
    found = list(csv.reader(io.StringIO(run(lab, "a", "b", "--format", "csv").stdout)))
    assert ["inputs", "f", "'=1+1", "'-", "changed"] in found


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "markdown", "table"])
def test_instants_are_printed_in_the_zone_that_is_asked_for(lab, world, form):
    add(world, "a")
    add(world, "b", hours=1)
    lab.sync()
    began = LONG_AGO + HOUR
    assert f"{began:%Y-%m-%dT%H:%M:%S.%f}Z" in run(lab, "a", "b", "--format", form).stdout
    said = run(lab, "a", "b", "--format", form, "--tz", "Asia/Tokyo").stdout
    assert f"{began + 9 * HOUR:%Y-%m-%dT%H:%M:%S.%f}+09:00" in said
    assert f"{began:%Y-%m-%dT%H:%M:%S}" not in said

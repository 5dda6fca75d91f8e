"""Odd things of a platform that are neither a gap nor a leak."""

import json

import pytest
from journeys.checker import nanoseconds
from lab import DAY
from lab import lab as make_lab
from warm import craftsync

from craftsync.simulator import Content, Line, Port, World, json_response

AT = nanoseconds("2026-02-27T12:01:00.000000001Z")


@pytest.fixture
def lab(tmp_path):
    world = World(executions=0, pipelines=0)
    world.add_pipeline("p", created_at=world.now - 2 * DAY, outputs=[Port("f", "file")])
    with make_lab(tmp_path, world) as made:
        yield made


@pytest.mark.parametrize("lines", [1, 5])
def test_logs_that_are_short_and_alike_in_length_are_not_taken_for_capped(lab, lines):
    for number in range(3):
        log = [Line(AT + number * 10**9 + at, f"hello {at}") for at in range(lines)]
        lab.world.add_execution("p", execution_id=f"e{number}", lines=log)
    outcome = lab.sync()
    assert lab.column("select distinct logs_state from executions") == ["ok"]
    assert outcome.exit_code == 0


def test_a_secret_that_comes_as_a_file_is_not_fetched(lab):
    lab.world.add_pipeline(
        "q", inputs=[Port("cert", "file", "environment_variable", "BILLING_API_KEY")]
    )
    lab.world.add_execution("q", execution_id="e", lines=[])
    lab.world.set_value("e", "inputs", "cert", Content("text/plain", b"-----BEGIN hunter2"))
    lab.sync()
    assert b"hunter2" not in b"".join(p.read_bytes() for p in lab.folder.iterdir())


def test_an_entry_that_cannot_be_read_is_named_and_kept_with_the_execution_within_it(lab):
    lab.world.add_execution("p", execution_id="e", lines=[])
    first = {"execution_id": "first", "created_at": "2026-02-27T12:00:00.000Z"}
    lab.world.mutate_execution("e", where="list", created_at=None, retried_from=first)
    outcome = lab.sync()
    assert [(one.object_id, one.part) for one in outcome.failed] == [("e", "detail")]
    assert outcome.exit_code == 3
    (raw,) = lab.column("select raw from sync_failure")
    assert json.loads(raw)["retried_from"] == first


def test_a_listed_deployment_whose_own_get_is_404_is_held_or_named(lab):
    lab.world.add_deployment("run-p", "p")
    missing = json_response({"message": "Deployment run-p was not found"}, 404)
    lab.world.override("GET", "/deployments/run-p", missing)
    outcome = lab.sync()
    assert lab.column("select count(*) from deployments") == [1] or outcome.exit_code == 3


def test_an_output_without_a_name_keeps_its_place_and_stands_in_nobodys_way(lab):
    lab.world.add_pipeline("q", inputs=[Port("x", "number")], outputs=[Port("y", "number")])
    for name in ("one", "two"):
        lab.world.add_execution("q", execution_id=name, lines=[])
        (item,) = lab.world.truth().execution(name).detail["outputs"]
        unnamed = {**item, "pipeline_output_name": "", "value": 7}
        lab.world.mutate_execution(name, where="detail", outputs=[item, unnamed])
    assert lab.sync().exit_code == 0
    rows = lab.rows("select position, name, value from outputs where execution_id = 'one'")
    assert [(row["position"], row["name"]) for row in rows] == [(0, "y"), (1, None)]
    assert rows[1]["value"] == "7"
    for words in (
        ("show", "one"), ("diff", "one", "two"), ("io", "table", "q"), ("io", "replay", "one"),
        ("io", "get", "one", "y"), ("query", "io_table", "-p", "pipeline_name=q"),
        ("query", "runs_by_io", "-p", "where=in.x is not null"), ("query", "io_profile"),
        ("runs", "--where", "in.x is not null"), ("verify", "--execution", "one"), ("report",),
    ):  # fmt: skip
        done = craftsync(lab, *words)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (words, done.stderr)
    assert craftsync(lab, "io", "get", "one", "", "--side", "out").stdout == "7\n"
    unknown = craftsync(lab, "io", "get", "one", "yy")
    assert (unknown.returncode, unknown.stderr.splitlines()[-1]) == (2, "hint: Did you mean y?")


@pytest.mark.parametrize("name", ["*", "a/*", "*/executions", "a b%2F?"])
def test_what_is_named_like_a_pattern_is_mirrored_like_anything_else(tmp_path, name):
    world = World(executions=0, pipelines=0)
    born = world.now - 2 * DAY
    world.add_pipeline(name, created_at=born, outputs=[Port(name, "file")])
    world.add_deployment(name, name, created_at=born)
    world.add_execution(name, execution_id="e", created_at=born, deployment=name)
    with make_lab(tmp_path, world) as lab:
        assert lab.sync().exit_code == 0
        assert lab.column("select deployment_name from executions") == [name]
        assert lab.column("select value_state from outputs") == ["ok"]

"""`io`: values and files as they are, one by one, as a table, and to run again."""

import csv
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from journeys.ports import FILE, item, items
from lab import DAY
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.simulator import Content, World

LONG_AGO = World(executions=0, pipelines=0).now - 5 * DAY
HOUR = timedelta(hours=1)
BYTES = bytes(range(256)) * 5000  # more than a piece


@pytest.fixture
def world():
    world = World(executions=0, pipelines=0)
    world.add_pipeline("train", created_at=LONG_AGO)
    return world


@pytest.fixture
def lab(tmp_path, world):
    with make_lab(tmp_path, world) as made:
        yield made


def add(world, name="a", *, hours=0, inputs=(), outputs=(), **more):
    world.add_execution(
        "train",
        execution_id=name,
        created_at=LONG_AGO + hours * HOUR,
        inputs=items("input", inputs) if isinstance(inputs, dict) else list(inputs),
        outputs=items("output", outputs) if isinstance(outputs, dict) else list(outputs),
        **more,
    )


def run(lab, *words):
    return CliRunner(env=lab.environ).invoke(main, ["io", *words])


def got(lab, *words):
    result = run(lab, *words)
    assert result.exit_code == 0, result.stderr
    return result.stdout_bytes


# get


@pytest.mark.parametrize(
    "text",
    [
        "0.12345678901234567890",
        "18446744073709551615",
        "7" * 5000,
        "null",
        "true",
        '"null"',
        '"caf\u00e9 \U0001f600"',
        '{"k":[1,2.50,{"deep":null}]}',
        '""',
    ],
)
def test_a_value_is_printed_as_its_json_to_the_last_digit(lab, world, text):
    add(world, outputs={"y": 1})
    lab.sync()
    change(lab, "update io_value set value = ?", text)
    assert got(lab, "get", "a", "y").decode() == f"{text}\n"


def change(lab, sql, *values):
    """Change the store behind its back."""
    with closing(sqlite3.connect(lab.store)) as connection:
        assert connection.execute(sql, values).rowcount > 0
        connection.commit()


@pytest.mark.parametrize("words", [["get", "a", "n", "--side", "in"], ["replay", "a"]])
def test_of_several_inputs_of_one_name_the_first_is_taken_and_the_others_are_told(
    lab, world, words
):
    add(world, inputs=[item("input", "n", 1), item("input", "n", 2), item("input", "m", 3)])
    lab.sync()
    result = run(lab, *words)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == (1 if words[0] == "get" else {"n": 1, "m": 3})
    assert result.stderr == "warning: 2 inputs are called n: this is the first.\n"


def test_a_file_is_given_byte_for_byte(lab, world, tmp_path):
    add(world, outputs={"report": FILE})
    world.set_value("a", "outputs", "report", Content("application/octet-stream", BYTES))
    lab.sync()
    assert got(lab, "get", "a", "report") == BYTES
    target = tmp_path / "out" / "report.bin"
    target.parent.mkdir()
    assert got(lab, "get", "a", "report", "-o", str(target)) == b""
    assert target.read_bytes() == BYTES
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_a_file_is_refused_to_a_terminal(lab, world):
    add(world, outputs={"report": FILE, "y": 1})
    world.set_value("a", "outputs", "report", Content("text/csv", b"a,b"))
    lab.sync()
    assert got(lab, "get", "a", "report") == b"a,b"
    assert on_a_terminal(lab, "get", "a", "report") == (2, b"")
    assert on_a_terminal(lab, "get", "a", "y") == (0, b"1\r\n")


def on_a_terminal(lab, *words):
    """Run with a terminal as stdout; return the exit code, and what was printed on it."""
    ours, theirs = os.openpty()
    process = subprocess.run(
        [sys.executable, "-m", "craftsync", "io", *words],
        env=os.environ | lab.environ | {"TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    os.close(theirs)
    printed = b""
    try:
        while some := os.read(ours, 4096):
            printed += some
    except OSError:  # the end, on Linux
        pass
    os.close(ours)
    return process.returncode, printed


def test_what_is_known_of_it_is_told_as_an_object(lab, world):
    add(world, inputs={"x": 1.5}, outputs={"report": FILE})
    world.set_value("a", "outputs", "report", Content("text/csv", b"a,b"))
    lab.sync()
    of_value = json.loads(got(lab, "get", "a", "x", "--format", "json"))
    assert list(of_value)[:3] == ["side", "environment", "execution_id"]
    assert (of_value["side"], of_value["value"], of_value["value_state"]) == ("input", 1.5, "ok")
    of_file = json.loads(got(lab, "get", "a", "report", "--json"))
    assert (of_file["side"], of_file["size_bytes"]) == ("output", 3)
    assert of_file["file_sha256"] == hashlib.sha256(b"a,b").hexdigest()
    assert of_file["value"] is None


def test_one_name_on_both_sides_needs_the_side(lab, world):
    add(world, inputs={"x": 1}, outputs={"x": 2, "y": 3})
    lab.sync()
    result = run(lab, "get", "a", "x")
    assert result.exit_code == 2
    assert "'x' is both an input and an output of a." in result.stderr
    assert "hint: Add --side in, or --side out." in result.stderr
    assert got(lab, "get", "a", "x", "--side", "in") == b"1\n"
    assert got(lab, "get", "a", "x", "--side", "out") == b"2\n"
    assert run(lab, "get", "a", "y", "--side", "in").exit_code == 2


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["a", "scor"], "Did you mean score?"),
        (["a", "nothing-like-it"], "craftsync show a"),
        (["b", "score"], "Did you mean a?"),
    ],
)
def test_an_unknown_id_or_name_names_the_nearest(lab, world, words, hint):
    add(world, "a", outputs={"score": 1})
    lab.sync()
    result = run(lab, "get", *words)
    assert result.exit_code == 2
    if words[0] == "a":
        assert hint in result.stderr


def test_what_is_not_held_is_said_and_nothing_is_written(lab, world, tmp_path):
    lab.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = "10"
    add(
        world,
        inputs=[item("input", "cert", FILE, via="environment_variable")],
        outputs=[
            item("output", "big", FILE),
            item("output", "later", FILE),
            {"pipeline_output_name": "none", "data_type": "number", "mapping_value": {}},
        ],
    )
    world.set_value("a", "outputs", "big", Content("text/csv", b"x" * 50))
    world.deny("/executions/a/outputs/later")
    lab.sync()
    target = tmp_path / "report"
    target.write_text("before")
    for name, code, why in (
        ("big", 3, "The output big of a is larger than the sync may fetch (50 bytes)."),
        ("later", 3, "The output later of a is not for the token of the sync."),
        ("cert", 3, "The input cert of a is a secret: its bytes were never fetched."),
        ("none", 2, "The output none of a has no value: upstream has none."),
    ):
        result = run(lab, "get", "a", name, "-o", str(target))
        assert (result.exit_code, result.stdout) == (code, ""), name
        assert f"error: {why}" in result.stderr
        about = json.loads(got(lab, "get", "a", name, "--json"))
        assert about["value_state"] in ("too_big", "denied", "redacted", "absent")
    assert target.read_text() == "before"


def test_what_is_not_fetched_yet_can_be_got_after_the_next_sync(lab, world):
    add(world, outputs={"report": FILE})
    world.set_value("a", "outputs", "report", Content("text/csv", b"a,b"))
    lab.sync(files=False)
    result = run(lab, "get", "a", "report")
    assert result.exit_code == 3
    assert "The output report of a is not fetched yet." in result.stderr
    assert "hint: craftsync sync" in result.stderr
    lab.sync()
    assert got(lab, "get", "a", "report") == b"a,b"


def test_a_redacted_value_is_its_fingerprint_and_said_so(lab, world):
    add(world, inputs=items("input", {"key": "hunter2-and-more"}, via="environment_variable"))
    lab.sync()
    result = run(lab, "get", "a", "key")
    assert result.exit_code == 0
    assert json.loads(result.stdout).startswith("redacted:")
    assert "hunter2" not in result.output
    assert "redacted" in result.stderr


def test_damaged_bytes_are_no_file(lab, world, tmp_path):
    add(world, outputs={"report": FILE})
    world.set_value("a", "outputs", "report", Content("text/csv", b"a,b"))
    lab.sync()
    change(lab, "update file_chunk set bytes = x'00'")
    target = tmp_path / "report"
    result = run(lab, "get", "a", "report", "-o", str(target))
    assert result.exit_code == 8
    assert "damaged" in result.stderr
    assert not target.exists()
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".craftsync")] == []


@pytest.mark.parametrize("name", ["../../escape", "/etc/x", "CON", "a/b", "x" * 300, "~", "-o"])
def test_no_name_of_the_platform_makes_a_path(lab, world, tmp_path, name):
    add(world, outputs=[item("output", name, FILE), item("output", "y", 1)])
    world.set_value("a", "outputs", name, Content("text/csv", b"bytes"))
    lab.sync()
    before = everything(tmp_path)
    target = tmp_path / "chosen"
    words = ["get", "a", "-o", str(target), "--", name]
    result = run(lab, *words)
    assert result.exit_code == 0, result.stderr
    assert target.read_bytes() == b"bytes"
    assert everything(tmp_path) - before == {target}
    assert run(lab, "get", "a", "--", name).stdout_bytes == b"bytes"


def everything(folder):
    return {path for path in folder.rglob("*") if not path.name.startswith("history.db-")}


def test_a_value_drives_no_terminal(lab, world):
    add(world, outputs={"y": "\x1b]0;pwn\x07\u202e\x9b"})
    lab.sync()
    code, printed = on_a_terminal(lab, "get", "a", "y")
    assert code == 0
    assert not {0x1B, 0x07, 0x9B} & set(printed.decode().encode("latin-1", "replace"))
    assert json.loads(got(lab, "get", "a", "y")) == "\x1b]0;pwn\x07\u202e\x9b"


def test_what_no_database_holds_comes_back_exactly(lab, world):
    add(world, inputs={"x": "a\0b\ud800"}, outputs={"y": ["\0"]})
    lab.sync()
    assert json.loads(got(lab, "get", "a", "x")) == "a\0b\ud800"
    assert json.loads(got(lab, "replay", "a")) == {"x": "a\0b\ud800"}
    (row,) = table(lab)
    assert (row["in_x"], row["out_y"]) == ("a\0b\ud800", ["\0"])


# table


def table(lab, *words):
    lines = got(lab, "table", "train", "--format", "jsonl", *words).decode().splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines]


def test_a_row_is_a_run_and_a_column_a_value(lab, world):
    add(world, "b", hours=1, inputs={"x": 2, "y": None}, outputs={"score": 0.5, "tags": ["a"]})
    add(world, "a", hours=0, inputs={"x": 1}, outputs={"score": 1, "tags": {"k": 1}})
    add(world, "c", hours=2, status="Failed", inputs={"x": 3})
    lab.sync()
    rows = table(lab)
    assert list(rows[0]) == [
        *("environment", "execution_id", "created_at", "commit_id", "status", "not_ok"),
        *("in_x", "in_y", "out_score", "out_tags"),
    ]
    assert [
        (row["execution_id"], row["in_x"], row["in_y"], row["out_score"], row["out_tags"])
        for row in rows
    ] == [
        ("a", 1, None, 1, {"k": 1}),
        ("b", 2, None, Decimal("0.5"), ["a"]),
        ("c", 3, None, None, None),
    ]
    assert [row["execution_id"] for row in table(lab, "--status", "failed")] == ["c"]
    assert [row["execution_id"] for row in table(lab, "--where", "in.x > 1 and out.score < 1")] == [
        "b"
    ]
    assert list(table(lab, "--side", "in")[0])[6:] == ["in_x", "in_y"]
    assert list(table(lab, "--side", "out")[0])[6:] == ["out_score", "out_tags"]


def test_what_is_not_held_is_named_with_its_state(lab, world):
    lab.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = "10"
    absent = {"pipeline_output_name": "none", "data_type": "number", "mapping_value": {}}
    add(world, inputs={"x": 1}, outputs=[item("output", "big", FILE), absent])
    world.set_value("a", "outputs", "big", Content("text/csv", b"x" * 50))
    add(world, "b", hours=1, inputs={"x": 1}, outputs={"big": FILE})
    world.set_value("b", "outputs", "big", Content("text/csv", b"small"))
    lab.sync()
    first, second = table(lab)
    assert first["not_ok"] == {"big": "too_big", "none": "absent"}
    assert first["out_big"] is None
    assert second["not_ok"] is None
    assert second["out_big"] == hashlib.sha256(b"small").hexdigest()


def test_an_input_and_an_output_of_one_name_that_are_not_held_are_told_apart(lab, world):
    absent = {"data_type": "number", "mapping_value": {}}
    secret = item("input", "key", "hunter2-and-more", via="environment_variable")
    add(
        world,
        inputs=[{"pipeline_input_name": "x", **absent}, secret],
        outputs=[{"pipeline_output_name": "x", **absent}, item("output", "y", 1)],
    )
    lab.sync()
    (row,) = table(lab)
    assert row["not_ok"] == {"in_x": "absent", "out_x": "absent", "key": "redacted"}
    assert row["in_key"].startswith("redacted:")
    assert "hunter2" not in json.dumps(row)


def test_columns_have_one_type_where_all_values_agree(lab, world, tmp_path):
    mixed = {
        "whole": 1,
        "long": 2**60,
        "real": 1.5,
        "flag": True,
        "text": "a",
        "any": 1,
        "nil": None,
    }
    other = {"whole": 2, "long": 3, "real": 2, "flag": False, "text": "b", "any": "1", "nil": None}
    add(world, "a", inputs=mixed | {"huge": 10**30, "part": 0.1})
    add(world, "b", hours=1, inputs=other | {"huge": 1, "part": 2**60 + 1})
    lab.sync()
    target = tmp_path / "t.parquet"
    got(lab, "table", "train", "--format", "parquet", "-o", str(target))
    with duckdb.connect() as duck:
        found = duck.execute(f"describe select * from '{target}'").fetchall()
        rows = duck.execute(
            f"select in_whole, in_real, in_huge, in_part from '{target}'"
        ).fetchall()
    types = {name: kind for name, kind, *_ in found}
    assert {name: types[f"in_{name}"] for name in mixed} == {
        "whole": "BIGINT",
        "long": "BIGINT",
        "real": "DOUBLE",
        "flag": "BOOLEAN",
        "text": "VARCHAR",
        "any": types["not_ok"],
        "nil": "VARCHAR",
    }
    assert rows[0] == (1, 1.5, str(10**30), "0.1")
    assert rows[1] == (2, 2.0, "1", str(2**60 + 1))
    assert [row["in_huge"] for row in table(lab)] == [10**30, 1]


def test_names_become_columns_that_need_no_quoting(lab, world):
    add(world, inputs={"my input": 1, "my-input": 2, "MY_INPUT": 3, "é": 4}, outputs={"x": 1})
    lab.sync()
    (row,) = table(lab)
    assert list(row)[6:] == ["in_my_input", "in_my_input_2", "in_MY_INPUT_3", "in__", "out_x"]
    assert list(row.values())[6:] == [1, 2, 3, 4, 1]


def test_a_table_has_a_line_a_run_in_every_form(lab, world):
    for number in range(3):
        add(world, f"r{number}", hours=number, inputs={"x": f"=1+{number}"})
    lab.sync()
    assert len(got(lab, "table", "train").splitlines()) == 4
    rows = list(csv.DictReader(io.StringIO(got(lab, "table", "train", "--format", "csv").decode())))
    assert [row["in_x"] for row in rows] == ["'=1+0", "'=1+1", "'=1+2"]


def test_an_unknown_pipeline_names_the_nearest_and_one_without_runs_is_empty(lab, world):
    world.add_pipeline("idle", created_at=LONG_AGO)
    add(world)
    lab.sync()
    result = run(lab, "table", "trian")
    assert result.exit_code == 2
    assert "Did you mean train?" in result.stderr
    assert got(lab, "table", "idle", "--format", "json").strip() == b"[]"
    assert run(lab, "table", "train", "--where", "x = 1").exit_code == 2


def test_more_runs_than_are_read_at_once_come_in_order(lab, world):
    for number in range(510):
        add(world, f"r{number:03}", hours=number / 10, inputs={"x": number}, lines=())
    lab.sync()
    assert [row["in_x"] for row in table(lab)] == list(range(510))


# replay


def test_the_inputs_that_the_caller_gave_are_given_again(lab, world):
    add(
        world,
        inputs=[
            item("input", "x", 1.5),
            item("input", "options", {"k": [1, None]}),
            item("input", "nothing", None),
            item("input", "fixed", 3, via="constant"),
            item("input", "stored", FILE, via="datastore"),
            item("input", "secret", "hunter2-and-more", via="environment_variable"),
            item(
                "input",
                "inner",
                "v",
                via="endpoint",
                mapping_value={"endpoint_input_name": "outer"},
            ),
        ],
    )
    lab.sync()
    result = run(lab, "replay", "a")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "x": 1.5,
        "options": {"k": [1, None]},
        "nothing": None,
        "outer": "v",
    }
    assert result.stderr.splitlines() == [
        "Left out: fixed, a constant. The platform gives it again.",
        "Left out: stored, read from the data store. The platform gives it again.",
        "Left out: secret, an environment variable. The platform gives it again.",
    ]


def test_what_the_caller_gave_and_is_not_here_as_json_is_missing(lab, world, tmp_path):
    lab.environ["CRAFTSYNC_REDACT_PATTERNS"] = "token-[0-9]+"
    add(world, inputs={"x": 1, "data": FILE, "key": "token-12345"})
    lab.sync()
    target = tmp_path / "inputs.json"
    result = run(lab, "replay", "a", "-o", str(target))
    assert result.exit_code == 3
    assert json.loads(target.read_text()) == {"x": 1}
    assert "Left out: data, a file: craftsync io get." in result.stderr
    assert "Left out: key, redacted." in result.stderr
    assert "token-12345" not in result.output


def test_inputs_are_given_again_as_parquet_whatever_their_names(lab, world, tmp_path):
    add(world, "a", inputs={"x": 1, "X": 2})
    add(world, "b", hours=1, inputs={"data": FILE})
    add(world, "c", hours=2)
    lab.sync()
    target = tmp_path / "inputs.parquet"
    got(lab, "replay", "a", "--format", "parquet", "-o", str(target))
    with duckdb.connect() as duck:
        answer = duck.execute(f"select * from '{target}'")
        assert [name for name, *_ in answer.description] == ["x", "X_1"]
    for name in ("b", "c"):
        result = run(lab, "replay", name, "--format", "parquet", "-o", str(tmp_path / name))
        assert (result.exit_code, (tmp_path / name).exists()) == (2, False)
        assert "Parquet cannot be written without a column" in result.stderr


def test_without_a_store_all_of_them_end_with_8(lab):
    lab.store.unlink()
    for words in (["get", "a", "x"], ["table", "train"], ["replay", "a"]):
        assert run(lab, *words).exit_code == 8

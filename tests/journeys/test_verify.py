"""`verify`: whatever differs between the store and the platform is told, and nothing else."""

import csv
import io
import json
import random
import sqlite3
from collections import Counter
from contextlib import ExitStack, closing
from datetime import timedelta
from fractions import Fraction
from itertools import islice

import pytest
from click.testing import CliRunner
from journeys.checker import nanoseconds
from journeys.test_second_sync import everything
from lab import DAY, HOUR
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.errors import BadCredentials, Refused, Unreachable
from craftsync.simulator import (
    ABSENT,
    Content,
    Faults,
    Line,
    Port,
    Quirks,
    Response,
    Server,
    World,
    json_response,
)
from craftsync.store import engine, lock
from craftsync.sync.sampling import Sample, sample

MINUTE = timedelta(minutes=1)
LONG_AGO = World(executions=0, pipelines=0).now - 2 * DAY
AT = nanoseconds("2026-02-27T12:01:00.000000001Z")
ALL = Fraction(1)
FILES = "application/octet-stream"
IDS = [f"t{number}" for number in range(6)]


@pytest.fixture
def world():
    """Six settled executions of one pipeline: a number and a file in, a number and a file out."""
    world = World(executions=0, pipelines=0)
    world.add_pipeline(
        "train",
        inputs=[Port("x", "number"), Port("data", "file")],
        outputs=[Port("y", "number"), Port("model", "file")],
        created_at=LONG_AGO,
    )
    for number in range(6):
        world.add_execution(
            "train",
            execution_id=f"t{number}",
            created_at=LONG_AGO + number * MINUTE,
            lines=lines(*range(3 + number)),
        )
    return world


@pytest.fixture
def lab(tmp_path, world):
    with make_lab(tmp_path, world) as made:
        assert made.sync().outcome == "complete"
        world.requests.clear()
        yield made


def lines(*numbers):
    """Give log lines, a second apart."""
    return [Line(AT + number * 10**9, f"line {number}") for number in numbers]


def verified(lab, *ids, share=ALL, seed=1):
    """Compare executions of these ids, else a sample: (execution_id, part, drift) of each row."""
    app = lab.app
    chosen = [key_of(lab, name) for name in ids] or Sample(share, seed)
    with app.verification(app.settings.environments_to_use(), chosen) as found:
        rows = [tuple(row[1:]) for row in found.rows()]
    assert found.compared >= max(len(ids), 1)
    return rows


def key_of(lab, execution_id):
    (key,) = lab.column(
        "select key from execution where execution_id = ? order by created_at desc limit 1",
        execution_id,
    )
    return key


def run(lab, *words, **more):
    return CliRunner(env=lab.environ | more).invoke(main, ["verify", *words])


def asked(lab, pattern="*", method="GET"):
    return [
        entry.path.removeprefix("/api/v1/")
        for entry in lab.world.requests.matching(method, pattern)
    ]


def change(lab, sql, *values):
    """Change the store behind its back."""
    with closing(sqlite3.connect(lab.store)) as connection:
        assert connection.execute(sql, values).rowcount > 0
        connection.commit()


def detail(lab, execution_id):
    return lab.world.truth().execution(execution_id).detail


# Nothing differs


@pytest.mark.parametrize("seed", [1, 2])
def test_a_mirror_of_every_kind_of_execution_shows_no_drift(tmp_path, seed):
    with make_lab(tmp_path, World(seed=seed, executions=60)) as lab:
        lab.sync()
        named = lab.column("select execution_id from executions where gone_at is null")
        assert verified(lab, *named) == []
        assert verified(lab) == []


@pytest.mark.parametrize(
    "manner",
    [
        {"logs_shape": "flat", "steps_in_lists": True, "run_deployment_name": "pseudo"},
        {"logs_shape": "204", "missing_value": "null"},
        {"logs_shape": "empty", "missing_value": "204"},
        {"logs_cap": 7, "logs_stream": "always"},
        {"logs_cap": 7, "logs_limit_keeps": "newest", "logs_to_inclusive": True},
    ],
    ids=str,
)
def test_no_odd_manner_of_the_platform_is_taken_for_drift(tmp_path, manner):
    world = World(seed=4, executions=40, settled=True, quirks=Quirks(**manner))
    with make_lab(tmp_path, world) as lab:
        lab.sync()
        assert verified(lab) == []
        assert verified(lab, lab.column("select execution_id from executions")[0]) == []


def test_a_cap_that_nobody_knows_yet_is_not_taken_for_lost_lines(tmp_path):
    world = World(executions=0, pipelines=0, quirks=Quirks(logs_cap=37))
    world.add_pipeline("train", created_at=LONG_AGO)
    for name in ("a", "b"):
        world.add_execution(
            "train", execution_id=name, created_at=LONG_AGO, lines=lines(*range(90))
        )
    with make_lab(tmp_path, world) as lab:
        lab.sync()
        assert lab.column("select count(*) from logs") == [180]
        assert verified(lab, "a") == []


def test_of_a_log_that_is_given_in_part_missing_lines_prove_nothing(tmp_path):
    world = World(executions=0, pipelines=0, quirks=Quirks(logs_cap=100))
    world.add_pipeline("train", created_at=LONG_AGO)
    for name in ("a", "b"):
        at_once = [Line(AT, f"line {one}") for one in range(120)]
        world.add_execution("train", execution_id=name, created_at=LONG_AGO, lines=at_once)
    with make_lab(tmp_path, world) as lab:
        lab.sync()
        assert lab.column("select distinct logs_state from executions") == ["capped"]
        assert verified(lab, "a", "b") == []
        world.replace_lines("a", lines(0))
        world.replace_lines("b", lines(0, 7))
        assert verified(lab, "a", "b") == [("b", "logs", "1 line more upstream")]


def test_the_order_of_lines_and_of_keys_says_nothing(lab):
    def set_to(value):
        number, file = detail(lab, "t0")["outputs"]
        outputs = [{**number, "data_type": "json", "value": value}, file]
        lab.world.mutate_execution("t0", where="detail", outputs=outputs)

    set_to({"a": 1, "b": [1.50, {"c": "{}"}]})
    lab.sync(full=True)
    set_to({"b": [1.50, {"c": "{}"}], "a": 1})
    told = detail(lab, "t1")
    lab.world.override("GET", "/executions/t1", json_response(dict(reversed(told.items()))))
    lab.world.replace_lines("t2", lines(4, 2, 0, 1, 3))
    assert verified(lab) == []
    set_to({"b": [1.50, {"c": "[]"}], "a": 1})
    assert verified(lab) == [("t0", "output y", "value differs")]


# What differs


def test_what_changed_after_it_was_settled_is_found_and_a_full_sync_takes_it_over(lab):
    more = {**detail(lab, "t1")["outputs"][0], "pipeline_output_name": "late", "value": 1}
    lab.world.mutate_execution("t0", where="detail", status="Error")
    lab.world.mutate_execution("t1", where="detail", outputs=[*detail(lab, "t1")["outputs"], more])
    assert lab.sync().exit_code == 0
    assert verified(lab) == [
        ("t0", "detail", "status: Succeeded here, Error upstream"),
        ("t1", "output late", "only upstream"),
    ]
    lab.sync(full=True)
    assert verified(lab) == []


def test_a_change_of_the_detail_is_told_in_its_own_words(lab):
    lab.world.mutate_execution("t0", where="detail", end_date=None, created_by="m" * 90)
    lab.world.mutate_execution("t1", where="detail", gpu_type="A100", created_by="mia")
    step = detail(lab, "t2")["steps"][0]
    lab.world.mutate_execution("t2", where="detail", steps=[{**step, "status": "Failed"}])
    lab.world.mutate_execution("t3", where="detail", steps=[step, step])
    step = detail(lab, "t4")["steps"][0]
    lab.world.mutate_execution("t4", where="detail", steps=[{**step, "cpu": 4}])
    ended = lab.one("select end_date, created_by from executions where execution_id = 't0'")
    assert verified(lab) == [
        (
            "t0",
            "detail",
            f"created_by differs; end_date: {ended['end_date']} here, none upstream",
        ),
        (
            "t1",
            "detail",
            f"created_by: {ended['created_by']} here, mia upstream; the answer differs in gpu_type",
        ),
        ("t2", "detail", "step train: status: Succeeded here, Failed upstream"),
        ("t3", "detail", "steps: 1 here, 2 upstream"),
        ("t4", "detail", "the answer differs in steps"),
    ]


def test_lines_that_came_or_went_are_counted(lab):
    lab.world.append_lines("t0", [Line(AT + 1, "late")] * 3)
    lab.world.append_lines("t1", lines(0))
    lab.world.replace_lines("t2", lines(0, 1, 2))
    lab.world.replace_lines("t3", lines(0, 1, 2, 3, 4, 6, 7))
    lab.world.replace_lines("t4", [])
    assert verified(lab) == [
        ("t0", "logs", "3 lines more upstream"),
        ("t1", "logs", "1 line more upstream"),
        ("t2", "logs", "2 lines fewer upstream"),
        ("t3", "logs", "1 line only here, 2 lines only upstream"),
        ("t4", "logs", "7 lines fewer upstream"),
    ]
    lab.sync(full=True)
    assert lab.one("select logs_state from executions where execution_id = 't4'") == {
        "logs_state": "absent"
    }
    assert verified(lab) == []
    held = lab.rows("select execution_id, count(*) as lines from logs group by 1 order by 1")
    assert [row["lines"] for row in held] == [6, 5, 5, 7, 7, 8]


def test_a_log_that_came_late_is_told(lab):
    lab.world.add_execution("train", execution_id="new", created_at=LONG_AGO, lines=[])
    lab.sync()
    assert verified(lab, "new") == []
    lab.world.append_lines("new", lines(0, 1))
    assert verified(lab, "new") == [("new", "logs", "2 lines more upstream")]


def test_that_a_value_differs_is_told_but_not_what_it_is(lab):
    def with_output(name, **keys):
        first, *others = detail(lab, name)["outputs"]
        item = {key: said for key, said in {**first, **keys}.items() if said is not ABSENT}
        lab.world.mutate_execution(name, where="detail", outputs=[item, *others])

    with_output("t0", value=4711.5)
    with_output("t1", value=ABSENT)
    with_output("t2", data_type="string", value=str(detail(lab, "t2")["outputs"][0]["value"]))
    with_output("t3", pipeline_output_name="z")
    assert verified(lab) == [
        ("t0", "output y", "value differs"),
        ("t1", "output y", "no value upstream"),
        ("t2", "output y", "data_type: number here, string upstream; value differs"),
        ("t3", "output y", "only here"),
        ("t3", "output z", "only upstream"),
    ]


def test_a_file_that_differs_is_told_by_its_size(lab):
    files = lab.rows("select execution_id, size_bytes from outputs where name = 'model'")
    sizes = {row["execution_id"]: row["size_bytes"] for row in files}
    lab.world.set_value("t0", "outputs", "model", Content(FILES, b"other"))
    lab.world.set_value("t1", "inputs", "data", Content(FILES, b"x" * size_in(lab, "t1")))
    lab.world.override("GET", "/executions/t2/outputs/model", Response(204, {}, b""))
    lab.world.set_value("t3", "outputs", "model", Content(FILES, b"x" * 5000))
    lab.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = "1"
    assert verified(lab) == [
        ("t0", "output model", f"the file: {sizes['t0']:,} bytes here, 5 upstream"),
        ("t1", "input data", "the file differs"),
        ("t2", "output model", "no file upstream"),
        ("t3", "output model", f"the file is larger upstream than the {sizes['t3']:,} bytes here"),
    ]


def size_in(lab, execution_id):
    row = lab.one(
        "select size_bytes from inputs where name = 'data' and execution_id = ?", execution_id
    )
    return row["size_bytes"]


def test_a_file_that_upstream_lost_is_told_once_and_stays_here(lab):
    asked = "select file_sha256, value_state from outputs where execution_id = 't2' and file_sha256"
    held = lab.one(f"{asked} is not null")
    lab.world.override("GET", "/executions/t2/outputs/model", Response(204, {}, b""))
    assert verified(lab) == [("t2", "output model", "no file upstream")]
    lab.sync(full=True)
    assert lab.one(f"{asked} is not null") == {**held, "value_state": "absent"}
    assert verified(lab) == []
    lab.world.set_value("t2", "outputs", "model", Content(FILES, b"another"))
    lab.world.restore("GET", "/executions/t2/outputs/model")
    assert [part for _, part, _ in verified(lab)] == ["output model"]


def test_a_file_that_came_late_is_told(lab):
    lab.world.override("GET", "/executions/new/outputs/model", Response(204, {}, b""))
    lab.world.add_execution("train", execution_id="new", created_at=LONG_AGO)
    lab.sync()
    assert verified(lab, "new") == []
    lab.world.restore("GET", "/executions/new/outputs/model")
    assert verified(lab, "new") == [("new", "output model", "a file upstream, none here")]


def test_a_birth_of_more_digits_than_the_listing_tells_is_no_other_execution(tmp_path, world):
    for name, born in (("t0", LONG_AGO), ("t1", LONG_AGO + MINUTE)):
        finer = f"{born:%Y-%m-%dT%H:%M:%S}.000456Z"
        world.mutate_execution(name, where="detail", created_at=finer)
    with make_lab(tmp_path, world) as lab:
        assert lab.sync().exit_code == 0
        assert verified(lab) == []
        world.append_lines("t1", lines(9))
        assert verified(lab) == [("t1", "logs", "1 line more upstream")]
        change(lab, "update execution set created_by = 'me' where execution_id = 't0'")
        assert run(lab, "--sample", "100%", "--repair").exit_code == 0
        assert verified(lab) == []


def test_what_is_deleted_or_made_again_is_told_of_the_whole(lab):
    lab.world.delete_execution("t0")
    lab.world.advance(HOUR)
    lab.world.recreate_execution("t1", created_at=lab.world.now - DAY)
    assert verified(lab) == [
        ("t0", "", "gone upstream"),
        ("t1", "", "another one upstream, created at 2026-02-28T13:00:00.000000Z"),
    ]
    lab.sync()
    assert verified(lab) == []


def test_metrics_that_differ_are_told_by_their_names(tmp_path):
    with make_lab(tmp_path, World(seed=2, executions=60, settled=True)) as lab:
        lab.sync()
        assert verified(lab) == []
        counted = lab.rows("select execution_id, name, count(*) n from metrics group by 1, 2")
        with_lists = next(row["execution_id"] for row in counted if row["n"] > 1)
        mine = {row["name"]: row["n"] for row in counted if row["execution_id"] == with_lists}
        change(
            lab,
            "update metric set value = value + 1 where position = 0 and execution_key = ?",
            key_of(lab, with_lists),
        )
        (name,) = (name for name, n in mine.items() if n > 1)
        told = "; ".join(f"{one} differs" for one in sorted(mine))
        assert verified(lab) == [(with_lists, "metrics", told)]
        change(lab, "delete from metric where position > 0")
        assert f"{name}: 1 here, {mine[name]} upstream" in verified(lab, with_lists)[0][2]


# What is stored is read again


def test_damaged_bytes_are_found_without_a_change_upstream(lab):
    file = lab.one("select * from outputs where execution_id = 't2' and name = 'model'")
    change(
        lab,
        "update file_chunk set bytes = cast('x' || substr(bytes, 2) as blob) where sha256 = ?",
        file["file_sha256"],
    )
    change(lab, "update raw_answer set body = x'00' where object_key = ?", key_of(lab, "t4"))
    assert verified(lab) == [
        ("t2", "output model", "the stored bytes are damaged"),
        ("t4", "detail", "the stored bytes are damaged"),
    ]
    change(lab, "delete from file_chunk where sha256 = ?", file["file_sha256"])
    assert verified(lab)[0] == ("t2", "output model", "the stored bytes are damaged")


def test_rows_that_somebody_changed_in_the_store_are_found(lab):
    change(lab, "update execution set status = 'Failed' where execution_id = 't0'")
    change(lab, "update log_line set message = 'x' where execution_key = ?", key_of(lab, "t1"))
    change(lab, "update io_value set value_text = '1' where name = 'x' and execution_key = 4")
    change(lab, "delete from step where execution_key = ?", key_of(lab, "t4"))
    assert [(one, part) for one, part, _ in verified(lab)] == sorted(
        [
            ("t0", "detail"),
            ("t1", "logs"),
            (lab.column("select execution_id from execution where key = 4")[0], "input x"),
            ("t4", "detail"),
        ]
    )


def test_of_what_is_gone_the_stored_bytes_are_read_and_nothing_is_asked(lab):
    lab.world.delete_execution("t0")
    lab.sync()
    lab.world.requests.clear()
    done = run(lab, "--execution", "t0")
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert "t0 is gone upstream: only its stored bytes are looked at." in done.stderr
    assert asked(lab, "*/executions/*") == []
    change(lab, "update file_chunk set bytes = x'00'")
    assert run(lab, "--execution", "t0").exit_code == 3


# What is compared, and what is asked for


def test_each_execution_costs_its_detail_its_log_and_its_files(lab):
    assert verified(lab) == []
    log = lab.world.requests
    assert log.count("GET", "*/environment-info") == log.count("POST", "*/auth/refresh") == 1
    assert log.count("POST", "*/logs") == 6
    assert log.count("GET", "*/executions/*puts/*") == 12
    assert log.total == 2 + 6 + 6 + 12


def test_metrics_are_asked_for_where_they_are_held(calm):
    calm.sync()
    calm.world.requests.clear()
    assert verified(calm) == []
    held = calm.column("select count(*) from parts where part = 'metrics' and state = 'ok'")[0]
    assert calm.world.requests.count("GET", "/api/v1/metrics/*") == 2 * held > 0


def test_what_the_store_does_not_hold_is_neither_asked_for_nor_missed(tmp_path, world):
    with make_lab(tmp_path, world) as lab:
        lab.sync(logs=False, files=False)
        lab.world.requests.clear()
        assert verified(lab, *IDS) == []
        assert lab.world.requests.count("POST", "*/logs") == 0
        assert lab.world.requests.count("GET", "*puts/*") == 0
        assert lab.world.requests.count("GET", "*/executions/*") == 6


def test_parts_that_are_too_big_or_failed_are_not_compared(tmp_path, world):
    world.deny("/executions/t1/logs")
    world.set_value("t2", "outputs", "model", Content(FILES, b"x" * 5000))
    with make_lab(tmp_path, world) as lab:
        lab.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = "4000"
        lab.sync()
        states = lab.column(
            "select state from parts where state not in ('ok', 'absent') order by 1"
        )
        assert states == ["denied", "too_big"]
        world.allow("/executions/t1/logs")
        world.set_value("t2", "outputs", "model", Content(FILES, b"y" * 5001))
        assert verified(lab) == []


def test_what_cannot_be_read_is_a_row_and_does_not_stop_the_others(lab):
    faults = lab.server.faults = Faults(seed=1, rates={})
    faults.once("500", path="*/executions/t0", times=9)
    faults.once("500", method="POST", path="*/executions/t1/logs", times=9)
    lab.world.deny("/executions/t2/outputs/model")
    lab.world.override("GET", "/executions/t3", json_response({"execution_id": "t3"}))
    lab.world.append_lines("t5", [Line(AT, "late")])
    told = {(one, part): drift for one, part, drift in verified(lab)}
    assert [*told] == [
        ("t0", ""),
        ("t1", "logs"),
        ("t2", "output model"),
        ("t3", ""),
        ("t5", "logs"),
    ]
    reasons = [drift for drift in told.values() if drift.startswith("could not be read: ")]
    assert len(reasons) == 4
    assert "500" in told["t0", ""]
    assert "403" in told["t2", "output model"]
    assert "created_at" in told["t3", ""]


def test_what_still_runs_is_compared_only_when_it_is_named(lab):
    lab.world.add_execution("train", execution_id="slow", status="Running")
    lab.sync()
    lab.world.finish_execution("slow", "Failed")
    assert verified(lab) == []
    drifts = verified(lab, "slow")
    assert ("slow", "detail") in [row[:2] for row in drifts]
    assert "status: Running here, Failed upstream" in drifts[0][2]


def test_a_sample_is_drawn_by_its_seed(lab):
    def drawn(seed):
        lab.world.requests.clear()
        verified(lab, share=Fraction(1, 3), seed=seed)
        return sorted(path for path in asked(lab, "*/executions/*") if path.count("/") == 1)

    assert drawn(1) == drawn(1)
    assert {len(drawn(seed)) for seed in range(5)} == {2}
    assert len({tuple(drawn(seed)) for seed in range(12)}) > 4


def test_without_options_two_in_a_hundred_are_compared_and_one_at_least(lab):
    done = run(lab)
    assert (done.exit_code, done.stdout) == (0, "environment  execution_id  part  drift\n")
    assert "1 execution compared: nothing differs." in done.stderr
    assert lab.world.requests.count("POST", "*/logs") == 1


@pytest.mark.parametrize(
    ("count", "share", "size"),
    [
        (1, Fraction(2, 100), 1),
        (50, Fraction(2, 100), 1),
        (51, Fraction(2, 100), 2),
        (200, Fraction(5, 1000), 1),
        (1000, Fraction(1), 1000),
        (0, Fraction(1), 0),
        (7, Fraction(1, 10**9), 1),
    ],
)
def test_a_sample_has_its_size_and_keeps_the_order(count, share, size):
    for seed in range(20):
        drawn = list(sample(range(count), count=count, share=share, seed=seed))
        assert len(drawn) == size
        assert drawn == sorted(set(drawn))


def test_every_item_is_as_likely_to_be_drawn():
    times = Counter(
        item
        for seed in range(4000)
        for item in sample(range(10), count=10, share=Fraction(3, 10), seed=seed)
    )
    assert all(1080 < times[item] < 1320 for item in range(10))


def test_a_sample_of_a_million_keeps_none_in_memory():
    drawn = sample(iter(range(10**6)), count=10**6, share=Fraction(1, 2), seed=1)
    assert len(list(islice(drawn, 10))) == 10


# What is typed then


def hint(lab, *words):
    done = run(lab, *(words or ("--sample", "100%")))
    assert done.exit_code == 3
    (found,) = [line for line in done.stderr.splitlines() if line.startswith("hint: ")]
    return found.removeprefix("hint: ")


def test_of_a_change_upstream_a_full_sync_is_what_helps(lab):
    lab.world.append_lines("t0", [Line(AT, "late")])
    assert hint(lab) == "To take over what upstream shows: craftsync sync --full --env default"


@pytest.mark.parametrize(
    "damage",
    [
        "update execution set status = 'Failed' where execution_id = 't1'",
        "delete from log_line where execution_key = (select key from execution"
        " where execution_id = 't1')",
        "update io_value set value_text = '1' where name = 'x' and execution_key ="
        " (select key from execution where execution_id = 't1')",
        "update raw_answer set body = x'00' where object_kind = 'execution' and object_key ="
        " (select key from execution where execution_id = 't1')",
    ],
)
def test_of_damage_here_a_repair_is_what_helps_and_it_does(lab, damage):
    change(lab, damage)
    said = hint(lab)
    assert said == (
        "To write anew what is damaged here: craftsync verify --repair --env default --execution t1"
    )
    done = run(lab, *said.partition("craftsync verify ")[2].split())
    assert (done.exit_code, verified(lab)) == (0, [])


def test_of_damage_in_many_all_are_repaired_by_one_line(lab):
    change(lab, "update file_chunk set bytes = x'00'")
    said = hint(lab)
    assert said.endswith("craftsync verify --repair --env default --sample 100%")


def test_damage_beside_changes_and_losses_upstream_says_the_line_of_each(lab):
    change(lab, "update execution set status = 'Failed' where execution_id = 't1'")
    lab.world.append_lines("t2", [Line(AT, "late")])
    lab.world.delete_execution("t3")
    said = hint(lab)
    assert "craftsync verify --repair --env default --execution t1; " in said
    assert said.endswith("craftsync sync --full --env default")
    lab.sync(full=True)
    assert hint(lab).endswith("craftsync verify --repair --env default --execution t1")


def test_what_is_gone_upstream_is_noted_by_a_sync(lab):
    lab.world.delete_execution("t0")
    assert hint(lab) == "To note what is gone upstream: craftsync sync --env default"
    assert hint(lab, "--sample", "100%", "--repair") == hint(lab)


def test_of_what_is_gone_upstream_no_line_can_mend_the_damage(lab):
    lab.world.delete_execution("t0")
    lab.sync()
    change(lab, "update file_chunk set bytes = x'00'")
    assert hint(lab, "--execution", "t0").endswith("a backup alone")


# Rows


def test_rows_come_in_the_order_of_time_id_and_part_however_they_are_fetched(tmp_path):
    world = World(executions=0, pipelines=0)
    world.add_pipeline(
        "train", outputs=[Port(name, "number") for name in "ba"], created_at=LONG_AGO
    )
    order = random.Random(1)
    births = {f"e{number:03}": LONG_AGO + order.randrange(40) * MINUTE for number in range(520)}
    for name, born in births.items():
        world.add_execution("train", execution_id=name, created_at=born, lines=[])
    with make_lab(tmp_path, world) as lab:
        lab.sync()
        change(lab, "update io_value set value_text = 'x', value = '\"x\"' where side = 'output'")
        rows = verified(lab)
        assert len(rows) == 1040
        assert rows == sorted(rows, key=lambda row: (births[row[0]], row[0], row[1]))


def test_the_rows_are_printed_in_every_format_and_end_with_3(lab):
    lab.world.append_lines("t0", [Line(AT, "late")])
    done = run(lab, "--sample", "100%")
    assert done.exit_code == 3
    assert done.stdout.splitlines() == [
        "environment  execution_id  part  drift",
        "default      t0            logs  1 line more upstream",
    ]
    assert "6 executions compared, 1 with a difference." in done.stderr
    assert "craftsync sync --full" in done.stderr
    row = ["default", "t0", "logs", "1 line more upstream"]
    names = ["environment", "execution_id", "part", "drift"]
    done = run(lab, "--execution", "t0", "--format", "csv")
    assert list(csv.reader(io.StringIO(done.stdout))) == [names, row]
    done = run(lab, "--execution", "t0", "--json")
    assert json.loads(done.stdout) == [dict(zip(names, row, strict=True))]
    out = lab.folder / "drift.jsonl"
    done = run(lab, "--execution", "t0", "--format", "jsonl", "-o", str(out))
    assert (done.exit_code, done.stdout) == (3, "")
    assert json.loads(out.read_text()) == dict(zip(names, row, strict=True))


def test_quiet_says_nothing_when_nothing_differs(lab):
    done = run(lab, "-q", "--sample", "100%")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert run(lab, "-q", "--json").stdout == "[]\n"
    lab.world.append_lines("t0", [Line(AT, "late")])
    done = run(lab, "-q", "--sample", "100%")
    assert (done.exit_code, done.stderr) == (3, "")
    assert "1 line more upstream" in done.stdout


def test_a_store_without_settled_executions_has_nothing_to_compare(tmp_path):
    with make_lab(tmp_path, World(executions=0, pipelines=1)) as lab:
        lab.sync()
        done = run(lab)
        assert done.exit_code == 0
        assert "The store holds no settled execution: nothing was compared." in done.stderr


# Safe to run


def test_nothing_is_written_and_no_lock_is_needed(lab):
    lab.world.append_lines("t0", [Line(AT, "late")])
    before = everything(lab), lab.rows("select * from sync_run"), lab.rows("select * from scope")
    with lock.lock(engine.address(lab.store), ["default"]):
        assert verified(lab) == [("t0", "logs", "1 line more upstream")]
    assert before == (
        everything(lab),
        lab.rows("select * from sync_run"),
        lab.rows("select * from scope"),
    )


@pytest.mark.parametrize("vanish", ["delete_execution", "recreate_execution"])
def test_a_sync_may_write_while_executions_are_compared(tmp_path, vanish):
    with make_lab(tmp_path, World(seed=2, executions=60, settled=True)) as lab:
        lab.sync()
        gone = lab.column("select execution_id from executions order by created_at")[-1]
        app = lab.app
        chosen = Sample(ALL, 1)
        lab.world.advance(MINUTE)
        getattr(lab.world, vanish)(gone)
        with app.verification(app.settings.environments_to_use(), chosen) as found:
            rows = found.rows(lambda done, of: lab.sync() if done == 1 else None)
            assert list(rows) == []
        assert found.compared == 60


def test_parts_that_a_sync_brings_meanwhile_are_left_for_another_time(tmp_path, world):
    with make_lab(tmp_path, world) as lab:
        lab.sync(logs=False, files=False)
        app, keys = lab.app, [key_of(lab, name) for name in IDS]
        with app.verification(app.settings.environments_to_use(), keys) as found:
            rows = found.rows(lambda done, of: lab.sync() if done == 1 else None)
            assert list(rows) == []
        assert found.compared == 6
        assert set(lab.column("select state from parts")) == {"ok"}


def test_no_secret_is_in_what_is_printed(tmp_path):
    with make_lab(tmp_path, World(seed=2, executions=60, settled=True)) as lab:
        lab.sync()
        key = lab.column("select fingerprint_key from store_identity")[0]
        for name in lab.column("select execution_id from executions where pipeline_name like 'b%'"):
            told = detail(lab, name)
            secret = next(
                item["value"]
                for item in told["inputs"]
                if item["mapping_type"] == "environment_variable"
            )
            lab.world.mutate_execution(
                name,
                where="detail",
                **{f"x{secret}": secret},
                outputs=[{**item, "value": f"{secret}!"} for item in told["outputs"]],
            )
            lab.world.append_lines(name, [Line(AT, f"said {secret}")])
        change(lab, "update log_line set message = 'x'")
        said = ""
        for words in ([], ["--json"], ["--format", "csv"], ["-vv"]):
            done = run(lab, "--sample", "100%", *words)
            assert done.exit_code == 3
            said += done.stdout + done.stderr
        assert "value differs" in said
        hidden = [*lab.world.secrets(), lab.world.sdk_token, key]
        assert [one for one in hidden if len(one) >= 6 and one in said] == []


# How it ends


def test_an_unknown_id_ends_with_2_and_the_nearest_names(lab):
    done = run(lab, "--execution", "t0", "--execution", "t77")
    assert done.exit_code == 2
    assert "No execution 't77' is in the store." in done.stderr
    assert lab.world.requests.total == 0


@pytest.mark.parametrize("words", ["2", "0%", "0.0%", "101%", "-1%", "%", "x%", "1e1%", "", "٢%"])
def test_what_is_no_share_ends_with_2(lab, words):
    done = run(lab, "--sample", words)
    assert done.exit_code == 2
    assert "as 2%, 0.5% or 100% are" in done.stderr


def test_a_sample_and_named_executions_exclude_each_other(lab):
    done = run(lab, "--sample", "2%", "--execution", "t0")
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr


def test_a_store_that_is_not_there_ends_with_8(lab):
    done = run(lab, "--store", str(lab.folder / "none.db"))
    assert (done.exit_code, done.stdout) == (8, "")
    assert not (lab.folder / "none.db").exists()


def test_a_token_that_is_refused_ends_with_6(lab):
    lab.world.accounts.revoke_sdk_token()
    with pytest.raises(BadCredentials):
        verified(lab)
    assert run(lab).exit_code == 6
    del lab.environ["CRAFT_AI_SDK_TOKEN"]
    assert run(lab, CRAFT_AI_SDK_TOKEN="").exit_code == 6


def test_a_platform_that_cannot_be_reached_ends_with_7(lab):
    lab.server.faults = Faults(seed=1, rates={"reset_before": 1.0}, spare_sign_in=False)
    with pytest.raises(Unreachable):
        verified(lab)


def test_another_environment_under_the_same_url_is_refused(lab):
    change(lab, "update environment set upstream_id = 'another'")
    with pytest.raises(Refused, match="Nothing was read"):
        verified(lab)
    done = run(lab)
    assert (done.exit_code, done.stdout) == (4, "")
    assert lab.world.requests.count("GET", "*/executions/*") == 0


# Several environments


@pytest.fixture
def two(tmp_path):
    """A lab with a second environment of the same kind of executions."""
    with ExitStack() as stack:
        worlds = {}
        config = []
        for name in ("prod", "stage"):
            world = worlds[name] = World(executions=0, pipelines=0, environment_id=f"id-of-{name}")
            world.add_pipeline("train", created_at=LONG_AGO)
            for number in range(3):
                world.add_execution(
                    "train",
                    execution_id=f"{name}-{number}",
                    created_at=LONG_AGO + number * MINUTE,
                    lines=lines(*range(number + 2)),
                )
            world.add_execution("train", execution_id="same", created_at=LONG_AGO, lines=lines(0))
            server = stack.enter_context(Server(world))
            config += [
                f"[environments.{name}]",
                f'url = "{server.url}"',
                f'control_url = "{server.url}"',
                f'token_env = "{name.upper()}_TOKEN"',
            ]
        made = stack.enter_context(make_lab(tmp_path, worlds["prod"]))
        made.worlds = worlds
        for word in ("CRAFT_AI_SDK_TOKEN", "CRAFT_AI_ENVIRONMENT_URL", "CRAFT_AI_CONTROL_URL"):
            made.environ[word] = ""
        for name, world in worlds.items():
            made.environ[f"{name.upper()}_TOKEN"] = world.sdk_token
        made.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
        file = tmp_path / "config" / "craftsync" / "config.toml"
        file.parent.mkdir(parents=True, mode=0o700)
        file.write_text("\n".join(config))
        app = made.app
        app.sync(
            app.settings.environments_to_use(all_envs=True), app.sync_options(), listener=print
        )
        yield made


def test_every_environment_that_is_mirrored_is_compared_in_one_order(two):
    for world in two.worlds.values():
        for name in [*world.truth().execution_ids()]:
            world.append_lines(name, [Line(AT, "late")])
    done = run(two, "--sample", "100%", "--json")
    assert done.exit_code == 3
    assert [(row["environment"], row["execution_id"]) for row in json.loads(done.stdout)] == [
        ("prod", "prod-0"),
        ("prod", "same"),
        ("stage", "same"),
        ("stage", "stage-0"),
        ("prod", "prod-1"),
        ("stage", "stage-1"),
        ("prod", "prod-2"),
        ("stage", "stage-2"),
    ]
    done = run(two, "--env", "stage", "--sample", "100%", "--json")
    assert {row["environment"] for row in json.loads(done.stdout)} == {"stage"}
    done = run(two, "--execution", "prod-1", "--execution", "stage-0", "--json")
    assert [row["execution_id"] for row in json.loads(done.stdout)] == ["stage-0", "prod-1"]


def errors(done):
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize("code", [4, 6, 7])
def test_an_environment_that_fails_does_not_keep_the_others_from_being_compared(two, code):
    for world in two.worlds.values():
        world.append_lines("same", [Line(AT, "late")])
    if code == 4:
        change(two, "update environment set upstream_id = 'another' where name = 'prod'")
    elif code == 6:
        two.environ["PROD_TOKEN"] = ""
    else:
        two.environ["CRAFTSYNC_ENVIRONMENTS_PROD_URL"] = "http://127.0.0.1:1"
    for words in (("--sample", "100%"), ("--execution", "prod-0", "--execution", "stage-0")):
        done = run(two, *words, "--json")
        told = [(row["environment"], row["execution_id"]) for row in json.loads(done.stdout)]
        assert told == ([("stage", "same")] if words[0] == "--sample" else [])
        assert done.exit_code == code
        assert [line.partition(": ")[2].partition(": ")[0] for line in errors(done)] == ["prod"]
        assert ("4 executions" if told else "1 execution") + " compared" in done.stderr
    alone = run(two, "--env", "prod", "--json")
    assert (alone.exit_code, alone.stdout) == (code, "")


def test_where_no_environment_can_be_compared_nothing_is_printed(two):
    two.environ |= {"PROD_TOKEN": "", "STAGE_TOKEN": ""}
    done = run(two, "--json")
    assert (done.exit_code, done.stdout, len(errors(done))) == (6, "", 2)
    assert "compared" not in done.stderr


def test_what_differs_is_repaired_though_another_environment_fails(two):
    two.worlds["stage"].append_lines("same", [Line(AT, "late")])
    two.environ["PROD_TOKEN"] = ""
    done = run(two, "--sample", "100%", "--repair", "--json")
    assert (done.exit_code, len(errors(done))) == (6, 1)
    assert "1 repaired: nothing differs any more." in done.stderr
    two.environ["PROD_TOKEN"] = two.worlds["prod"].sdk_token
    assert run(two, "--sample", "100%").exit_code == 0


def test_an_id_that_two_environments_have_needs_the_environment(two):
    done = run(two, "--execution", "same")
    assert done.exit_code == 2
    assert "Add --env prod" in done.stderr
    assert run(two, "--execution", "same", "--env", "stage").exit_code == 0


def test_an_environment_that_the_store_does_not_hold_ends_with_2_or_6(two):
    assert run(two, "--env", "nowhere").exit_code == 6
    change(two, "update environment set name = 'old' where name = 'stage'")
    assert run(two, "--env", "stage").exit_code == 2
    assert run(two, "--execution", "stage-0").exit_code == 6
    assert run(two, "--sample", "100%").exit_code == 0

"""`verify --repair`: what drifted is as upstream shows it, and nothing else is touched."""

import json

import pytest
from journeys.checker import nanoseconds
from journeys.test_second_sync import everything
from journeys.test_verify import (
    AT,
    FILES,
    IDS,
    change,
    detail,
    key_of,
    lab,
    lines,
    run,
    verified,
    world,
)
from lab import DAY, HOUR

from craftsync.simulator import Content, Line
from craftsync.store import engine, lock

__all__ = ["lab", "world"]

LATE = nanoseconds("2026-02-27T13:00:00.000000001Z")


def repaired(lab, *words, code=0):
    """Repair whatever differs; what was printed on stdout as (execution_id, part, drift)."""
    done = run(lab, "--repair", "--json", *(words or ("--sample", "100%")))
    assert done.exit_code == code, done.stderr
    return [tuple(row.values())[1:] for row in json.loads(done.stdout)], done.stderr


def test_what_changed_upstream_is_taken_over(lab):
    before = everything(lab)
    step = detail(lab, "t0")["steps"][0]
    lab.world.mutate_execution("t0", where="detail", steps=[{**step, "status": "Failed"}])
    lab.world.append_lines("t1", [Line(LATE, "late")])
    lab.world.set_value("t2", "outputs", "model", Content(FILES, b"other"))
    rows, said = repaired(lab)
    assert [row[:2] for row in rows] == [
        ("t0", "detail"),
        ("t1", "logs"),
        ("t2", "output model"),
    ]
    assert "6 executions compared, 3 with a difference." in said
    assert "3 repaired: nothing differs any more." in said
    assert verified(lab) == []
    assert lab.column("select status from steps where execution_id = 't0'") == ["Failed"]
    assert lab.column("select message from logs where execution_id = 't1'")[-1] == "late"
    assert everything(lab) != before
    assert lab.sync().exit_code == 0
    assert verified(lab) == []


@pytest.mark.parametrize(
    "damage",
    [
        "update io_value set value = '7', value_text = '7', value_number = 7 where name = 'y'",
        "update execution set status = 'Failed', commit_id = 'x'",
        "update log_line set message = 'x'",
        pytest.param("delete from log_line", marks=pytest.mark.long),
        "delete from step",
        pytest.param("delete from io_value where side = 'output'", marks=pytest.mark.long),
        "update raw_answer set body = x'00' where object_kind = 'execution'",
        pytest.param("update file_chunk set bytes = x'00'", marks=pytest.mark.long),
        pytest.param("delete from file_chunk", marks=pytest.mark.long),
        "delete from file",
    ],
)
def test_what_is_damaged_here_is_written_again_though_nothing_changed_upstream(lab, damage):
    before = content(lab)
    change(lab, damage)
    lab.sync(full=True)
    assert content(lab) != before
    rows, said = repaired(lab)
    assert rows
    assert "nothing differs any more" in said
    assert verified(lab) == []
    assert content(lab) == before


def content(lab):
    """All that is held of executions, without what a clock or a counter of ours gave."""
    tables = ("step", "io_value", "log_line", "metric", "raw_answer", "file", "part")
    found = everything(lab)
    ours = ("rev", "fetched_at")
    executions = [
        {name: value for name, value in row.items() if name not in ours}
        for row in lab.rows("select * from execution order by key")
    ]
    chunks = lab.rows("select * from file_chunk order by sha256, n")
    return [found[name] for name in tables], chunks, executions


def test_only_what_differs_is_written(lab):
    def revs():
        return dict(
            zip(
                lab.column("select execution_id from execution order by key"),
                lab.column("select rev from execution order by key"),
                strict=True,
            )
        )

    before = revs()
    fetched = lab.rows("select execution_id, fetched_at from executions order by 1")
    lab.world.append_lines("t3", [Line(LATE, "late")])
    lab.world.advance(HOUR)
    repaired(lab)
    after = revs()
    assert {name for name in IDS if after[name] != before[name]} == {"t3"}
    assert after["t3"] > max(before.values())
    again = lab.rows("select execution_id, fetched_at from executions order by 1")
    assert [a == b for a, b in zip(fetched, again, strict=True)] == [name != "t3" for name in IDS]


def test_nothing_that_differs_is_nothing_to_write_and_takes_no_lock(lab):
    before = everything(lab), lab.rows("select * from sync_run"), lab.rows("select * from scope")
    with lock.lock(engine.address(lab.store), ["default"]):
        rows, said = repaired(lab)
    assert rows == []
    assert "nothing differs" in said
    assert before == (
        everything(lab),
        lab.rows("select * from sync_run"),
        lab.rows("select * from scope"),
    )


def test_a_new_status_is_noted_as_a_sync_does(lab):
    lab.world.mutate_execution("t0", status="Failed")
    lab.world.advance(DAY)
    repaired(lab, "--execution", "t0")
    changes = lab.rows("select status, observed_at from status_changes where execution_id = 't0'")
    assert [row["status"] for row in changes] == ["Succeeded", "Failed"]
    assert lab.column("select count(*) from sync_runs") == [1]
    assert lab.sync().outcome == "complete"


def test_what_is_gone_upstream_is_left_to_a_sync(lab):
    lab.world.append_lines("t1", [Line(LATE, "late")])
    lab.world.delete_execution("t0")
    rows, said = repaired(lab, code=3)
    assert rows == [("t0", "", "gone upstream"), ("t1", "logs", "1 line more upstream")]
    assert "1 repaired, 1 not." in said
    assert lab.column("select gone_at from executions where execution_id = 't0'") == [None]
    assert lab.column("select message from logs where execution_id = 't1'")[-1] == "late"
    lab.sync()
    assert lab.column("select count(*) from executions where gone_at is not null") == [1]


def test_what_cannot_be_fetched_stays_as_it_is_held_and_is_named(lab):
    change(lab, "update file_chunk set bytes = x'00'")
    lab.world.deny("/executions/t2/outputs/model")
    rows, said = repaired(lab, "--execution", "t2", code=3)
    assert ("t2", "output model", "the stored bytes are damaged") in [
        (row[0], row[1], row[2].split(";")[0]) for row in rows
    ]
    assert "Not repaired: t2 output model:" in said
    assert lab.column("select count(*) from file_chunk where bytes = x'00'") != [0]
    lab.world.allow("/executions/t2/outputs/model")
    assert "nothing differs any more" in repaired(lab, "--execution", "t2")[1]


def test_lines_that_are_doubled_here_are_one_again(lab):
    change(
        lab,
        "insert into log_line select execution_key, line_number + 1000, source, timestamp_ns,"
        " timestamp_text, stream, message, exact from log_line where line_number > 2",
    )
    before = lab.column("select logs_state from executions")
    repaired(lab)
    assert lab.column("select logs_state from executions") == before
    assert lab.column("select count(*) from log_line where line_number > 1000") == [0]
    assert verified(lab) == []


def test_a_metric_whose_name_is_damaged_is_whole_again(calm):
    calm.sync()
    name = calm.column("select execution_id from metrics order by 1")[0]
    before = calm.rows("select * from metrics where execution_id = ?", name)
    change(
        calm,
        "update metric set name = 'damaged ' || name where execution_key = ?",
        key_of(calm, name),
    )
    repaired(calm, "--execution", name)
    assert calm.rows("select * from metrics where execution_id = ?", name) == before


def test_of_a_log_that_shrank_upstream_no_line_is_taken_away(lab):
    lab.world.replace_lines("t5", lines(0))
    repaired(lab, "--execution", "t5")
    assert lab.column("select count(*) from logs where execution_id = 't5'") == [8]
    assert lab.column("select logs_state from executions where execution_id = 't5'") == ["capped"]


def test_a_failure_that_stood_is_over_once_all_of_it_is_here(lab):
    change(
        lab,
        "insert into sync_failure (environment_key, object_kind, object_id, part, run_id, error,"
        " attempts, first_failed_at, last_failed_at) select 1, 'execution', 't0', 'logs', 1, 'x',"
        " 1, first_seen_at, first_seen_at from execution where execution_id = 't0'",
    )
    change(lab, "update log_line set message = 'x'")
    repaired(lab, "--execution", "t0")
    assert lab.rows("select * from sync_failures") == []


def test_the_next_sync_looks_through_a_listing_whose_executions_were_repaired(lab):
    lab.sync()
    assert lab.column("select count(*) from scope where listing_sha256 is not null") != [0]
    lab.world.append_lines("t1", [Line(LATE, "late")])
    repaired(lab)
    hashes = lab.column("select listing_sha256 from scope where kind = 'pipeline'")
    assert hashes == [None]


def test_another_craftsync_at_work_ends_with_75(lab):
    lab.world.append_lines("t0", [Line(AT, "late")])
    with lock.lock(engine.address(lab.store), ["default"]):
        done = run(lab, "--sample", "100%", "--repair")
    assert done.exit_code == 75
    assert "1 line more upstream" in done.stdout
    assert verified(lab) != []


def test_quiet_prints_what_was_repaired_alone(lab):
    lab.world.append_lines("t0", [Line(AT, "late")])
    done = run(lab, "-q", "--sample", "100%", "--repair")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1 line more upstream" in done.stdout
    assert (run(lab, "-q", "--sample", "100%", "--repair").stdout) == ""

"""Parts by themselves: left out, failed, tried again, left alone for a while, denied, capped."""

import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from lab import HOUR, lab
from sqlalchemy import Engine, event

from craftsync.simulator import Content, Port, Quirks, Response, World
from craftsync.upstream import client

BROKEN = Response(500, {"Content-Type": "application/json"}, b'{"message": "no"}')


def asked(lab):
    """Return how often each execution's paths were asked for since the last clear."""
    return Counter(
        f"{entry.method} {entry.path.removeprefix('/api/v1')}"
        for entry in lab.world.requests.entries
        if "/executions/" in entry.path
    )


@pytest.fixture
def one(tmp_path):
    """A lab with one finished execution that has a log and a file among its outputs."""
    world = World(seed=1, executions=0, pipelines=0)
    world.add_pipeline("score", inputs=[], outputs=[Port("report", "file")])
    run = world.add_execution(
        "score", execution_id="e1", created_at=world.now - 5 * HOUR, status="Succeeded"
    )
    world.set_value(run.execution_id, "outputs", "report", Content("text/csv", b"a,b\n1,2\n"))
    with lab(tmp_path, world) as made:
        yield made


def states(lab):
    rows = lab.rows("select part, name, state from parts order by part, name")
    return {f"{row['part']} {row['name']}".strip(): row["state"] for row in rows}


def test_parts_left_out_by_a_flag_are_pending_and_the_run_is_complete(one):
    outcome = one.sync(logs=False, files=False)
    assert (outcome.outcome, outcome.exit_code) == ("complete", 0)
    assert states(one) == {"detail": "ok", "logs": "pending", "output report": "pending"}
    assert asked(one) == {"GET /executions/e1": 1}


def test_parts_left_out_are_left_alone_under_the_same_flags(one):
    one.sync(logs=False, files=False)
    one.world.requests.clear()
    assert one.sync(logs=False, files=False).exit_code == 0
    assert asked(one) == {}


def test_parts_left_out_are_fetched_alone_when_they_are_wanted(one):
    one.sync(logs=False, files=False)
    one.world.requests.clear()
    assert one.sync().exit_code == 0
    assert asked(one) == {
        "GET /executions/e1": 1,  # it tells what is secret in the others
        "POST /executions/e1/logs": 3,  # and whether there is more than the first answer has
        "GET /executions/e1/outputs/report": 1,
    }
    assert states(one) == {"detail": "ok", "logs": "ok", "output report": "ok"}
    assert one.column("select settled from executions") == [1]
    assert one.column("select count(*) from logs") == [len(one.world.truth().execution("e1").lines)]
    assert one.column("select size_bytes from outputs") == [8]
    one.world.requests.clear()
    one.sync()
    assert asked(one) == {}


def test_a_part_that_fails_is_named_and_takes_nothing_else_along(one):
    one.world.override("GET", "/executions/e1/outputs/report", BROKEN)
    outcome = one.sync()
    assert (outcome.outcome, outcome.exit_code) == ("partial", 3)
    assert [(f.object_id, f.part) for f in outcome.failed] == [("e1", "output report")]
    assert states(one) == {"detail": "ok", "logs": "ok", "output report": "error"}
    (failure,) = one.rows("select object_kind, object_id, part, attempts from sync_failures")
    assert list(failure.values()) == ["execution", "e1", "output report", 1]


def test_a_part_that_failed_is_tried_again_alone_then_left_alone_for_longer_and_longer(one):
    one.world.override("GET", "/executions/e1/outputs/report", BROKEN)
    tried = []
    minutes = [0, 0, 1, 13, 1, 1, 28, 1, 1]
    for wait in minutes:
        one.world.advance(HOUR * wait / 60)
        one.world.requests.clear()
        outcome = one.sync()
        assert outcome.exit_code == 3
        assert [failure.part for failure in outcome.failed] == ["output report"]
        tried.append(asked(one)["GET /executions/e1/outputs/report"] > 0)
    assert tried == [True, True, False, False, True, False, False, True, False]
    assert asked(one)["GET /executions/e1"] == 0


def test_a_failed_part_that_is_left_out_by_a_flag_stays_named(one):
    one.world.override("GET", "/executions/e1/outputs/report", BROKEN)
    one.sync()
    for _ in range(2):  # the second time its listing is not even looked into
        assert one.sync(files=False).exit_code == 0
        assert one.column("select part from sync_failures") == ["output report"]
    one.sync()
    assert one.column("select attempts from sync_failures") == [2]


@pytest.mark.parametrize("path", ["/pipelines/score/executions", "/deployments", "/pipelines"])
def test_what_failed_before_stays_named_while_its_listing_cannot_be_had(one, path):
    one.world.override("GET", "/executions/e1/outputs/report", BROKEN)
    one.sync()
    one.world.override("GET", path, BROKEN)
    assert one.sync().exit_code == 3
    named = one.column("select object_id || ' ' || part from sync_failures")
    assert len(named) == 2
    assert "e1 output report" in named


@pytest.mark.parametrize("kind", ["deployment", "pipeline"])
def test_an_object_that_failed_before_stays_named_while_its_listing_cannot_be_had(one, kind):
    if kind == "deployment":
        one.world.add_deployment("odd", "score")
    else:
        one.world.add_pipeline("odd")
    one.world.override("GET", f"/{kind}s/odd", BROKEN)
    assert one.sync().exit_code == 3
    one.world.override("GET", f"/{kind}s", BROKEN)
    assert one.sync().exit_code == 3
    assert one.column("select object_id from sync_failures order by object_kind") == ["odd", ""]
    one.world.restore("GET", f"/{kind}s")
    one.world.restore("GET", f"/{kind}s/odd")
    assert one.sync().exit_code == 0
    assert one.column("select object_id from sync_failures") == []


def test_a_part_that_comes_at_last_is_held_and_no_longer_named(one):
    one.world.override("GET", "/executions/e1/outputs/report", BROKEN)
    one.sync()
    one.world.restore("GET", "/executions/e1/outputs/report")
    assert one.sync().exit_code == 0
    assert one.rows("select * from sync_failures") == []
    assert states(one)["output report"] == "ok"


def test_a_log_that_fails_leaves_its_execution_unsettled_until_it_comes(one):
    one.world.override("POST", "/executions/e1/logs", BROKEN)
    assert one.sync().exit_code == 3
    assert one.column("select settled from executions") == [0]
    one.world.restore("POST", "/executions/e1/logs")
    one.world.requests.clear()
    assert one.sync().exit_code == 0
    assert asked(one) == {"GET /executions/e1": 1, "POST /executions/e1/logs": 3}
    assert one.column("select settled from executions") == [1]


@pytest.mark.parametrize("how", ["left out", "fails"])
def test_an_execution_whose_log_never_comes_is_fetched_once_more_when_it_is_final_and_no_more(
    tmp_path, how
):
    world = World(seed=1, executions=0, pipelines=0)
    world.add_pipeline("score")
    world.add_execution("score", execution_id="e1", created_at=world.now - HOUR / 2)
    logs = how == "fails"
    if logs:
        world.override("POST", "/executions/e1/logs", BROKEN)
    with lab(tmp_path, world) as young:
        young.sync(logs=logs)
        world.advance(HOUR / 2)
        young.sync(logs=logs)
        world.advance(HOUR)  # more than a settle time after the end
        world.requests.clear()
        young.sync(logs=logs)
        assert asked(young)["GET /executions/e1"] == 1
        world.requests.clear()
        young.sync(logs=logs)
        assert asked(young) == {}
        assert young.column("select settled from executions") == [0]
        world.restore("POST", "/executions/e1/logs")
        world.advance(24 * HOUR)
        assert young.sync().exit_code == 0
        assert young.column("select settled from executions") == [1]
        held = young.column("select count(*) from logs")
        assert held == [len(world.truth().execution("e1").lines)]


def test_a_detail_that_fails_for_ever_is_named_and_left_alone_for_a_while(one):
    one.world.override("GET", "/executions/e1", BROKEN)
    tried = []
    for _ in range(4):
        one.world.requests.clear()
        outcome = one.sync()
        assert [(f.object_id, f.part) for f in outcome.failed] == [("e1", "detail")]
        assert outcome.exit_code == 3
        tried.append(asked(one)["GET /executions/e1"] > 0)
    assert tried == [True, True, False, False]
    one.world.restore("GET", "/executions/e1")
    one.world.advance(HOUR)
    assert one.sync().exit_code == 0
    assert one.rows("select * from sync_failures") == []


def test_what_is_denied_makes_the_run_partial_only_the_first_time(one):
    one.world.deny("/executions/e1/outputs")
    assert one.sync().exit_code == 3
    assert states(one)["output report"] == "denied"
    one.world.advance(HOUR)
    assert one.sync().exit_code == 0


def test_a_file_above_the_limit_is_too_big_and_comes_when_the_limit_is_raised(one):
    one.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = "7"
    outcome = one.sync()
    assert (outcome.exit_code, outcome.too_big) == (0, 1)
    assert states(one)["output report"] == "too_big"
    assert one.column("select size_bytes from outputs") == [8]
    one.world.requests.clear()
    one.sync()
    assert asked(one) == {}
    one.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = "8"
    assert one.sync().exit_code == 0
    assert states(one)["output report"] == "ok"


@pytest.fixture
def unsized(tmp_path):
    """A lab with a file of 4,000 bytes whose size nothing tells before it is unpacked."""
    world = World(seed=1, executions=0, pipelines=0)
    world.add_pipeline("score", inputs=[], outputs=[Port("report", "file")])
    world.add_execution(
        "score", execution_id="e1", created_at=world.now - 5 * HOUR, status="Succeeded"
    )
    world.set_value("e1", "outputs", "report", Content("text/csv", b"a,b\n1,2\n" * 500))
    with lab(tmp_path, world, gzip=True) as made:
        yield made


def limited(lab, most):
    """Sync with that limit of a file; whether the file was asked for, and what is told of it."""
    lab.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = str(most)
    lab.world.requests.clear()
    assert lab.sync().outcome == "complete"
    part = lab.rows("select state, size_bytes, error from parts where name = 'report'")
    held = lab.rows("select value_state as state, size_bytes, null as error from outputs")
    return asked(lab)["GET /executions/e1/outputs/report"], *(part or held)[0].values()


def test_a_file_whose_size_nobody_told_is_asked_for_again_under_a_larger_limit_alone(unsized):
    assert limited(unsized, 1000) == (1, "too_big", None, "larger than 1,000 bytes")
    assert limited(unsized, 1000)[0] == 0
    assert limited(unsized, 999)[0] == 0
    assert limited(unsized, 3999) == (1, "too_big", None, "larger than 3,999 bytes")
    assert limited(unsized, 3999)[0] == 0
    assert limited(unsized, 1001)[0] == 0
    assert limited(unsized, 4000)[:3] == (1, "ok", 4000)
    assert limited(unsized, 5000)[0] == 0


def test_a_file_of_which_an_earlier_version_noted_no_limit_is_asked_for_once(unsized):
    limited(unsized, 1000)
    with closing(sqlite3.connect(unsized.store)) as store, store:
        store.execute("update part set error = null")
    assert limited(unsized, 1000) == (1, "too_big", None, "larger than 1,000 bytes")
    assert limited(unsized, 1000)[0] == 0


def test_a_log_above_the_limit_is_asked_for_again_under_a_larger_one_alone(one, monkeypatch):
    monkeypatch.setattr(client, "LOG_BYTES", 100)
    assert one.sync().exit_code == 0
    assert states(one)["logs"] == "too_big"
    one.world.requests.clear()
    for _ in range(2):
        one.world.advance(HOUR)
        assert one.sync().exit_code == 0
        assert asked(one) == {}
    monkeypatch.setattr(client, "LOG_BYTES", 1 << 20)
    assert one.sync().exit_code == 0
    assert states(one)["logs"] == "ok"


def test_one_file_of_two_executions_is_kept_once(one):
    one.world.add_execution(
        "score", execution_id="e2", created_at=one.world.now - 4 * HOUR, status="Succeeded"
    )
    one.world.set_value("e2", "outputs", "report", Content("text/csv", b"a,b\n1,2\n"))
    one.sync()
    assert len(set(one.column("select file_sha256 from outputs"))) == 1
    assert one.column("select count(*) from file_chunk") == [1]


def test_files_are_put_in_one_order_so_that_no_two_runs_wait_for_each_other(one):
    name_of = "e{}".format
    for number in range(2, 14):
        born = one.world.now - 4 * HOUR
        one.world.add_execution(
            "score", execution_id=name_of(number), created_at=born, status="Succeeded"
        )
        content = Content("text/csv", name_of(number).encode())
        one.world.set_value(name_of(number), "outputs", "report", content)
    transactions = [[]]

    def note(_conn, _cursor, statement, values, _context, _many):
        if statement.startswith("begin"):
            transactions.append([])
        if statement.startswith("INSERT INTO file "):
            transactions[-1].append(values[0])

    one.sync(files=False)
    one.world.add_execution("score", execution_id="e0", status="Succeeded")
    one.world.set_value("e0", "outputs", "report", Content("text/csv", b"new"))
    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert one.sync().fetched == 1
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert sum(map(len, transactions)) == 14
    for hashes in transactions:
        assert hashes == sorted(hashes)


def test_a_log_that_was_fetched_alone_is_fetched_again_when_a_cap_shows_after_it(tmp_path):
    world = World(seed=3, executions=0, pipelines=0, lines=300, quirks=Quirks(logs_cap=130))
    world.add_pipeline("long")
    for number in range(3):
        born = world.now - 5 * HOUR
        world.add_execution(
            "long", execution_id=f"e{number}", created_at=born, status="Succeeded", run_s=600
        )
    with lab(tmp_path, world) as made:
        assert made.sync(logs=False).exit_code == 0
        assert made.sync().exit_code == 0
        for name in ("e0", "e1", "e2"):
            held = made.column("select message from logs where execution_id = ?", name)
            assert len(held) == 300
            assert sorted(held) == sorted(
                line.message for line in world.truth().execution(name).lines
            )


def test_a_log_longer_than_the_platforms_answers_is_held_whole(tmp_path):
    world = World(seed=3, executions=0, pipelines=0, lines=700, quirks=Quirks(logs_cap=100))
    world.add_pipeline("long")
    for number in range(3):
        world.add_execution(
            "long",
            execution_id=f"e{number}",
            created_at=world.now - 5 * HOUR,
            status="Succeeded",
            run_s=600,
        )
    with lab(tmp_path, world) as made:
        assert made.sync().outcome in {"complete", "partial"}
        for name in ("e0", "e1", "e2"):
            state = made.one("select logs_state from executions where execution_id = ?", name)
            held = made.column("select message from logs where execution_id = ?", name)
            true = [line.message for line in world.truth().execution(name).lines]
            if state["logs_state"] == "ok":
                assert sorted(held) == sorted(true)
            else:
                assert state["logs_state"] == "capped"
                assert Counter(held) - Counter(true) == Counter()

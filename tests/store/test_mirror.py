"""Saving executions: what is written, what is left, what is never lost."""

import json
from datetime import timedelta

import pytest
from store.made import (
    DAY,
    HOUR,
    NOON,
    Mirror,
    a_deployment,
    a_file,
    a_line,
    a_metric,
    a_part,
    a_step,
    a_value,
    a_whole,
    bytes_of,
)

from craftsync import times
from craftsync.records import GoneCause, Key, PartKind, PartState, Side
from craftsync.store import environments, estate, files, ledger, mirror, raw, tombstones
from craftsync.store.open_parts import open_parts

CHILDREN = ("status_change", "step", "io_value", "log_line", "metric", "part", "raw_answer")


def gone(prod, *ids, at=NOON + DAY, cause=GoneCause.DELETED_UPSTREAM):
    keys = prod.connection.exec_driver_sql("select key, execution_id from execution").all()
    keys = [key for key, execution_id in keys if execution_id in ids]
    return tombstones.mark_gone(prod.connection, keys, gone_at=at, cause=cause, rev=prod.rev())


def test_what_is_saved_is_held(prod):
    assert prod.save(a_whole("e1"), a_whole("e2")) == mirror.Saved(2, 0)
    held = prod.held()["e1"]
    assert held.key == Key("e1", NOON)
    assert held.deployment_name == "nightly"
    assert held.status == "Succeeded"
    assert held.end_date == NOON + timedelta(seconds=90)
    assert held.settled is True


def test_all_columns_reach_their_relations(prod):
    prod.save(a_whole("e1", metrics=(a_metric(),)))
    shown = prod.row("executions")
    assert shown["created_at"] == "2026-03-01T12:00:00.000000Z"
    assert shown["started_at"] == "2026-03-01T12:00:30.000000Z"
    assert (shown["queue_s"], shown["run_s"]) == (30.0, 60.0)
    assert (shown["commit_id"], shown["settled"], shown["logs_state"]) == ("c1", 1, "ok")
    assert [row["step_name"] for row in prod.rows("steps")] == ["step-0", "step-1"]
    assert prod.row("inputs")["name"] == "alpha"
    assert prod.row("outputs")["value_number"] == 0.5
    assert [row["message"] for row in prod.rows("logs")] == ["line 1", "line 2"]
    assert prod.row("metrics")["value"] == 0.25
    assert {row["part"] for row in prod.rows("parts")} == {
        "detail",
        "logs",
        "metrics",
        "input",
        "output",
    }


def test_the_same_fetch_again_writes_nothing(prod):
    prod.save(a_whole("e1"), a_whole("e2", metrics=(a_metric(),)))
    before = prod.changes()
    rev = prod.rev()
    saved = prod.save(a_whole("e1"), a_whole("e2", metrics=(a_metric(),)), at=NOON + HOUR, rev=rev)
    assert saved == mirror.Saved(0, 2)
    assert rev.drawn is None
    assert prod.changes() == before


def test_fetched_at_changes_only_with_content(prod):
    prod.save(a_whole("e1"))
    prod.save(a_whole("e1"), at=NOON + HOUR, settled=False)
    assert prod.row("executions")["fetched_at"] == "2026-03-01T12:00:00.000000Z"
    prod.save(a_whole("e1", lines=3), at=NOON + 2 * HOUR)
    assert prod.row("executions")["fetched_at"] == "2026-03-01T14:00:00.000000Z"


def test_settling_alone_is_written_with_a_new_revision(prod):
    prod.save(a_whole("e1"), settled=False)
    rev = prod.rev()
    assert prod.save(a_whole("e1"), settled=True, rev=rev).written == 1
    assert prod.held()["e1"].settled is True
    assert prod.row("execution")["rev"] == rev.drawn


def test_children_are_replaced_not_added(prod):
    prod.save(a_whole("e1", lines=5, steps=[a_step(0), a_step(1), a_step(2)]))
    prod.save(a_whole("e1", lines=5, steps=[a_step(0)], values=[a_value("other")]))
    assert len(prod.rows("logs")) == 5
    assert len(prod.rows("steps")) == 1
    assert [row["name"] for row in prod.rows("outputs")] == ["other"]
    assert prod.rows("inputs") == []


def test_a_neighbour_is_untouched(prod):
    prod.save(a_whole("e1", lines=5), a_whole("e2", lines=5))
    prod.save(a_whole("e1", lines=1))
    assert len(prod.rows("logs", "execution_id = 'e2'")) == 5


def test_one_id_in_two_incarnations_is_two_rows(prod):
    prod.save(a_whole("e1"))
    prod.save(a_whole("e1", created_at=NOON + DAY, lines=1))
    assert len(prod.rows("executions")) == 2
    assert len(prod.rows("logs")) == 3


def test_an_execution_that_comes_twice_in_a_batch_is_one(prod):
    prod.save(a_whole("e1", lines=1), a_whole("e1", lines=2))
    assert len(prod.rows("executions")) == 1
    assert len(prod.rows("logs")) == 2


def test_a_status_is_noted_when_first_seen_and_at_each_change(prod):
    prod.save(a_whole("e1", status="Running", over=False), at=NOON)
    prod.save(a_whole("e1", status="Running", over=False, lines=3), at=NOON + HOUR)
    prod.save(a_whole("e1", status="running", over=False), at=NOON + 2 * HOUR)
    prod.save(a_whole("e1", status="Failed"), at=NOON + 3 * HOUR)
    assert [(row["status"], row["observed_at"][11:13]) for row in prod.rows("status_changes")] == [
        ("Running", "12"),
        ("Failed", "15"),
    ]


def test_what_is_gone_keeps_everything(prod):
    prod.save(a_whole("e1"))
    ledger.set_scope(prod.connection, prod.key, "pipeline", "train", complete_at=NOON, listed=1)
    assert gone(prod, "e1") == 1
    row = prod.row("executions")
    assert row["gone_at"] == "2026-03-02T12:00:00.000000Z"
    assert row["gone_cause"] == "deleted_upstream"
    assert len(prod.rows("logs")) == 2
    assert prod.held() == {}
    born = times.parse_utc_text(row["created_at"])
    known = {Key("e1", born), Key("e1", born + DAY), Key("e2", born)}
    assert mirror.gone_among(prod.connection, prod.key, known) == {Key("e1", born)}


def test_a_tombstone_is_set_once(prod):
    prod.save(a_whole("e1"))
    assert gone(prod, "e1") == 1
    assert gone(prod, "e1", at=NOON + 2 * DAY) == 0
    assert prod.row("executions")["gone_at"] == "2026-03-02T12:00:00.000000Z"


def test_last_seen_moves_with_the_listing_until_it_is_gone_and_then_stands(prod):
    prod.save(a_whole("e1"))
    assert prod.row("executions")["last_seen_at"] == "2026-03-01T12:00:00.000000Z"
    for hours in (1, 2):
        at = NOON + hours * HOUR
        ledger.set_scope(prod.connection, prod.key, "pipeline", "train", complete_at=at, listed=1)
        assert prod.row("executions")["last_seen_at"][11:13] == str(12 + hours)
    gone(prod, "e1")
    ledger.set_scope(
        prod.connection, prod.key, "pipeline", "train", complete_at=NOON + DAY, listed=0
    )
    assert prod.row("executions")["last_seen_at"] == "2026-03-01T14:00:00.000000Z"


def test_what_comes_back_is_no_longer_gone_and_keeps_when_it_was_first_seen(prod):
    prod.save(a_whole("e1"))
    gone(prod, "e1")
    assert prod.save(a_whole("e1"), at=NOON + 2 * DAY).written == 1
    row = prod.row("executions")
    assert (row["gone_at"], row["gone_cause"]) == (None, None)
    assert row["first_seen_at"] == "2026-03-01T12:00:00.000000Z"
    assert row["last_seen_at"] == "2026-03-01T12:00:00.000000Z"


def test_what_comes_back_changed_is_no_longer_gone_either(prod):
    prod.save(a_whole("e1"))
    gone(prod, "e1")
    prod.save(a_whole("e1", lines=7), at=NOON + 2 * DAY)
    assert prod.row("executions")["gone_at"] is None
    assert len(prod.rows("logs")) == 7


@pytest.mark.parametrize("state", [PartState.ERROR, PartState.PENDING, PartState.DENIED])
def test_a_log_that_was_not_got_does_not_erase_the_one_held(prod, state):
    prod.save(a_whole("e1", lines=3))
    prod.save(a_whole("e1", lines=None, parts=[a_part(state=state, error="timed out")]))
    assert len(prod.rows("logs")) == 3
    assert prod.row("executions")["logs_state"] == state
    assert prod.row("parts", "part = 'logs'")["error"] == "timed out"


def test_a_log_that_is_got_again_mends_its_part(prod):
    prod.save(a_whole("e1", lines=3))
    prod.save(a_whole("e1", lines=None, parts=[a_part()]))
    prod.save(a_whole("e1", lines=3))
    assert prod.row("executions")["logs_state"] == "ok"
    assert prod.rows("part") == []


@pytest.mark.parametrize("left", [0, 2])
def test_a_log_that_comes_shorter_takes_no_line_away_and_is_named(prod, left):
    prod.save(a_whole("e1", lines=3))
    before = prod.rows("logs")
    prod.save(a_whole("e1", lines=left))
    assert prod.rows("logs") == before
    assert prod.row("executions")["logs_state"] == "capped"
    assert prod.row("parts", "part = 'logs'")["state"] == "capped"
    prod.save(a_whole("e1", lines=4))
    assert len(prod.rows("logs")) == 4
    assert prod.row("executions")["logs_state"] == "ok"


def test_metrics_that_come_no_more_stay_beside_those_that_do(prod):
    prod.save(a_whole("e1", metrics=(a_metric(), a_metric("acc"))))
    prod.save(a_whole("e1", metrics=()))
    assert len(prod.rows("metrics")) == 2
    prod.save(a_whole("e1", metrics=(a_metric("acc", value="2"), a_metric("new"))))
    assert [row["name"] for row in prod.rows("metrics")] == ["acc", "loss", "new"]
    assert prod.row("metrics", "name = 'acc'")["value_text"] == "2"


def test_lines_nobody_asked_for_are_pending(prod):
    prod.save(a_whole("e1", lines=None))
    assert prod.row("executions")["logs_state"] == "pending"


def test_metrics_that_were_not_got_are_kept(prod):
    prod.save(a_whole("e1", metrics=(a_metric(), a_metric("acc"))))
    prod.save(a_whole("e1", metrics=None, lines=5))
    assert len(prod.rows("metrics")) == 2
    assert prod.row("parts", "part = 'metrics'")["state"] == "ok"
    failed = [a_part(PartKind.METRICS, error="503")]
    prod.save(a_whole("e1", metrics=None, parts=failed))
    assert len(prod.rows("metrics")) == 2
    assert prod.row("parts", "part = 'metrics'")["state"] == "error"


def test_metrics_nobody_asked_for_are_no_part(prod):
    prod.save(a_whole("e1"))
    assert prod.rows("parts", "part = 'metrics'") == []


def test_a_metric_that_is_single_and_a_list_loses_no_value(prod):
    prod.save(a_whole("e1", metrics=(a_metric(value=1.0), a_metric(value=2.0))))
    assert [row["value"] for row in prod.rows("metrics")] == [1.0, 2.0]


def test_a_file_is_kept_once_for_all_that_have_it(prod):
    for name in ("e1", "e2"):
        prod.save(a_whole(name, values=[a_file()], files=[bytes_of()]))
    row = prod.row("outputs", "execution_id = 'e2'")
    assert (row["value"], row["size_bytes"], row["value_state"]) == (None, 6, "ok")
    assert b"".join(files.chunks(prod.connection, row["file_sha256"])) == b"report"
    assert len(prod.rows("file_chunk")) == 1


@pytest.mark.parametrize("state", [PartState.ERROR, PartState.PENDING, PartState.TOO_BIG])
def test_a_file_that_was_not_got_does_not_erase_the_one_held(prod, state):
    prod.save(a_whole("e1", values=[a_value("alpha"), a_file(position=1)], files=[bytes_of()]))
    held = prod.row("outputs", "name = 'report'")["file_sha256"]
    moved = [a_file(state=state, position=0)]
    prod.save(a_whole("e1", values=moved, parts=[a_part(PartKind.OUTPUT, state, "report")]))
    row = prod.row("outputs")
    assert (row["file_sha256"], row["value_state"]) == (held, state)
    assert prod.row("parts", "part = 'output'")["state"] == state


def test_a_file_upstream_no_longer_has_is_absent_and_stays_here(prod):
    prod.save(a_whole("e1", values=[a_file()], files=[bytes_of()]))
    held = prod.row("outputs")["file_sha256"]
    for _ in range(2):
        prod.save(a_whole("e1", values=[a_file(state=PartState.ABSENT)]))
        row = prod.row("outputs")
        assert (row["value_state"], row["file_sha256"], row["size_bytes"]) == ("absent", held, 6)
    assert b"".join(files.chunks(prod.connection, held)) == b"report"


def test_the_files_of_an_unchanged_execution_are_closed_too(prod):
    for _ in range(2):
        spooled = bytes_of()
        prod.save(a_whole("e1", values=[a_file()], files=[spooled]))
        assert spooled.content.closed


def test_a_part_that_fails_again_and_again_is_tried_after_a_doubling_pause(prod):
    pauses = []
    for _ in range(10):
        prod.save(a_whole("e1", lines=None, parts=[a_part(error="503")]))
        (waiting,) = open_parts(prod.connection, prod.key)
        pauses.append(int((waiting.next_try_at - NOON).total_seconds() / 60))
    assert pauses == [0, 15, 30, 60, 120, 240, 480, 960, 1440, 1440]


def test_counting_a_try_is_no_change_of_the_mirror(prod):
    failing = a_whole("e1", lines=None, parts=[a_part(error="503")])
    prod.save(failing)
    rev = prod.rev()
    assert prod.save(failing, rev=rev) == mirror.Saved(0, 1)
    assert rev.drawn is None


def test_parts_of_what_is_gone_do_not_wait(prod):
    prod.save(a_whole("e1", lines=None, parts=[a_part()]))
    gone(prod, "e1")
    assert list(open_parts(prod.connection, prod.key)) == []


def test_a_part_that_waits_names_its_execution(prod):
    prod.save(a_whole("e1", lines=None, parts=[a_part(error="503")], pipeline="other"))
    (waiting,) = open_parts(prod.connection, prod.key)
    assert (waiting.key.execution_id, waiting.pipeline_name) == ("e1", "other")
    assert (waiting.kind, waiting.state, waiting.error) == (PartKind.LOGS, PartState.ERROR, "503")


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_what_waits_is_found_without_going_through_the_history(prod):
    def steps():
        driver, count = prod.connection.connection.driver_connection, 0

        def step():
            nonlocal count
            count += 1

        driver.set_progress_handler(step, 1)
        waiting = list(open_parts(prod.connection, prod.key))
        driver.set_progress_handler(None, 1)
        assert len(waiting) == 1
        return count

    prod.save(a_whole("e1", lines=None, parts=[a_part(error="503")]))
    few = steps()
    prod.save(*(a_whole(f"later {number}") for number in range(100)))
    assert steps() == few


def test_json_null_absent_text_and_not_fetched_are_four_things(prod):
    shown = [
        a_value("null", position=0, value="null", value_text=None, value_number=None),
        a_value("absent", position=1, value=None, value_text=None, state=PartState.ABSENT),
        a_value("text", position=2, value='"null"', value_text="null", value_number=None),
        a_value("later", position=3, value=None, value_text=None, state=PartState.PENDING),
    ]
    prod.save(a_whole("e1", values=shown))
    assert [
        (row["value"], row["value_text"], row["value_state"]) for row in prod.rows("outputs")
    ] == [
        ("null", None, "ok"),
        (None, None, "absent"),
        ('"null"', "null", "ok"),
        (None, None, "pending"),
    ]


def test_every_digit_is_kept(prod):
    digits = ["18446744073709551615", "9" * 5000, "0.12345678901234567890", "-0", "1e400"]
    shown = [
        a_value(f"n{place}", position=place, value=one, value_text=one, value_number=None)
        for place, one in enumerate(digits)
    ]
    prod.save(a_whole("e1", values=shown))
    assert [row["value"] for row in prod.rows("outputs")] == digits


def test_equal_lines_at_one_time_stay_as_many_as_they_are(prod):
    line = a_line(1, "again")
    lines = tuple(line._replace(line_number=number) for number in (1, 2, 3))
    prod.save(a_whole("e1", lines=lines))
    assert [row["message"] for row in prod.rows("logs")] == ["again"] * 3


def test_the_text_of_a_time_is_kept_only_where_its_count_does_not_give_it_back(prod):
    lines = (
        a_line(1),
        a_line(2, timestamp="2026-03-01T12:00:00Z", timestamp_ns=1772366400_000000000),
        a_line(3, timestamp="soon", timestamp_ns=None),
        a_line(4, timestamp=None, timestamp_ns=None),
    )
    prod.save(a_whole("e1", lines=lines))
    assert [row["timestamp_text"] for row in prod.rows("log_line")] == [
        None,
        "2026-03-01T12:00:00Z",
        "soon",
        None,
    ]
    assert [row["timestamp"] for row in prod.rows("logs")] == [
        "2026-03-01T12:00:00.000000Z",
        "2026-03-01T12:00:00.000000Z",
        None,
        None,
    ]


def test_the_raw_answer_is_kept_to_the_byte(prod):
    whole = a_whole("e1", said="what no column holds")
    prod.save(whole)
    assert raw.read(prod.connection, "execution", 1) == whole.execution.raw
    assert raw.read(prod.connection, "execution", 2) is None


def test_two_fetches_are_alike_whenever_they_were_made(prod):
    made = [
        mirror.prepare(a_whole("e1"), dialect=dialect, fetched_at=NOON + hours, settled=False)
        for dialect, hours in (("sqlite", DAY), ("postgresql", 2 * DAY))
    ]
    assert made[0].fetch_sha256 == made[1].fetch_sha256


@pytest.mark.parametrize(
    "change",
    [
        {"lines": 3},
        {"lines": None},
        {"status": "Failed"},
        {"said": "more"},
        {"values": [a_value("alpha", side=Side.INPUT)]},
        {"metrics": ()},
        {"parts": [a_part(state=PartState.CAPPED)]},
    ],
)
def test_whatever_was_fetched_otherwise_makes_another_hash(change):
    one, other = (
        mirror.prepare(whole, dialect="sqlite", fetched_at=NOON, settled=False).fetch_sha256
        for whole in (a_whole("e1"), a_whole("e1", **change))
    )
    assert one != other


def test_what_was_fetched_last_can_be_asked_by_key(prod):
    prod.save(a_whole("e1"), at=NOON + HOUR)
    prepared = mirror.prepare(
        a_whole("e1"), dialect=prod.connection.dialect.name, fetched_at=NOON, settled=True
    )
    key = prod.held()["e1"].execution_key
    found = mirror.held_fetch(prod.connection, [key, 99])
    assert found == {key: (prepared.fetch_sha256, NOON + HOUR)}


def test_a_rolled_back_batch_leaves_nothing(writer):
    with writer.begin() as connection:
        Mirror(connection)
    with writer.connect() as connection:
        Mirror(connection).save(a_whole("e1"))
        connection.rollback()
    with writer.begin() as connection:
        again = Mirror(connection)
        assert again.rows("executions") == []
        assert again.environment.rev == 0
        assert again.save(a_whole("e1")).written == 1


def test_executions_point_to_the_incarnation_that_was_there(prod):
    for days in (-2, -1):
        estate.save_deployments(
            prod.connection,
            prod.key,
            [a_deployment(created_at=NOON + days * DAY)],
            seen_at=NOON,
            rev=prod.rev(),
        )
    times = {"before": -3, "first": -1.5, "second": 0}
    for name, days in times.items():
        prod.save(a_whole(name, created_at=NOON + days * DAY))
    assert {
        row["execution_id"]: row["deployment_created_at"] for row in prod.rows("executions")
    } == {
        "before": None,
        "first": "2026-02-27T12:00:00.000000Z",
        "second": "2026-02-28T12:00:00.000000Z",
    }
    assert [row["last_execution_id"] for row in prod.rows("deployments")] == ["first", "second"]


def test_a_new_execution_carries_its_deployment_into_the_revision(prod):
    estate.save_deployments(
        prod.connection, prod.key, [a_deployment()], seen_at=NOON, rev=prod.rev()
    )
    rev = prod.rev()
    prod.save(a_whole("e1"), rev=rev)
    assert prod.row("deployment")["rev"] == rev.drawn


def test_a_drawn_revision_has_a_token_of_its_own(prod):
    drawn = [environments.draw_rev(prod.connection, prod.key) for _ in range(2)]
    assert drawn == [1, 2]
    assert len({row["token"] for row in prod.rows("revision")}) == 2


def test_a_revision_object_draws_once(prod):
    rev = prod.rev()
    assert rev.drawn is None
    assert rev.number() == rev.number() == rev.drawn == 1


def test_pods_and_settings_are_valid_json(prod):
    estate.save_deployments(
        prod.connection, prod.key, [a_deployment(pods="[]")], seen_at=NOON, rev=prod.rev()
    )
    row = prod.row("deployments")
    assert json.loads(row["pods"]) == []
    assert json.loads(prod.row("deployment_versions")["settings"]) == {"schedule": "0 4 * * *"}

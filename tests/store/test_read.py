"""Look-ups: the newest first, one whole, and what the platform sent to the letter."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from store.made import (
    DAY,
    HOUR,
    NOON,
    a_deployment,
    a_line,
    a_step,
    a_value,
    a_whole,
)

from craftsync import times
from craftsync.records import Side
from craftsync.store import environments, estate, mirror, read, relations
from craftsync.store.exact import literals


@pytest.fixture
def some(prod):
    """Four runs, an hour apart, the newest last."""
    statuses = ["Succeeded", "FAILED", "Running", "failed"]
    for hours, status in enumerate(statuses):
        prod.save(
            a_whole(
                f"e{hours}",
                created_at=NOON + hours * HOUR,
                status=status,
                pipeline="train" if hours % 2 else "score",
                deployment=None if hours == 3 else "nightly",
            )
        )
    return prod


def ids(prod, **asked):
    return [row["execution_id"] for row in read.executions(prod.connection, **asked)]


def test_the_newest_come_first(some):
    assert ids(some) == ["e3", "e2", "e1", "e0"]
    assert ids(some, limit=2) == ["e3", "e2"]


def test_equal_times_are_told_apart_by_id(prod):
    for name in ("b", "c", "a"):
        prod.save(a_whole(name))
    assert ids(prod, limit=2) == ["c", "b"]


def test_statuses_are_compared_without_case(some):
    assert ids(some, statuses=["Failed"]) == ["e3", "e1"]
    assert ids(some, statuses=["failed", "RUNNING"], limit=2) == ["e3", "e2"]


def test_runs_are_found_by_pipeline_deployment_and_environment(some):
    assert ids(some, pipeline="train") == ["e3", "e1"]
    assert ids(some, deployment="nightly", limit=9) == ["e2", "e1", "e0"]
    assert ids(some, environment="prod", pipeline="score", limit=1) == ["e2"]
    assert ids(some, environment="prod") == ["e3", "e2", "e1", "e0"]
    assert ids(some, environment="nowhere") == []


def test_a_window_holds_its_beginning_and_not_its_end(some):
    assert ids(some, since=NOON + HOUR, until=NOON + 3 * HOUR) == ["e2", "e1"]


def test_rows_are_in_pythons_types_and_the_relations_order(some):
    row = next(iter(read.executions(some.connection)))
    assert list(row) == list(relations.EXECUTIONS.columns)
    assert row["created_at"] == NOON + 3 * HOUR
    assert row["created_at"].tzinfo is UTC
    assert row["settled"] is True
    assert row["deployment_name"] is None


def test_one_is_found_by_its_id(some):
    (found,) = read.find_execution(some.connection, "e1")
    assert found.row["status"] == "FAILED"
    assert read.find_execution(some.connection, "e9") == []
    assert read.find_execution(some.connection, "e1", environment="nowhere") == []


def test_an_id_that_came_back_gives_the_newest_first(prod):
    prod.save(a_whole("e1"), a_whole("e1", created_at=NOON + DAY))
    found = read.find_execution(prod.connection, "e1")
    assert [one.row["created_at"] for one in found] == [NOON + DAY, NOON]
    (one,) = read.find_execution(prod.connection, "e1", created_at=NOON)
    assert one.key == found[1].key


def test_an_id_in_two_environments_is_found_twice(prod):
    other = environments.enter(
        prod.connection, "staging", url="https://stg", upstream_id=None, seen_at=NOON
    )
    prod.save(a_whole("e1"))
    prepared = mirror.prepare(
        a_whole("e1"), dialect=prod.connection.dialect.name, fetched_at=NOON, settled=True
    )
    mirror.save_executions(prod.connection, other.key, [prepared], seen_at=NOON, rev=1)
    found = read.find_execution(prod.connection, "e1")
    assert {one.row["environment"] for one in found} == {"prod", "staging"}
    (one,) = read.find_execution(prod.connection, "e1", environment="staging")
    assert one.row["environment"] == "staging"
    assert read.environment_names(prod.connection) == ["prod", "staging"]


def test_the_parts_of_one_come_in_their_order(prod):
    prod.save(a_whole("e1", steps=[a_step(1), a_step(0)]), a_whole("e2"))
    (found,) = read.find_execution(prod.connection, "e1")
    steps = list(read.parts_of(prod.connection, relations.STEPS, found.key))
    assert [step["position"] for step in steps] == [0, 1]
    assert steps[0]["start_date"] == NOON + timedelta(seconds=30)
    parts = list(read.parts_of(prod.connection, relations.PARTS, found.key))
    assert [part["part"] for part in parts] == ["detail", "input", "logs", "output"]


EXACT = r'{"via":"a\u0000b","value":["\ud83d",9007199254740993,1.50],"value_text":"[\"\\ud83d\"]"}'


def test_literals_are_cut_out_as_they_stand():
    assert literals(EXACT) == {
        "via": r'"a\u0000b"',
        "value": r'["\ud83d",9007199254740993,1.50]',
        "value_text": r'"[\"\\ud83d\"]"',
    }
    assert literals("{}") == {}
    assert literals('{"a":' + "9" * 5000 + "}") == {"a": "9" * 5000}


def test_what_a_database_cannot_hold_is_given_back_on_demand(prod):
    shown = a_value(
        "odd", side=Side.INPUT, value='["\\ufffd"]', value_text="[]", via="a\u2400b", exact=EXACT
    )
    prod.save(a_whole("e1", values=[shown]))
    (found,) = read.find_execution(prod.connection, "e1", exact=True)
    (plain,) = read.parts_of(prod.connection, relations.INPUTS, found.key)
    assert plain["source"] == "a\u2400b"
    (exact,) = read.parts_of(prod.connection, relations.INPUTS, found.key, exact=True)
    assert exact["source"] == "a\0b"
    assert exact["value"] == r'["\ud83d",9007199254740993,1.50]'
    assert list(exact) == list(relations.INPUTS.columns)


@pytest.fixture
def log(prod):
    """Five lines a second apart, one of them odd; the key of their execution."""
    lines = tuple(
        a_line(
            number,
            at=NOON + timedelta(seconds=number),
            stream="stderr" if number == 3 else "stdout",
            exact=json.dumps("a\0b\ud83d") if number == 3 else None,
        )
        for number in range(1, 5)
    )
    undated = a_line(5, timestamp="soon", timestamp_ns=None)
    prod.save(a_whole("e1", lines=(*lines, undated)))
    return prod.held()["e1"].execution_key


def numbers(prod, key, **asked):
    return [row["line_number"] for row in read.log_lines(prod.connection, key, **asked)]


def test_a_log_is_read_in_order_from_either_end(prod, log):
    assert numbers(prod, log) == [1, 2, 3, 4, 5]
    assert numbers(prod, log, limit=2) == [1, 2]
    assert numbers(prod, log, tail=2) == [4, 5]
    assert numbers(prod, log, stream="stderr") == [3]
    assert numbers(prod, 99) == []


def test_a_window_of_a_log_leaves_out_undated_lines(prod, log):
    since, until = NOON + timedelta(seconds=2), NOON + timedelta(seconds=4)
    assert numbers(prod, log, since=since, until=until) == [2, 3]
    assert numbers(prod, log, since=since) == [2, 3, 4]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"since": "0001-01-01"}, True),
        ({"since": "1677-09-21"}, True),
        ({"since": "2262-04-12"}, False),
        ({"since": "9999-12-31"}, False),
        ({"until": "0001-01-01"}, False),
        ({"until": "1677-09-21"}, False),
        ({"until": "2262-04-12"}, True),
        ({"until": "9999-12-31"}, True),
    ],
)
def test_a_window_of_a_log_reaches_beyond_what_nanoseconds_count(prod, log, asked, found):
    asked = {side: times.instant(text) for side, text in asked.items()}
    assert numbers(prod, log, **asked) == (numbers(prod, log, since=NOON - DAY) if found else [])


def test_a_window_of_a_log_is_half_open_at_the_ends_of_what_nanoseconds_count(prod):
    ends = (-(1 << 63), (1 << 63) - 1)
    lines = [
        a_line(number, timestamp_ns=at, timestamp=times.nanoseconds_text(at))
        for number, at in enumerate(ends, 1)
    ]
    prod.save(a_whole("e1", lines=tuple(lines)))
    key = prod.held()["e1"].execution_key
    assert numbers(prod, key, since=datetime(2262, 4, 11, 23, 47, 16, 854775, tzinfo=UTC)) == [2]
    assert numbers(prod, key, since=datetime(2262, 4, 11, 23, 47, 16, 854776, tzinfo=UTC)) == []
    assert numbers(prod, key, until=datetime(2262, 4, 11, 23, 47, 16, 854776, tzinfo=UTC)) == [1, 2]
    assert numbers(prod, key, until=datetime(1677, 9, 21, 0, 12, 43, 145224, tzinfo=UTC)) == []
    assert numbers(prod, key, since=datetime(1677, 9, 21, 0, 12, 43, 145224, tzinfo=UTC)) == [1, 2]
    assert numbers(prod, key, until=datetime(1677, 9, 21, 0, 12, 43, 145225, tzinfo=UTC)) == [1]


def test_a_line_has_the_platforms_own_time_and_on_demand_its_exact_text(prod, log):
    shown = list(read.log_lines(prod.connection, log))
    assert shown[0]["timestamp"] == "2026-03-01T12:00:01.000000001Z"
    assert shown[4]["timestamp"] == "soon"
    assert shown[2]["message"] == "line 3"
    exact = list(read.log_lines(prod.connection, log, exact=True))
    assert exact[2]["message"] == "a\0b\ud83d"
    assert exact[1] == shown[1]


def save(prod, *deployments):
    estate.save_deployments(prod.connection, prod.key, deployments, seen_at=NOON, rev=prod.rev())


def test_live_deployments_are_listed_and_the_gone_ones_on_demand(prod):
    save(prod, a_deployment("a"), a_deployment("b"))
    save(prod, a_deployment("b", created_at=NOON))
    live = list(read.deployments(prod.connection))
    assert [(row["deployment_name"], row["is_enabled"]) for row in live] == [
        ("a", True),
        ("b", True),
    ]
    assert len(list(read.deployments(prod.connection, gone=True))) == 3
    assert list(read.deployments(prod.connection, environment="nowhere")) == []


def test_one_deployment_is_found_with_its_versions(prod):
    save(prod, a_deployment())
    save(prod, a_deployment(schedule="0 5 * * *"))
    (found,) = read.find_deployment(prod.connection, "nightly", exact=True)
    versions = list(read.versions_of(prod.connection, found.key))
    assert [version["changed"] for version in versions] == ["[]", '["schedule"]']
    assert read.find_deployment(prod.connection, "nightly", created_at=NOON) == []


def test_a_slip_of_the_finger_finds_the_name_that_was_meant(some):
    save(some, a_deployment("churn-score"))
    near = read.near_names
    assert near(some.connection, "deployment", "churn-scoer") == ["churn-score"]
    assert near(some.connection, "deployment", "churn", environment="nowhere") == []
    assert "e1" in near(some.connection, "execution", "e1x")
    assert near(some.connection, "pipeline", "x") == []


def test_a_pipeline_is_near_by_its_name(prod):
    from store.made import a_pipeline

    estate.save_pipelines(prod.connection, prod.key, [a_pipeline()], seen_at=NOON, rev=prod.rev())
    assert read.near_names(prod.connection, "pipeline", "trian") == ["train"]


def test_times_of_all_years_are_read(prod):
    prod.save(a_whole("old", created_at=datetime(1969, 12, 31, tzinfo=UTC)))
    assert next(iter(read.executions(prod.connection)))["created_at"].year == 1969

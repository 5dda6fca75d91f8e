"""Writing rows: both paths write the same bytes, and a batch fits into any statement."""

import sqlite3
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text
from store.made import DAY, NOON, a_whole, on_a_file

from craftsync.records import GoneCause
from craftsync.store import mirror, tombstones
from craftsync.store.base import driver_moment
from craftsync.store.models import DeploymentVersion, Metric, Pipeline, Step
from craftsync.store.upsert import batches, draw_keys, upsert, upsert_rows

COLUMNS = list(Pipeline.__table__.c.keys())


def a_row(**changes):
    shown = dict.fromkeys(COLUMNS)
    shown |= {
        "key": 1,
        "environment_key": 1,
        "name": "train",
        "created_at": NOON,
        "first_seen_at": NOON,
        "rev": 1,
    }
    return shown | changes


def in_driver_form(row, dialect):
    return tuple(
        driver_moment(value, dialect) if isinstance(value, datetime) else value
        for value in row.values()
    )


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.builds(
    lambda micros, zone: (NOON + timedelta(microseconds=micros)).astimezone(zone),
    st.integers(-(10**16), 10**16),
    offsets,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(created_at=moments, status=st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_both_paths_write_the_same_bytes(prod, created_at, status):
    connection = prod.connection
    found = []
    for write in ("objects", "tuples"):
        row = a_row(created_at=created_at, status=status, gone_at=created_at)
        connection.execute(text("delete from pipeline"))
        if write == "objects":
            upsert(connection, Pipeline, [row], key=("environment_key", "name", "created_at"))
        else:
            rows = [in_driver_form(row, connection.dialect.name)]
            upsert_rows(connection, Pipeline, rows, key=("environment_key", "name", "created_at"))
        raw = connection.exec_driver_sql("select * from pipeline").all()
        kinds = [[type(value) for value in each] for each in raw]
        found.append((raw, kinds))
    assert found[0] == found[1]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0")) | st.sampled_from(
    ["\\N", "\\.", "a\tb", "a\nb\r", "\\", '"', "é😀", ""]
)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.just(-0.0)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(
        st.tuples(texts, texts | st.none(), numbers | st.none(), moments | st.none()), min_size=1
    )
)
def test_plain_inserts_write_the_same_bytes_as_objects_do(prod, told):
    connection = prod.connection
    prod.save(a_whole("e1"))
    key = prod.held()["e1"].execution_key
    names = list(Metric.__table__.c.keys())
    rows = [
        dict(zip(names, (key, name, place, number, text, at), strict=True))
        for place, (name, text, number, at) in enumerate(told)
    ]
    found = []
    for write in ("objects", "tuples"):
        connection.execute(delete(Metric))
        if write == "objects":
            connection.execute(insert(Metric), rows)
        else:
            tuples = [in_driver_form(row, connection.dialect.name) for row in rows]
            upsert_rows(connection, Metric, tuples)
        found.append(connection.exec_driver_sql("select * from metric order by position").all())
    assert repr(found[0]) == repr(found[1])
    assert [row[1] for row in found[0]] == [name for name, *_ in told]


@on_a_file
@pytest.mark.parametrize("wrong", [NOON, date(2026, 3, 1), {"a": 1}, [1]])
def test_what_a_column_type_would_have_to_convert_is_refused(prod, wrong):
    with pytest.raises(TypeError, match="not in the form of the"):
        upsert_rows(prod.connection, Step, [(1, 0, wrong, *[None] * 9)])


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("wrong", [{"a": 1}, [1], datetime(2026, 3, 1)])  # noqa: DTZ001 - naive
def test_what_the_server_would_take_in_its_own_way_is_refused(prod, wrong):
    with pytest.raises(TypeError, match=r"in the form of|no instant"):
        upsert_rows(prod.connection, Step, [(1, 0, wrong, *[None] * 9)])


def test_an_instant_with_an_offset_is_stored_in_utc_on_both_paths(prod):
    there = datetime(2026, 11, 24, 10, tzinfo=timezone(timedelta(hours=2)))
    upsert(prod.connection, Pipeline, [a_row(created_at=there)], key=("key",))
    assert prod.row("pipeline")["created_at"] == "2026-11-24T08:00:00.000000Z"
    assert driver_moment(there, "sqlite") == "2026-11-24T08:00:00.000000Z"
    assert prod.connection.scalar(select(Pipeline.created_at)) == there


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_naive_instant_is_refused(dialect):
    with pytest.raises(ValueError, match="no time zone"):
        driver_moment(datetime(2026, 3, 1), dialect)  # noqa: DTZ001 - that is the point


def test_a_held_row_keeps_its_key_and_what_is_written_once(prod):
    key = ("environment_key", "name", "created_at")
    upsert(prod.connection, Pipeline, [a_row()], key=key, once=("first_seen_at",))
    again = a_row(key=7, status="Ready", first_seen_at=NOON + DAY)
    upsert(prod.connection, Pipeline, [again], key=key, once=("first_seen_at",))
    row = prod.row("pipeline")
    assert (row["key"], row["status"]) == (1, "Ready")
    assert row["first_seen_at"] == "2026-03-01T12:00:00.000000Z"


def test_nothing_to_write_is_no_statement(prod):
    assert upsert(prod.connection, Pipeline, [], key=("key",)) == 0
    assert upsert_rows(prod.connection, DeploymentVersion, []) == 0


def test_batches_keep_all_in_order():
    assert list(batches(range(7), size=3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([])) == []


def test_keys_are_never_handed_out_twice(prod):
    assert list(draw_keys(prod.connection, "execution", 2)) == [1, 2]
    assert list(draw_keys(prod.connection, "execution", 3)) == [3, 4, 5]


@on_a_file
def test_a_low_limit_of_bound_values_is_enough(prod):
    driver = prod.connection.connection.driver_connection
    driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 600)
    wholes = [a_whole(f"e{number}", lines=1) for number in range(1300)]
    assert prod.save(*wholes).written == 1300
    assert prod.save(*wholes).unchanged == 1300
    changed = [a_whole(f"e{number}", lines=2) for number in range(1300)]
    assert prod.save(*changed).written == 1300
    keys = [held.execution_key for held in prod.held().values()]
    assert len(mirror.held_fetch(prod.connection, keys)) == 1300
    gone = tombstones.mark_gone(
        prod.connection, keys, gone_at=NOON, cause=GoneCause.DELETED_UPSTREAM, rev=prod.rev()
    )
    assert gone == 1300

"""What `status` tells, without the ORM."""

import subprocess
import sys
from datetime import timedelta

import pytest
from store.made import HOUR, NOON, Mirror, a_part, a_value, a_whole, place_of

from craftsync.errors import StoreUnusable
from craftsync.records import GoneCause, ObjectKind, PartKind, PartState
from craftsync.store import engine, environments, ledger, mirror, peek, tombstones


def test_looking_loads_no_sqlalchemy():
    code = "import sys, craftsync.store.peek; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def filled(url, writer):
    with writer.begin() as connection:
        prod = Mirror(connection)
        prod.save(a_whole("e1"), a_whole("e2"))
        prod.save(
            a_whole("e3", lines=None, values=[a_value()], parts=[a_part(error="503")]),
            settled=False,
        )
        run = ledger.draw_run(connection)
        ledger.begin_run(connection, prod.key, run, started_at=NOON, version="1")
        ledger.record_failure(
            connection, prod.key, run, ObjectKind.EXECUTION, "e3", "logs", "503", at=NOON
        )
        ledger.end_run(
            connection,
            prod.key,
            run,
            outcome="partial",
            finished_at=NOON,
            counts=ledger.Counts(),
        )
        key = prod.held()["e2"].execution_key
        tombstones.mark_gone(
            connection, [key], gone_at=NOON, cause=GoneCause.DELETED_UPSTREAM, rev=prod.rev()
        )
        environments.mark_synced(connection, prod.key, at=NOON)
    return url


def test_the_figures_of_an_environment(filled):
    shown = peek.status(place_of(filled), now=NOON + 2 * HOUR)
    assert shown == {
        "store": engine.place(filled),
        "schema": "0002",
        "environments": [
            {
                "environment": "prod",
                "last_complete_at": "2026-03-01T12:00:00.000000Z",
                "age_s": 7200.0,
                "last_outcome": "partial",
                "executions": 3,
                "gone": 1,
                "unsettled": 1,
                "parts": {"error": 1, "ok": 10},
                "failures": 1,
                "in_doubt": 0,
                "failing_since": "2026-03-01T12:00:00.000000Z",
                "in_doubt_since": None,
            }
        ],
    }


def test_parts_are_counted_as_the_relation_has_them(filled, writer):
    with writer.begin() as connection:
        other = environments.enter(
            connection, "staging", url="https://stg", upstream_id=None, seen_at=NOON
        )
        late = [a_part(PartKind.METRICS, PartState.DENIED)]
        prepared = mirror.prepare(
            a_whole("e9", parts=late),
            dialect=connection.dialect.name,
            fetched_at=NOON,
            settled=True,
        )
        mirror.save_executions(connection, other.key, [prepared], seen_at=NOON, rev=1)
        counted = connection.exec_driver_sql(
            "select environment, state, count(*) from parts group by 1, 2 order by 1, 2"
        ).all()
    found = peek.figures(place_of(filled), now=NOON)
    assert [
        (one.environment, state, count)
        for one in found.environments
        for state, count in one.parts.items()
    ] == [tuple(row) for row in counted]


def test_an_environment_that_was_never_mirrored_completely_has_no_age(url, writer):
    with writer.begin() as connection:
        Mirror(connection)
    (one,) = peek.figures(place_of(url), now=NOON).environments
    assert (one.last_complete_at, one.age_s, one.last_outcome, one.parts) == (None, None, None, {})


def test_a_store_without_environments_has_none(url):
    assert peek.status(place_of(url), now=NOON)["environments"] == []


def test_a_missing_store_is_told_and_not_made(tmp_path):
    with pytest.raises(StoreUnusable, match="no store"):
        peek.figures(tmp_path / "none.db", now=NOON)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_store_is_told(tmp_path):
    (tmp_path / "notes").write_text("no database, by any means\n" * 99)
    for place in (tmp_path / "notes", tmp_path):
        with pytest.raises(StoreUnusable):
            peek.figures(place, now=NOON)


def test_a_newer_store_is_told(url, writer):
    with writer.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(StoreUnusable, match="newer craftsync"):
        peek.figures(place_of(url), now=NOON)


def test_looking_waits_for_no_writer(filled, writer):
    with writer.begin() as connection:
        Mirror(connection).save(a_whole("e4"))
        (one,) = peek.figures(place_of(filled), now=NOON + timedelta(days=1)).environments
    assert one.executions == 3

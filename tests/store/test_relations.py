"""The public relations: their public columns, exact arithmetic, one definition for all engines."""

import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab import as_sqlite_has_it
from sqlalchemy import text
from store.made import NOON, a_file, a_part, a_value, a_whole

from craftsync import times
from craftsync.records import PartKind, PartState
from craftsync.store import relations
from craftsync.store.relation import ColumnKind, in_dialect

EACH = pytest.mark.parametrize("relation", relations.PUBLIC, ids=lambda relation: relation.name)
CALM = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
CONTRACT = """
environments: environment, url, upstream_id, first_synced_at, last_synced_at
pipelines: environment, pipeline_name, created_at, status, first_seen_at, last_seen_at, gone_at
deployments: environment, deployment_name, created_at, pipeline_name, execution_rule, mode,
  is_enabled, status, schedule, human_readable_schedule, endpoint_url_path,
  endpoint_token_fingerprint, description, created_by, updated_at, updated_by, last_execution_id,
  inputs_mapping, outputs_mapping, pods, first_seen_at, last_seen_at, gone_at
deployment_versions: environment, deployment_name, deployment_created_at, valid_from, valid_to,
  settings, changed
executions: environment, execution_id, created_at, pipeline_name, deployment_name,
  deployment_created_at, status, created_by, started_at, end_date, queue_s, run_s, commit_id,
  fetched_at, settled, detail_state, logs_state, first_seen_at, last_seen_at, gone_at, gone_cause
status_changes: environment, execution_id, execution_created_at, status, observed_at
steps: environment, execution_id, execution_created_at, position, step_name, status, start_date,
  end_date, run_s, commit_id, repository_url, repository_branch, requirements_path, origin
inputs: environment, execution_id, execution_created_at, position, name, data_type, source,
  endpoint_input_name, environment_variable_name, datastore_path, constant_value, is_null, value,
  value_text, value_number, value_state, file_sha256, size_bytes
outputs: environment, execution_id, execution_created_at, position, name, data_type, destination,
  endpoint_output_name, datastore_path, is_null, value, value_text, value_number, value_state,
  file_sha256, size_bytes
logs: environment, execution_id, execution_created_at, line_number, source, timestamp,
  timestamp_ns, stream, message
metrics: environment, execution_id, execution_created_at, pipeline_name, deployment_name, name,
  position, value, value_text, created_at
parts: environment, execution_id, execution_created_at, part, name, state, size_bytes, fetched_at,
  error
sync_runs: run_id, environment, started_at, finished_at, outcome, listed, fetched, unchanged, gone,
  withheld, failed, requests, bytes_received, version, error
sync_failures: environment, object_kind, object_id, part, run_id, error, attempts, first_failed_at,
  last_failed_at
deletions: deletion_id, plan_id, environment, kind, object_id, created_at, reason, requested_by,
  requested_at, intent_at, outcome, finished_at, proof_sha256, chain_sha256, error
"""


def test_the_relations_are_those_of_the_contract():
    lines = re.sub(r"\n  ", " ", CONTRACT.strip()).splitlines()
    promised = [line.partition(": ") for line in lines]
    assert {name: columns.split(", ") for name, _, columns in promised} == {
        relation.name: list(relation.columns) for relation in relations.PUBLIC
    }


@EACH
def test_everything_is_explained_in_a_sentence(relation):
    assert relation.about.endswith(".")
    assert all(column.about.endswith(".") for column in relation.fields.values())
    assert set(relation.order) <= set(relation.columns)


@EACH
def test_a_relation_can_be_made_in_duckdb(relation):
    with duckdb.connect() as duck:
        duck.execute(relation.create_table("duckdb"))
        described = duck.execute(f"describe {relation.name}").fetchall()
    assert [row[0] for row in described] == list(relation.columns)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@EACH
def test_no_macro_is_left_over(relation, dialect):
    assert "@" not in relation.select(dialect)


def test_a_table_is_made_in_duckdb_alone():
    with pytest.raises(ValueError, match="is a view in sqlite"):
        relations.STEPS.create_table("sqlite")


def test_the_store_knows_no_way_past_the_definitions():
    revisions = Path("migrations/versions").glob("*.py")
    assert not [file for file in revisions if "create view" in file.read_text().lower()]


micros = st.integers(-(10**15), 6 * 10**15)  # from 1938 to 2160


@CALM
@given(start=micros, end=micros)
def test_seconds_are_exact_to_the_microsecond(connection, start, end):
    begun, ended = (times.EPOCH + timedelta(microseconds=one) for one in (start, end))
    dialect = connection.dialect.name
    kind = "text" if dialect == "sqlite" else "timestamptz"
    given = f"(select cast(:a as {kind}) as a, cast(:b as {kind}) as b) as given"
    sql = in_dialect("select @seconds(a, b)", dialect) + f" from {given}"
    bound = {"a": times.utc_text(begun), "b": times.utc_text(ended)}
    assert connection.scalar(text(sql), bound) == (ended - begun).total_seconds()


@CALM
@given(st.integers(-(2**63), 2**63 - 1))
def test_a_log_time_is_cut_to_microseconds_never_rounded(connection, counted):
    sql = in_dialect("select @moment(:n)", connection.dialect.name)
    cut = times.EPOCH + timedelta(microseconds=counted // 1000)
    found = connection.scalar(text(sql), {"n": counted})
    assert as_sqlite_has_it(found) == times.utc_text(cut)


def test_seconds_without_both_ends_are_null_and_negative_ones_are_kept(prod):
    prod.save(a_whole("running", over=False, status="Running"))
    prod.save(a_whole("unstarted", steps=[]))
    prod.save(a_whole("odd", created_at=NOON + timedelta(minutes=1)))
    shown = {row["execution_id"]: (row["queue_s"], row["run_s"]) for row in prod.rows("executions")}
    assert shown["running"] == (30.0, None)
    assert shown["unstarted"] == (None, None)
    assert shown["odd"] == (-30.0, 120.0)


def test_parts_tell_of_each_part_what_is_held(prod):
    prod.save(
        a_whole(
            "e1",
            lines=None,
            metrics=(),
            values=[a_value(), a_file(state=PartState.TOO_BIG, position=1)],
            parts=[
                a_part(PartKind.LOGS, PartState.ERROR, error="timed out"),
                a_part(PartKind.OUTPUT, PartState.TOO_BIG, "report", size_bytes=10**12),
            ],
        )
    )
    shown = {
        (row["part"], row["name"]): (row["state"], row["size_bytes"], bool(row["fetched_at"]))
        for row in prod.rows("parts")
    }
    assert shown == {
        ("detail", ""): ("ok", None, True),
        ("logs", ""): ("error", None, False),
        ("metrics", ""): ("ok", None, True),
        ("output", "score"): ("ok", None, True),
        ("output", "report"): ("too_big", 10**12, False),
    }


def an_event(prod, number, event, attempt=1, outcome=None, at=NOON):
    values = {
        "environment_key": prod.key,
        "event_number": number,
        "deletion_id": "d1",
        "attempt": attempt,
        "event": event,
        "at": times.utc_text(at),
        "plan_id": "p1",
        "kind": "execution",
        "object_id": "e1",
        "created_at": times.utc_text(NOON),
        "requested_by": "mia@host",
        "requested_at": times.utc_text(NOON),
        "outcome": outcome,
        "proof_sha256": "ab",
        "chain_sha256": f"c{number}",
    }
    names = ", ".join(values)
    bound = ", ".join(f":{name}" for name in values)
    prod.connection.execute(text(f"insert into delete_event ({names}) values ({bound})"), values)


def test_deletions_show_each_try_with_what_is_known_of_its_end(prod):
    an_event(prod, 1, "intent")
    assert prod.row("deletions")["outcome"] is None
    an_event(prod, 2, "outcome", outcome="in_doubt", at=NOON + timedelta(minutes=1))
    an_event(prod, 3, "outcome", outcome="failed", at=NOON + timedelta(minutes=2))
    an_event(prod, 4, "intent", attempt=2, at=NOON + timedelta(minutes=3))
    an_event(prod, 5, "outcome", attempt=2, outcome="deleted", at=NOON + timedelta(minutes=4))
    assert [
        (row["outcome"], row["intent_at"][14:16], row["finished_at"][14:16], row["chain_sha256"])
        for row in prod.rows("deletions")
    ] == [("failed", "00", "02", "c3"), ("deleted", "03", "04", "c5")]


def test_touched_rows_can_be_asked_by_revision(prod):
    first, second = prod.rev(), prod.rev()
    prod.save(a_whole("e1"), rev=first)
    prod.save(a_whole("e2"), rev=second)
    for relation in (relations.EXECUTIONS, relations.LOGS, relations.PARTS):
        sql = relation.select(
            prod.connection.dialect.name,
            f"e.environment_key = {prod.key} and e.rev > {first.drawn}",
        )
        found = prod.connection.exec_driver_sql(sql).mappings().all()
        assert {row["execution_id"] for row in found} == {"e2"}


def test_every_kind_of_column_is_known_in_duckdb():
    used = {kind for relation in relations.PUBLIC for kind in relation.columns.values()}
    assert used == set(ColumnKind)

"""What is old upstream: facts about it, and what stands in the way."""

from datetime import datetime

import pytest

from craftsync.query import catalog

OLD = "2025-12-01"
NONE_KEPT = {"keep_last": "0"}


def hold(history, execution_id, created_at, *parts, environment="prod"):
    """Add parts, each a state and a size."""
    for number, (state, size) in enumerate(parts):
        history.add(
            "parts", environment=environment, execution_id=execution_id,
            execution_created_at=created_at, part="output", name=f"o{number}", state=state,
            size_bytes=size,
        )  # fmt: skip


def hints(history, **asked):
    """Return what stands in the way of each, by its id."""
    return {
        row["execution_id"]: row["protected_hint"]
        for row in history.ask("purge_candidates", **asked)
    }


def test_an_old_run_is_listed_with_its_age_and_what_is_held(history):
    history.run("e1", at="2025-12-01", queue_s=0.0, run_s=86400.0, status="Failed")
    states = ("ok", "redacted", "absent", "too_big", "error", "capped", "pending", "denied", "gone")
    hold(history, "e1", "2025-12-01", ("ok", 100), ("ok", None), *((one, 7) for one in states[1:]))
    assert history.ask("purge_candidates", **NONE_KEPT) == [
        {
            "environment": "prod",
            "execution_id": "e1",
            "pipeline_name": "train",
            "age_d": 120.0,  # from 2 December until 1 April: 30 + 31 + 28 + 31
            "bytes_held": 107,
            "parts_ok": 2,
            "parts_open": 6,
            "protected_hint": None,
        }
    ]


def test_age_counts_from_the_end_to_the_microsecond(history):
    # Ninety days before the first of April is the first of January.
    history.run("just", at="2025-12-31 23:59:59", queue_s=0.0, run_s=1.0, status="Failed")
    history.run("not yet", at="2025-12-31 23:59:59", queue_s=0.0, run_s=1.000001, status="Failed")
    assert list(hints(history)) == ["just"]
    assert list(hints(history, older_than="91d")) == []
    assert list(hints(history, until="2026-04-02")) == ["just", "not yet"]


def test_what_has_no_end_has_no_age_and_is_listed_by_its_beginning(history):
    history.run("open", at=OLD, status="RUNNING", run_s=None, settled=False)
    history.run("odd", at=OLD, status="Failed", run_s=None)
    history.run("young", at="2026-03-10", status="Running", run_s=None)
    rows = history.ask("purge_candidates", **NONE_KEPT)
    assert [(row["execution_id"], row["age_d"], row["protected_hint"]) for row in rows] == [
        ("odd", None, None), ("open", None, "running"),
    ]  # fmt: skip


def test_what_may_still_change_is_told(history):
    history.run("a", at=OLD, status="Failed", settled=False)
    history.run("b", at=OLD, status="Failed", settled=None)
    history.run("c", at=OLD, status="Unheard", settled=True)
    history.run("d", at=OLD, status=None, settled=True)
    found = hints(history, **NONE_KEPT)
    assert found == {"a": "unsettled", "b": "unsettled", "c": "running", "d": "running"}


def test_the_last_of_a_pipeline_and_its_last_success_are_told(history):
    history.run("ok1", at="2025-11-01", status="Succeeded")
    history.run("ok2", at="2025-11-02", status="SUCCESS")
    for day in (3, 4, 5):
        history.run(f"bad{day}", at=f"2025-11-0{day}", status="Failed")
    assert hints(history, keep_last="2") == {
        "ok1": None, "ok2": "last_success", "bad3": None, "bad4": "last_n", "bad5": "last_n",
    }  # fmt: skip
    assert hints(history, keep_last="4")["ok2"] == "last_n"


def test_young_runs_are_among_the_last_and_gone_ones_are_not(history):
    history.run("old", at=OLD, status="Failed")
    history.run("gone", at="2026-03-10", gone_at=datetime(2026, 3, 11), status="Failed")
    assert hints(history, keep_last="1") == {"old": "last_n"}
    history.run("young", at="2026-03-10", status="Failed")
    assert hints(history, keep_last="1") == {"old": None}


def test_of_two_at_one_instant_the_greater_id_is_the_later(history):
    history.run("b", at=OLD)
    history.run("a", at=OLD)
    assert hints(history, keep_last="1") == {"a": None, "b": "last_n"}
    assert hints(history, **NONE_KEPT) == {"a": None, "b": "last_success"}


def test_each_pipeline_and_environment_has_its_last(history):
    history.run("a", at=OLD)
    history.run("b", at=OLD, pipeline="score")
    history.run("c", at=OLD, environment="staging")
    assert set(hints(history, **NONE_KEPT).values()) == {"last_success"}
    assert set(hints(history, keep_last="1").values()) == {"last_n"}


def test_what_is_gone_is_not_upstream(history):
    history.run("e1", at=OLD, gone_at=datetime(2026, 3, 20))
    assert hints(history) == {}


def test_parts_are_of_one_incarnation(history):
    history.run("e1", at="2025-11-01", status="Failed")
    history.run("e1", at="2025-12-01", status="Failed")
    hold(history, "e1", "2025-11-01", ("ok", 5))
    rows = history.ask("purge_candidates")
    assert [(row["bytes_held"], row["parts_ok"]) for row in rows] == [(5, 1), (0, 0)]


def test_a_history_of_any_age_is_looked_at_unless_asked_otherwise(history):
    history.run("ancient", at="2019-01-01", status="Failed")
    history.run("old", at=OLD, status="Failed")
    assert list(hints(history)) == ["ancient", "old"]
    assert list(hints(history, since=OLD)) == ["old"]


@pytest.mark.parametrize(
    ("asked", "ids"), [({"pipeline_name": "sc*"}, ["b"]), ({"environment": "staging"}, ["c"])]
)
def test_names_and_environments_narrow_it(history, asked, ids):
    history.run("a", at=OLD)
    history.run("b", at=OLD, pipeline="score")
    history.run("c", at=OLD, environment="staging")
    assert list(hints(history, **asked)) == ids


def test_it_reads_executions_and_parts_alone(history):
    question = catalog.find("purge_candidates")
    for relation in ("deployments", "deletions", "sync_runs", "steps", "inputs", "outputs"):
        history.duck.execute(f"drop table {relation}")
    assert history.ask(question.name) == []

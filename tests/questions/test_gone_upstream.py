"""What is held here alone, and who had it deleted."""

from datetime import datetime

import pytest

GONE = {"gone_at": datetime(2026, 3, 20), "gone_cause": "deleted_upstream"}
OURS = {"gone_at": datetime(2026, 3, 20), "gone_cause": "deleted_by_craftsync"}


def delete(history, object_id, created_at, *, kind="execution", outcome="deleted", **more):
    """Add a delete that ann asked for on the 19th."""
    history.add(
        "deletions", kind=kind, object_id=object_id, created_at=created_at, outcome=outcome,
        **{"deletion_id": "d1", "intent_at": "2026-03-19", "requested_by": "ann@host", **more},
    )  # fmt: skip


def hold(history, execution_id, created_at, *states):
    """Add parts of an execution in these states."""
    for number, state in enumerate(states):
        history.add(
            "parts", execution_id=execution_id, execution_created_at=created_at, part="output",
            name=f"o{number}", state=state,
        )  # fmt: skip


def test_what_is_gone_is_told_with_who_asked_and_what_is_held(history):
    history.run("e1", at="2026-03-10", **OURS, last_seen_at=datetime(2026, 3, 18))
    history.run("e2", at="2026-03-11")
    delete(history, "e1", "2026-03-10")
    hold(history, "e1", "2026-03-10", "ok", "ok", "too_big")
    assert history.ask("gone_upstream") == [
        {
            "environment": "prod",
            "execution_id": "e1",
            "created_at": datetime(2026, 3, 10),
            "pipeline_name": "train",
            "deployment_name": "nightly",
            "last_seen_at": datetime(2026, 3, 18),
            "gone_at": datetime(2026, 3, 20),
            "gone_cause": "deleted_by_craftsync",
            "deletion_id": "d1",
            "requested_by": "ann@host",
            "parts_ok": 2,
        }
    ]


def test_a_delete_of_its_deployment_took_it_along(history):
    born, again = datetime(2026, 3, 1), datetime(2026, 3, 5)
    gone = {**GONE, "gone_cause": "deployment_deleted"}
    history.run("e1", at="2026-03-04", **gone, deployment_created_at=born)
    history.run("e2", at="2026-03-10", **gone, deployment_created_at=again)
    delete(history, "nightly", "2026-03-05", kind="deployment")
    rows = history.ask("gone_upstream")
    assert [(row["execution_id"], row["deletion_id"]) for row in rows] == [
        ("e1", None), ("e2", "d1"),
    ]  # fmt: skip


def test_its_own_delete_counts_before_that_of_its_deployment(history):
    history.run("e1", **OURS, deployment_created_at=datetime(2026, 3, 1))
    delete(history, "nightly", "2026-03-01", kind="deployment", deletion_id="whole")
    delete(history, "e1", "2026-03-10", deletion_id="own", requested_by=None)
    (row,) = history.ask("gone_upstream")
    assert (row["deletion_id"], row["requested_by"]) == ("own", None)


@pytest.mark.parametrize(
    ("outcome", "known"),
    [("deleted", ["d1"]), ("already_gone", ["d1"]), ("failed", [None]), ("changed", [None]),
     ("in_doubt", [None]), (None, [None])],
)  # fmt: skip
def test_only_a_delete_that_came_about_explains_it(history, outcome, known):
    history.run("e1", **OURS)
    delete(history, "e1", "2026-03-10", outcome=outcome)
    assert history.column("gone_upstream", "deletion_id") == known


def test_of_several_the_last_one_counts_once(history):
    history.run("e1", **OURS)
    delete(history, "e1", "2026-03-10", deletion_id="d2", intent_at="2026-03-19")
    delete(history, "e1", "2026-03-10", deletion_id="d1", intent_at="2026-03-20")
    assert history.column("gone_upstream", "deletion_id") == ["d1"]


def test_a_delete_is_of_one_incarnation_and_environment(history):
    history.run("e1", at="2026-03-10", **OURS)
    history.run("e1", at="2026-03-12", **GONE)
    history.run("e1", at="2026-03-10", **GONE, environment="staging")
    delete(history, "e1", "2026-03-10")
    hold(history, "e1", "2026-03-12", "ok")
    rows = history.ask("gone_upstream")
    assert [
        (row["environment"], row["created_at"].day, row["deletion_id"], row["parts_ok"])
        for row in rows
    ] == [("prod", 10, "d1", 0), ("staging", 10, None, 0), ("prod", 12, None, 1)]


def test_a_cause_can_be_asked_for_and_one_that_is_not_known_is_listed(history):
    history.run("a", **OURS)
    history.run("b", **GONE)
    history.run("c", gone_at=datetime(2026, 3, 20), gone_cause=None)
    assert history.column("gone_upstream", "execution_id") == ["a", "b", "c"]
    assert history.column("gone_upstream", "execution_id", gone_cause="deleted_up*") == ["b"]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"since": "2026-03-10", "until": "2026-03-11"}, ["a"]),
        ({"pipeline_name": "sc*"}, ["b"]),
        ({"environment": "staging"}, ["c"]),
    ],
)
def test_the_window_names_and_environments_narrow_it(history, asked, ids):
    history.run("a", at="2026-03-10", **GONE)
    history.run("b", at="2026-03-11", **GONE, pipeline="score")
    history.run("c", at="2026-03-12", **GONE, environment="staging")
    assert history.column("gone_upstream", "execution_id", **asked) == ids


def test_nothing_gives_no_rows(history):
    assert history.ask("gone_upstream") == []


def test_who_deleted_a_deployment_did_not_delete_what_had_gone_before(history):
    born = datetime(2026, 3, 1)
    for name, day in (("before", 21), ("with", 30)):
        gone_at = datetime(2026, 3, day)
        history.run(name, **{**GONE, "gone_at": gone_at}, deployment_created_at=born)
    history.add(
        "deletions", deletion_id="d1", kind="deployment", object_id="nightly", created_at=born,
        intent_at=datetime(2026, 3, 30), outcome="deleted", requested_by="ann@box",
    )  # fmt: skip
    rows = history.ask("gone_upstream")
    assert [(row["execution_id"], row["requested_by"]) for row in rows] == [
        ("before", None),
        ("with", "ann@box"),
    ]

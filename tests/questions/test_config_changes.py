"""What was set otherwise in a deployment, and how its runs went before and after."""

import json
from datetime import datetime

import pytest

BORN = datetime(2026, 3, 1)
AGAIN = datetime(2026, 3, 15)


def version(history, valid_from, valid_to, settings, changed, *, born=BORN, name="nightly", **more):
    """Add a version of a deployment's settings."""
    history.add(
        "deployment_versions", deployment_name=name, deployment_created_at=born,
        valid_from=valid_from, valid_to=valid_to, settings=json.dumps(settings),
        changed=json.dumps(changed), **more,
    )  # fmt: skip


def deployment(history, *, born=BORN, name="nightly", pipeline="train", **more):
    """Add a deployment that bob changed last."""
    history.add(
        "deployments", deployment_name=name, created_at=born, pipeline_name=pipeline,
        updated_by="bob", **more,
    )  # fmt: skip


def runs(history, at, *statuses, **more):
    """Add runs of the deployment at one instant."""
    for status in statuses:
        history.run(at=at, status=status, **{"deployment_created_at": BORN, **more})


@pytest.fixture
def changed(history):
    """A deployment changed on the 10th, in two settings, and on the 20th, in one."""
    deployment(history)
    version(history, "2026-03-03", "2026-03-10", {"a": 1, "b": "x", "c": [1]}, [])
    version(history, "2026-03-10", "2026-03-20", {"a": 2, "b": "x"}, ["a", "c"])
    version(history, "2026-03-20", None, {"a": 2, "b": {"y": None}}, ["b"])
    return history


def test_each_setting_that_changed_is_a_row_with_both_its_values(changed):
    rows = changed.ask("config_changes")
    assert [
        (row["valid_from"].day, row["field"], row["old_value"], row["new_value"], row["updated_by"])
        for row in rows
    ] == [
        (10, "a", "1", "2", None),  # who made it is not told any more
        (10, "c", "[1]", None, None),
        (20, "b", '"x"', '{"y":null}', "bob"),
    ]
    assert {row["deployment_created_at"] for row in rows} == {BORN}


def test_runs_are_counted_from_change_to_change(changed):
    runs(changed, "2026-03-02", "Failed")  # before anything is known of its settings
    runs(changed, "2026-03-03", "Failed", "Succeeded")
    runs(changed, "2026-03-09 23:59:59", "SUCCESS", "Succeeded", "Skipped", "Running")
    runs(changed, "2026-03-10", "error", "Failed", "Succeeded", "Succeeded")
    runs(changed, "2026-03-20", "Succeeded")
    rows = changed.ask("config_changes")
    assert [
        (row["n_before"], row["failure_rate_before"], row["n_after"], row["failure_rate_after"])
        for row in rows
    ] == [(4, 0.25, 4, 0.5), (4, 0.25, 4, 0.5), (4, 0.5, 1, 0.0)]


def test_a_rate_of_no_runs_is_not_known(changed):
    row, *_ = changed.ask("config_changes")
    assert (row["n_before"], row["failure_rate_before"]) == (0, None)
    assert (row["n_after"], row["failure_rate_after"]) == (0, None)


def test_only_changes_and_runs_of_the_window_count(changed):
    runs(changed, "2026-03-12", "Failed")
    runs(changed, "2026-03-18", "Succeeded")
    runs(changed, "2026-03-20", "Failed")
    runs(changed, "2026-03-25", "Succeeded")
    (row,) = changed.ask("config_changes", since="2026-03-15", until="2026-03-25")
    assert (row["field"], row["n_before"], row["failure_rate_before"]) == ("b", 1, 0.0)
    assert (row["n_after"], row["failure_rate_after"]) == (1, 1.0)
    assert changed.column("config_changes", "field", since="2026-03-10", until="2026-03-20") == [
        "a", "c",
    ]  # fmt: skip


def test_a_version_that_held_for_no_time_has_no_runs(history):
    deployment(history)
    version(history, "2026-03-03", "2026-03-10", {"a": 1}, [])
    version(history, "2026-03-10", "2026-03-10", {"a": 2}, ["a"])
    version(history, "2026-03-10", None, {"a": 3}, ["a"])
    runs(history, "2026-03-09", "Failed")
    runs(history, "2026-03-10", "Succeeded")
    rows = history.ask("config_changes")
    assert [(row["new_value"], row["n_before"], row["n_after"]) for row in rows] == [
        ("2", 1, 0), ("3", 0, 1),
    ]  # fmt: skip


def test_incarnations_of_a_name_are_apart(changed):
    deployment(changed, born=AGAIN)
    version(changed, "2026-03-15", "2026-03-16", {"a": 7}, [], born=AGAIN)
    version(changed, "2026-03-16", None, {"a": 8}, ["a"], born=AGAIN)
    runs(changed, "2026-03-17", "Failed", deployment_created_at=AGAIN)
    runs(changed, "2026-03-21", "Failed", deployment_created_at=AGAIN)
    *_, row = changed.ask("config_changes")
    assert (row["deployment_created_at"], row["old_value"], row["n_after"]) == (AGAIN, "7", 2)
    assert [
        (row["old_value"], row["n_before"], row["n_after"])
        for row in changed.ask("config_changes", since=BORN.isoformat())
    ] == [("1", 0, 0), ("[1]", 0, 0), ('"x"', 0, 0), ("7", 0, 2)]


def test_a_name_may_have_any_letter(history):
    deployment(history)
    version(history, "2026-03-03", "2026-03-10", {"a/b~c.d": 1, "0": 1}, [])
    version(history, "2026-03-10", None, {"a/b~c.d": 2, "0": 2}, ["0", "a/b~c.d"])
    rows = history.ask("config_changes")
    assert [(row["field"], row["old_value"], row["new_value"]) for row in rows] == [
        ("0", "1", "2"), ("a/b~c.d", "1", "2"),
    ]  # fmt: skip


def test_names_and_environments_narrow_it(changed):
    deployment(changed, name="hourly", pipeline="score", environment="staging")
    for valid_from, valid_to, settings, keys in (
        ("2026-03-03", "2026-03-04", {"z": 1}, []), ("2026-03-04", None, {"z": 2}, ["z"]),
    ):  # fmt: skip
        version(changed, valid_from, valid_to, settings, keys, name="hourly", environment="staging")
    assert changed.column("config_changes", "field") == ["a", "c", "b", "z"]
    for narrowed in (
        {"environment": "staging"},
        {"pipeline_name": "sc*"},
        {"deployment_name": "hour*"},
    ):
        assert changed.column("config_changes", "field", **narrowed) == ["z"]


def test_nothing_gives_no_rows(history):
    assert history.ask("config_changes") == []

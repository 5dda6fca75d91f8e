"""Whether the mirror is whole and fresh: the figures of `status`, in a question."""

from datetime import datetime

import pytest
from lab import HOUR, lab

from craftsync.query import catalog
from craftsync.simulator import World
from craftsync.store import peek

STATES = ("ok", "pending", "error", "denied", "too_big", "capped")
FIGURES = ("executions", "gone", "unsettled", "failures", "in_doubt")


def part(history, execution_id, at, state, *, environment="prod", name=""):
    """Add a part of an execution."""
    history.add(
        "parts", environment=environment, execution_id=execution_id, execution_created_at=at,
        part="output", name=name, state=state,
    )  # fmt: skip


def figures(row):
    """Return the figures that count something."""
    return tuple(row[name] for name in FIGURES)


def test_the_figures_of_an_environment(history):
    history.add("environments", environment="prod", last_synced_at="2026-03-31 22:00")
    history._environments.add("prod")
    history.run("e1", at="2025-01-01")
    history.run("e2", gone_at=datetime(2026, 3, 20), settled=False)
    history.run("e3", settled=False)
    for number, state in enumerate((*STATES, "ok", "absent", "gone", "gone", "redacted")):
        part(history, "e1", "2025-01-01", state, name=f"o{number}")
    history.add("sync_runs", run_id=2, outcome="partial", started_at="2026-03-01")
    history.add("sync_runs", run_id=10, outcome="withheld", started_at="2026-02-01")
    for _ in range(3):
        history.add("sync_failures", object_kind="execution", object_id="e3")
    for outcome in ("deleted", "in_doubt", None, "failed"):
        history.add("deletions", kind="execution", object_id="e9", outcome=outcome)
    assert history.ask("sync_health") == [
        {
            "environment": "prod",
            "last_complete_at": datetime(2026, 3, 31, 22),
            "age_s": 7200.0,
            "last_outcome": "withheld",
            "executions": 3,
            "gone": 1,
            "unsettled": 1,
            "parts_ok": 2,
            "parts_pending": 1,
            "parts_error": 1,
            "parts_denied": 1,
            "parts_too_big": 1,
            "parts_capped": 1,
            "failures": 3,
            "in_doubt": 2,
        }
    ]


def test_an_environment_that_was_never_synced_has_no_age(history):
    history.add("environments", environment="prod")
    (row,) = history.ask("sync_health")
    assert (row["last_complete_at"], row["age_s"], row["last_outcome"]) == (None, None, None)
    assert figures(row) == (0, 0, 0, 0, 0)


def test_environments_are_counted_apart(history):
    history.run("e1", at="2026-03-10")
    history.run("e1", at="2026-03-10", environment="staging", settled=False)
    part(history, "e1", "2026-03-10", "ok", environment="staging")
    history.add("sync_runs", environment="staging", run_id=1, outcome="complete")
    history.add("sync_failures", environment="prod", object_kind="execution", object_id="e1")
    prod, staging = history.ask("sync_health")
    assert (prod["last_outcome"], prod["parts_ok"], *figures(prod)) == (None, 0, 1, 0, 0, 1, 0)
    assert (staging["last_outcome"], staging["parts_ok"]) == ("complete", 1)
    assert figures(staging) == (1, 0, 1, 0, 0)
    assert history.column("sync_health", "environment", environment="staging") == ["staging"]


@pytest.mark.parametrize(
    ("asked", "counted"),
    [
        ({"since": "2026-03-10", "until": "2026-03-11"}, (1, 1)),
        ({"since": "2026-03-11"}, (1, 2)),
        ({"pipeline_name": "sc*"}, (1, 2)),
        ({"until": "2026-03-10"}, (0, 0)),
        ({}, (2, 3)),
    ],
)
def test_executions_and_their_parts_can_be_narrowed(history, asked, counted):
    history.run("e1", at="2026-03-10")
    part(history, "e1", "2026-03-10", "ok")
    history.run("e1", at="2026-03-11", pipeline="score")
    part(history, "e1", "2026-03-11", "ok", name="a")
    part(history, "e1", "2026-03-11", "ok", name="b")
    (row,) = history.ask("sync_health", **asked)
    assert (row["executions"], row["parts_ok"]) == counted


def test_status_says_the_same_of_one_store(tmp_path):
    with lab(tmp_path, World(seed=3, executions=60)) as made:
        made.sync()
        made.world.advance(2 * HOUR)
        name = made.column("select deployment_name from deployments order by 1")[0]
        made.world.delete_deployment(name)
        made.sync(logs=False)
        made.world.advance(HOUR)
        (status,) = peek.status(made.store, now=made.world.now)["environments"]
        with made.app.asking() as session:
            question = catalog.find("sync_health")
            answer = catalog.ask(session.connection, question, {}, made.world.now)
            ((*cells,),) = answer.rows
            row = dict(zip((name for name, _ in answer.columns), cells, strict=True))
    assert row["gone"] > 0
    assert {name: row[name] for name in ("age_s", "last_outcome", *FIGURES)} == {
        name: status[name] for name in ("age_s", "last_outcome", *FIGURES)
    }
    assert f"{row['last_complete_at']:%Y-%m-%dT%H:%M:%S.%fZ}" == status["last_complete_at"]
    assert {state: row[f"parts_{state}"] for state in STATES} == {
        state: status["parts"].get(state, 0) for state in STATES
    }

"""Histories to report on: an empty one, and one in which everything happened."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from questions.conftest import History, history

from craftsync.report.build import build

__all__ = ["history"]

UNTIL = datetime(2026, 4, 1, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=7)
DAILY = "0 3 * * *"


def report_on(made, *, since=SINCE, until=UNTIL, stale=None, **only):
    """Build a report over a history made by hand."""
    session = SimpleNamespace(connection=made.duck, now=UNTIL, as_of=UNTIL, stale=stale)
    return build(session, since=since, until=until, **only)


@pytest.fixture
def report(history):
    """Give what builds a report over the history of the test."""
    return lambda **how: report_on(history, **how)


def many(made, number, at, status="Succeeded", **more):
    """Add runs a minute apart."""
    born = datetime.fromisoformat(at)
    for minute in range(number):
        made.run(at=born + timedelta(minutes=minute), status=status, **more)


def eventful(made, dress=str):
    """Fill a history with a finding of every kind; every text from upstream goes through `dress`.

    In the week before the first of April the pipeline fails more since a commit, an output moved,
    a run hangs, a schedule was missed and a setting changed.
    """
    prod, train, nightly = dress("prod"), dress("train"), dress("nightly")
    born = datetime.fromisoformat("2026-03-01")
    usual = {
        "environment": prod, "pipeline": train, "deployment": nightly,
        "branch": dress("main"), "deployment_created_at": born,
    }  # fmt: skip
    made.add("environments", environment=prod, last_synced_at="2026-03-31 23:00")
    made._environments.add(prod)
    good, bad = dress("good0000"), dress("bad00000")
    many(made, 200, "2026-03-10 03:00", commit=good, outputs={dress("score"): 0.2}, **usual)
    many(made, 40, "2026-03-20 03:00", commit=good, **usual)
    many(made, 190, "2026-03-26 03:00", commit=bad, outputs={dress("score"): 0.9}, **usual)
    many(
        made, 20, "2026-03-27 03:00", "Failed", commit=bad,
        logs=[("stderr", f"ValueError: {dress('message')}")], **usual,
    )  # fmt: skip
    many(made, 60, "2026-03-28 03:00", "Failed", commit=bad, **usual)
    many(made, 2, "2026-03-29 03:00", "Error", commit=bad, **usual)
    made.run(dress("hangs"), "2026-03-30 03:00", dress("Running"), run_s=None, **usual)
    made.add(
        "deployments", environment=prod, deployment_name=nightly, created_at=born,
        pipeline_name=train, is_enabled=True, schedule=DAILY, updated_by=dress("bob"),
        first_seen_at=born, last_seen_at="2026-04-01",
    )  # fmt: skip
    for since, until, model, changed in (
        (born, "2026-03-26", "a", []),
        ("2026-03-26", None, "b", [dress("model")]),
    ):
        made.add(
            "deployment_versions", environment=prod, deployment_name=nightly,
            deployment_created_at=born, valid_from=since, valid_to=until,
            changed=json.dumps(changed),
            settings=json.dumps(
                {"schedule": DAILY, "is_enabled": True, dress("model"): dress(model)}
            ),
        )  # fmt: skip
    for part, state in (("detail", "ok"), ("output", "ok"), ("output", "error")):
        made.add(
            "parts", environment=prod, execution_id="e1", part=part, state=state, name="",
            execution_created_at=datetime.fromisoformat("2026-03-10T03:00"),
        )  # fmt: skip
    made.add("sync_runs", environment=prod, run_id=1, outcome="partial")
    return made


__all__ += ["History", "eventful", "many", "report_on"]

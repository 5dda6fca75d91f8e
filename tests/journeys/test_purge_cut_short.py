"""A purge that is cut short tells what it did, and the next run settles what it left in doubt."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from journeys.erasing import allow, an_estate, audit, erased, mirrored, now, planned, run
from sqlalchemy import event
from sqlalchemy.pool import Pool

from craftsync.errors import StoreUnusable
from craftsync.store import audit as audits

ROOT = Path(__file__).parents[2]
YES = ("--yes-environment", "default")
COUNT, NEWEST = 30, "t29"  # which no plan holds


@pytest.fixture
def real(tmp_path):
    """Thirty old executions at the real time, on a platform that takes its time."""
    with mirrored(tmp_path, an_estate(COUNT, now=now())) as made:
        yield made


@contextmanager
def at_the(lab, number, act):
    """Let something happen once so many DELETEs came, before the last of them is done."""
    count = 0

    def look(request):
        nonlocal count
        count += request.method == "DELETE"
        if request.method == "DELETE" and count == number:
            act()

    lab.world.requests.watch(look)
    try:
        yield
    finally:
        lab.world.requests.watchers.remove(look)


def interrupted(lab, sent, number, *words):
    """Run a command in a process that is sent a signal at its `number`th DELETE."""
    process = None

    def send():
        process.send_signal(sent)
        time.sleep(0.2)

    with at_the(lab, number, send):
        process = subprocess.Popen(
            [sys.executable, "-m", "craftsync", *words],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **lab.environ},
            cwd=lab.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def still_open(lab):
    with lab.app.reading() as conn:
        assert list(audits.flaws(conn, 1)) == []
        return {one.what.key.execution_id for one in audits.open_tries(conn, 1)}


def there(lab):
    return {run.execution_id for run in lab.world.truth().executions()}


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        (signal.SIGINT, 1),
        (signal.SIGTERM, 9),
        (signal.SIGINT, 17),
        pytest.param(signal.SIGTERM, 1, marks=pytest.mark.long),
        pytest.param(signal.SIGINT, 9, marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, 17, marks=pytest.mark.long),
    ],
)
def test_an_interrupted_purge_tells_what_it_deleted_and_what_is_in_doubt(real, sent, number):
    plan = real.folder / "plan.json"
    assert run(real, "purge", "plan", "--older-than", "30d", "-o", plan).exit_code == 0
    code, out, err = interrupted(real, sent, number, "purge", "apply", str(plan), *YES, "--json")
    assert (code, "Traceback" in err) == (130, False), err
    assert err.endswith(
        "craftsync: interrupted; what was done stays done, and it is safe to run again\n"
    )
    told = {row["object_id"]: row["outcome"] for row in json.loads(out)}
    assert len(told) == COUNT - 1
    named = {outcome: {name for name in told if told[name] == outcome} for outcome in told.values()}
    # Before the first answer was taken there may be doubts alone.
    deleted = named.get("deleted", set())
    assert deleted | named.get("in_doubt", set()) >= set(told) - there(real)
    assert not deleted & there(real)
    assert deleted or number == 1
    assert named.get("in_doubt", set()) == still_open(real)
    assert {name for name, outcome in audit(real) if outcome == "deleted"} == deleted
    assert f"{len(named['not tried'])} not tried" in err
    again = run(real, "purge", "apply", plan, *YES)
    assert again.exit_code == 0, again.stderr
    assert (there(real), still_open(real)) == ({NEWEST}, set())


def test_an_interrupted_delete_of_a_deployment_says_that_it_is_in_doubt(real):
    words = ("delete", "deployment", "nightly", "--expect-executions", "15", *YES)
    code, _, err = interrupted(real, signal.SIGINT, 1, *words)
    assert (code, "Traceback" in err) == (130, False), err
    assert "deployment nightly: in_doubt: the run ended before an answer came" in err
    assert still_open(real) == {"nightly"}
    assert run(real, *words).exit_code == 0
    assert still_open(real) == set()


@contextmanager
def patient_for_a_moment():
    """Wait but a twentieth of a second for whoever locks the store."""

    def on_connect(connection, _):
        connection.execute("pragma busy_timeout=50")

    event.listen(Pool, "connect", on_connect)
    try:
        yield
    finally:
        event.remove(Pool, "connect", on_connect)


def test_a_store_that_is_locked_on_the_way_ends_with_8_and_what_was_deleted_is_told(tmp_path):
    with (
        mirrored(tmp_path, an_estate(COUNT)) as lab,
        closing(sqlite3.connect(lab.store, timeout=5, check_same_thread=False)) as other,
    ):
        other.isolation_level = None
        plan = planned(allow(lab))
        with patient_for_a_moment(), at_the(lab, 9, lambda: other.execute("begin immediate")):
            told = erased(lab, plan)
        assert isinstance(lab.report.error, StoreUnusable)
        assert lab.report.exit_code == 8
        gone = {name for name, outcome in told.items() if outcome in ("deleted", "in_doubt")}
        assert gone >= set(told) - there(lab)
        assert not {name for name, outcome in told.items() if outcome == "deleted"} & there(lab)
        assert None in told.values()
        other.execute("rollback")
        assert set(erased(lab, plan).values()) == {"deleted"}
        assert (there(lab), still_open(lab)) == ({NEWEST}, set())

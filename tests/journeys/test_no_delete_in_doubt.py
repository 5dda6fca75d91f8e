"""A doubt about what a DELETE would hit keeps it from being sent."""

import os
import signal
import threading
import time

import pytest
from journeys.erasing import (
    allow,
    an_estate,
    change,
    deletes,
    erased,
    mirrored,
    now,
    outcomes,
    planned,
    run,
)
from lab import DAY, HOUR
from lab import lab as make_lab
from sqlalchemy.engine.default import DefaultDialect

from craftsync.errors import Refused
from craftsync.purge import conveyor, evidence, examining
from craftsync.purge.book import Book
from craftsync.simulator import Faults, json_response
from craftsync.simulator.patches import ABSENT
from craftsync.upstream.deletes import Eraser, NotSent

YES = ("--yes-environment", "default")


@pytest.fixture
def lab(tmp_path):
    """Eight old executions, mirrored on the world's clock; deletes are allowed."""
    with mirrored(tmp_path, an_estate()) as made:
        yield made


@pytest.fixture
def real(tmp_path):
    """The same at the real time, for commands."""
    world = an_estate(now=now())
    world.add_deployment("idle", "train", created_at=world.now - DAY)
    with mirrored(tmp_path, world) as made:
        yield made


def told_otherwise(lab, deployment, **other):
    """Let the GET of a deployment tell other values, None for a key that it leaves out."""
    app = lab.app
    with app.platform(app.settings.environment("default")) as platform:
        body = dict(platform.deployment(deployment)) | other
    body = {key: value for key, value in body.items() if value is not None}
    lab.world.override("GET", f"/deployments/{deployment}", json_response(body))


# Which one it is


def test_a_deployment_that_does_not_tell_its_birth_is_another_one_perhaps(real):
    words = ("delete", "deployment", "idle", "--expect-executions", "0", *YES)
    real.world.recreate_deployment("idle")
    told_otherwise(real, "idle", created_at=None)
    done = run(real, *words)
    assert (done.exit_code, deletes(real)) == (4, [])
    assert "another deployment" in done.stderr
    real.world.deny("/deployments")
    done = run(real, *words)
    assert (done.exit_code, deletes(real)) == (4, [])
    assert "another deployment" in done.stderr


def test_a_deployment_whose_birth_the_listing_alone_tells_can_be_deleted(real):
    told_otherwise(real, "idle", created_at=None)

    def gone(request):
        if request.method == "DELETE":
            real.world.restore("GET", "/deployments/idle")

    real.world.requests.watch(gone)
    done = run(real, "delete", "deployment", "idle", "--expect-executions", "0", *YES)
    assert (done.exit_code, deletes(real)) == (0, ["deployments/idle"]), done.stderr


def test_a_deployment_that_answers_with_another_name_is_not_deleted(real):
    told_otherwise(real, "idle", name="other")
    words = ("delete", "deployment", "idle", "--expect-executions", "0", *YES)
    done = run(real, *words)
    assert deletes(real) == []
    assert done.exit_code == 4


def test_an_environment_that_does_not_tell_its_id_any_more_is_another_one_perhaps(lab):
    plan = planned(lab)
    lab.world.override("GET", "/environment-info", json_response({"message": "no"}, 404))
    with pytest.raises(Refused):
        erased(lab, plan)
    assert deletes(lab) == []


def test_an_environment_that_tells_no_id_is_known_by_its_address(tmp_path):
    world = an_estate()
    world.override("GET", "/environment-info", json_response({"message": "no"}, 404))
    with make_lab(tmp_path, world) as lab:
        lab.sync()
        plan = planned(allow(lab))
        change(lab, "update environment set url = 'https://elsewhere.example'")
        with pytest.raises(Refused):
            erased(lab, plan)
        assert deletes(lab) == []


def test_a_plan_that_expires_while_it_is_confirmed_is_refused(lab):
    plan = planned(allow(lab, plan_expiry="1h"))
    lab.world.advance(HOUR)
    with pytest.raises(Refused, match="expired"):
        erased(lab, plan)
    assert deletes(lab) == []


# Held whole


def test_metrics_that_nobody_ever_asked_for_keep_their_execution(lab):
    lab.world.advance(HOUR)
    with lab.world.lock:
        history = lab.world.history
        history.metrics_recorded["t0"] = [("accuracy", lab.world.history.clock.now_ms(), 0.5)]
    lab.sync()
    plan = planned(lab, 99 * DAY)
    assert erased(lab, plan) == {"t0": "changed", "t1": "deleted"}
    assert "metrics: 1 upstream, none here" in lab.report.results[0].error
    lab.world.requests.clear()
    assert lab.sync(full=True).outcome == "complete"
    plan = planned(lab, 99 * DAY)
    assert erased(lab, plan) == {"t0": "deleted"}
    assert lab.rows("select value from metrics where execution_id = 't0'") == [{"value": 0.5}]


def test_an_execution_of_which_the_listing_tells_no_deployment_may_be_one_of_it(real):
    real.world.add_execution("train", execution_id="t99", deployment="nightly")
    real.world.mutate_execution("t99", where="list", deployment_name=ABSENT)
    words = ("delete", "deployment", "nightly", "--expect-executions", "4", *YES)
    done = run(real, *words)
    assert deletes(real) == []
    assert done.exit_code == 4
    assert "t99: it is not held" in done.stderr


def test_an_execution_of_no_deployment_that_is_new_keeps_none(real):
    real.world.add_execution("train", execution_id="t99", deployment_name=None)
    real.world.deny("/executions/t99")
    words = ("delete", "deployment", "nightly", "--expect-executions", "4", *YES)
    done = run(real, *words)
    assert (done.exit_code, deletes(real)) == (4, [])
    assert "could not be listed" in done.stderr
    real.world.allow("/executions/t99")
    done = run(real, *words)
    assert (done.exit_code, deletes(real)) == (0, ["deployments/nightly"]), done.stderr


def test_one_that_began_again_while_the_others_were_proved_keeps_its_deployment(real):
    real.world.mutate_execution("t1", where="list", status="Running", end_date=None)
    words = ("delete", "deployment", "nightly", "--expect-executions", "4", *YES)
    done = run(real, *words)
    assert (done.exit_code, deletes(real)) == (4, [])
    assert "t1: it goes on upstream" in done.stderr


# Just before


def test_no_delete_waits_behind_what_else_is_examined(lab):
    lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "2"
    plan = planned(lab, 96 * DAY)
    lab.server.faults = Faults(slow_s=1)
    for name in ("t2", "t3"):
        lab.server.faults.once("slow", path=f"*/executions/{name}")
    asked = {}
    lab.world.requests.watch(
        lambda request: asked.setdefault((request.method, request.path[-2:]), time.monotonic())
    )
    assert set(erased(lab, plan).values()) == {"deleted"}
    for name in ("t0", "t1"):
        assert asked["DELETE", name] - asked["GET", name] < 0.9


def test_what_was_proved_a_while_ago_is_proved_once_more(lab, monkeypatch):
    lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
    plan = planned(lab, 98 * DAY)
    lab.server.faults = Faults(slow_s=1)
    lab.server.faults.once("slow", method="DELETE", path="*/executions/t0")
    timers = []

    def begin_again(request):
        if request.method == "DELETE":
            monkeypatch.setattr(conveyor, "GOOD_FOR_S", 0.3)  # not before: a machine may be slow
            timers.append(
                threading.Timer(0.5, lab.world.mutate_execution, ["t1"], {"status": "Running"})
            )
            timers[-1].start()

    lab.world.requests.watch(begin_again)
    assert erased(lab, plan) == {"t0": "deleted", "t1": "changed"}
    assert deletes(lab) == ["executions/t0"]
    assert "goes on upstream" in lab.report.results[1].error
    for timer in timers:
        timer.join()


def test_what_took_long_to_prove_is_asked_for_once_more(lab, monkeypatch):
    monkeypatch.setattr(evidence, "AGED_S", 0.5)
    monkeypatch.setattr(examining, "AGED_S", 0.5)
    lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
    plan = planned(lab, 99 * DAY)
    lab.server.faults = Faults(slow_s=1)
    lab.server.faults.once("slow", method="POST", path="*/executions/t0/logs")

    def change(request):
        if request.path.endswith("/executions/t0/logs"):
            lab.world.mutate_execution("t0", status="Error")

    lab.world.requests.watch(change)
    assert erased(lab, plan) == {"t0": "changed"}
    assert "it changed meanwhile" in lab.report.results[0].error
    assert deletes(lab) == []


def test_an_intent_whose_proof_grew_old_while_it_was_written_is_no_delete(lab, monkeypatch):
    plan = planned(lab, 99 * DAY)
    written = Book.write
    waited = []

    def write(book, **what):
        written(book, **what)
        if what.get("intents") and not waited:
            waited.append(time.sleep(0.6))  # somebody else held the store
            lab.world.mutate_execution("t0", status="Error")

    monkeypatch.setattr(conveyor, "GOOD_FOR_S", 0.5)
    monkeypatch.setattr(Book, "write", write)
    assert erased(lab, plan) == {"t0": "changed"}
    assert outcomes(lab)["t0"] == ["failed", "changed"]
    assert deletes(lab) == []


def test_a_proof_that_grew_old_is_made_anew_however_little_may_be_under_way(lab, monkeypatch):
    """Two clear failures leave room for one; its end is written, and the run goes on."""
    lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "4"
    plan = planned(lab)
    refused = {"t1", "t2"}
    for name in refused:
        no = json_response({"message": "not yours"}, 403)
        lab.world.override("DELETE", f"/executions/{name}", no)
    written, examine, ended = Book.write, conveyor.examine, set()
    both_ended, waited = threading.Event(), []
    at_once = threading.Barrier(4, timeout=60)

    def first_those_refused(job, examiner, turn, copy):
        name = turn.item.key.execution_id
        if name not in refused:
            assert both_ended.wait(60)
        examined = examine(job, examiner, turn, copy)
        if name in {"t0", "t3", "t4", "t5"} and not waited:
            at_once.wait()
        return examined

    def write(book, **what):
        monkeypatch.setattr(conveyor, "GOOD_FOR_S", 60)
        written(book, **what)
        ended.update(one.what.key.execution_id for one in what.get("ends", ()))
        if refused <= ended:
            both_ended.set()
            if what.get("intents") and not waited:
                waited.append(len(what["intents"]))
                time.sleep(0.1)
                monkeypatch.setattr(conveyor, "GOOD_FOR_S", 0.1)

    monkeypatch.setattr(conveyor, "examine", first_those_refused)
    monkeypatch.setattr(Book, "write", write)
    told = erased(lab, plan)
    assert waited == [1]
    assert None not in told.values()
    assert lab.column("select deletion_id from deletions where outcome is null") == []


def test_what_somebody_else_deleted_before_a_delete_was_sent_is_not_ours(lab, monkeypatch):
    plan = planned(lab, 99 * DAY)

    def execution(_, execution_id):
        lab.world.delete_execution(execution_id)
        raise NotSent("signing in took long")

    monkeypatch.setattr(Eraser, "execution", execution)
    assert erased(lab, plan) == {"t0": "already_gone"}
    assert lab.one("select gone_cause from executions where execution_id = 't0'") == {
        "gone_cause": "deleted_upstream"
    }
    assert deletes(lab) == []


def test_an_interrupt_that_comes_while_ends_are_written_writes_them_once(lab, monkeypatch):
    for number in range(4):
        lab.world.mutate_execution(f"t{number}", status="Failed")
    plan = planned(lab)
    committed, real = [], DefaultDialect.do_commit

    def commit(dialect, connection):
        ends = "select count(*) from delete_event where event = 'outcome'"
        some = connection.execute(ends).fetchone()[0]
        real(dialect, connection)
        if some and not committed and threading.current_thread() is threading.main_thread():
            committed.append(some)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(DefaultDialect, "do_commit", commit)
    erased(lab, plan)
    assert committed
    assert lab.report.exit_code == 130
    twice = "select deletion_id from deletions group by deletion_id having count(*) > 1"
    assert lab.column(twice) == []
    assert lab.column("select deletion_id from deletions where outcome is null") == []


def test_three_failures_in_a_row_stop_it_whatever_comes_in_behind_them(tmp_path, monkeypatch):
    with make_lab(tmp_path, an_estate(12)) as lab:
        lab.sync()
        plan = planned(allow(lab))
        lab.server.faults = Faults(drip_s=3)
        for name in ("t3", "t4", "t5"):
            no = json_response({"message": "not yours"}, 403)
            lab.world.override("DELETE", f"/executions/{name}", no)
        lab.server.faults.once("slow_drip", method="DELETE", path="*/executions/t6")
        at_once, real = threading.Barrier(4, timeout=60), Eraser.execution

        def execution(eraser, execution_id):
            if execution_id in ("t3", "t4", "t5", "t6"):
                at_once.wait()
            return real(eraser, execution_id)

        monkeypatch.setattr(Eraser, "execution", execution)
        told = erased(lab, plan)
        assert {name for name, one in told.items() if one == "failed"} == {"t3", "t4", "t5"}
        assert (told["t6"], told["t10"]) == ("deleted", None)


def test_what_was_tried_is_not_told_as_untried(lab):
    """The token is refused between the look after a try and the proof of the next one."""
    plan = planned(lab, 99 * DAY)
    seen = []

    def refuse(request):
        seen.append(request.method)
        after = seen[seen.index("DELETE") :] if "DELETE" in seen else []
        if after.count("GET") == 2:
            lab.world.accounts.revoke_sdk_token()
            lab.world.expire_tokens()

    lab.world.requests.watch(refuse)
    lab.world.override("DELETE", "/executions/t0", json_response({"message": "busy"}, 503))
    assert erased(lab, plan) == {"t0": "failed"}
    assert "busy" in lab.report.results[0].error
    assert lab.report.exit_code == 6
    assert len(deletes(lab)) == 1


# What is told


def test_a_deployment_that_is_deleted_is_told_so_beside_another_doubt(real):
    real.world.override("DELETE", "/executions/t0", json_response({"execution_id": "t0"}))
    assert run(real, "delete", "execution", "t0", *YES).exit_code == 3
    real.world.deny("/executions/t0")
    words = ("delete", "deployment", "nightly", "--expect-executions", "4", *YES)
    done = run(real, *words, "--format", "csv")
    assert done.exit_code == 3
    assert deletes(real)[-1] == "deployments/nightly"
    assert done.stdout.splitlines()[1:] == ["nightly,endpoint,4"]


def test_a_deployment_that_somebody_else_deleted_took_nothing_along_here(real):
    def first(request):
        if request.method == "DELETE":
            real.world.requests.watchers.remove(first)
            real.world.delete_deployment("nightly")

    real.world.requests.watch(first)
    words = ("delete", "deployment", "nightly", "--expect-executions", "4", *YES)
    done = run(real, *words, "--format", "csv")
    assert outcomes(real)["nightly"] == ["already_gone"]
    assert (done.exit_code, done.stdout.splitlines()[1:]) == (0, ["nightly,endpoint,0"])


def test_a_doubt_about_a_deployment_that_was_made_again_can_be_settled(real):
    real.world.override("DELETE", "/deployments/nightly", json_response({"message": "busy"}, 503))

    def deny(request):
        if request.method == "DELETE":
            no = json_response({"message": "no"}, 403)
            real.world.override("GET", "/deployments/nightly", no)

    real.world.requests.watch(deny)
    words = ("delete", "deployment", "nightly", "--expect-executions", "4", *YES)
    assert run(real, *words).exit_code == 3
    assert outcomes(real)["nightly"] == ["in_doubt"]
    real.world.requests.watchers.remove(deny)
    real.world.restore("GET", "/deployments/nightly")
    real.world.restore("DELETE", "/deployments/nightly")
    real.world.recreate_deployment("nightly")
    real.world.add_execution("train", execution_id="new", deployment="nightly")
    real.sync()
    done = run(real, "delete", "execution", "t0", *YES)
    assert done.exit_code == 0, done.stderr
    assert outcomes(real)["nightly"] == ["deleted"]
    gone_at = "select gone_at from executions where execution_id = 'new'"
    assert real.one(gone_at)["gone_at"] is None


@pytest.mark.parametrize(
    "words",
    [
        ("purge", "apply", "--policy", "--older-than", "30d", "--max-deletes", "50"),
        ("delete", "execution", "t0"),
        ("delete", "deployment", "nightly", "--expect-executions", "4"),
    ],
)
def test_the_line_to_type_names_the_environment(real, words):
    done = run(real, *words, "--env", "default")
    assert done.exit_code == 4
    (hint,) = [line for line in done.stderr.splitlines() if line.startswith("hint: ")]
    assert "--env default" in hint
    for word in words:
        assert word in hint

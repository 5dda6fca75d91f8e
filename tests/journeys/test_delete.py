"""`delete`: what is named goes, the newest and the only one too, by the same proof and audit."""

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from journeys.erasing import (
    allow,
    an_estate,
    audit,
    change,
    deletes,
    mirrored,
    now,
    outcomes,
    run,
)
from lab import DAY, HOUR
from lab import lab as make_lab

from craftsync.simulator import Faults, Quirks, json_response
from craftsync.simulator.patches import ABSENT

ROOT = Path(__file__).parents[2]
YES = ("--yes-environment", "default")
WITH_FOUR = ("--expect-executions", "4", *YES)


@pytest.fixture
def lab(tmp_path):
    """Eight old executions at the real time, four of them of `nightly`, all mirrored."""
    limits = {"keep_last": 20, "keep_last_success": "true", "max_share": "0.01", "max_deletes": 0}
    with mirrored(tmp_path, an_estate(now=now()), **limits) as made:
        yield made


def rows(done):
    return [line.split(",") for line in done.stdout.splitlines()]


def synced_again(lab):
    outcome = lab.sync()
    return outcome.exit_code, outcome.gone, len(outcome.withheld)


# Executions


def test_executions_are_deleted_by_name_whatever_the_limits_of_a_policy(lab):
    done = run(lab, "delete", "execution", "t7", "t0", *YES, "--format", "csv")
    assert done.exit_code == 0, done.stderr
    assert rows(done) == [["execution_id", "outcome"], ["t7", "deleted"], ["t0", "deleted"]]
    assert sorted(deletes(lab)) == ["executions/t0", "executions/t7"]
    assert {row[0] for row in audit(lab, "reason")} == {"named"}
    assert len({row[0] for row in audit(lab, "plan_id")}) == 1
    assert synced_again(lab) == (0, 0, 0)


def test_the_only_execution_of_a_pipeline_can_be_deleted(tmp_path):
    with make_lab(tmp_path, an_estate(1, now=now())) as lab:
        lab.sync()
        allow(lab)
        assert run(lab, "delete", "execution", "t0", *YES).exit_code == 0
        assert lab.world.truth().execution_ids() == set()
        assert synced_again(lab) == (0, 0, 0)


def test_a_sync_that_was_cut_short_holds_back_nothing_that_is_named(lab):
    """How old a sync is belongs to the choice by age: what is named is proved by itself."""
    assert lab.sync(max_requests=3).outcome == "partial"
    allow(lab, max_deletes=9)
    assert run(lab, "purge", "plan", "--older-than", "98d").exit_code == 4
    assert run(lab, "delete", "execution", "t0", *YES).exit_code == 0
    assert run(lab, "delete", "deployment", "nightly", *WITH_FOUR).exit_code == 0
    assert deletes(lab) == ["executions/t0", "deployments/nightly"]


def test_an_id_that_is_not_held_is_wrong_usage_and_nothing_goes(lab):
    done = run(lab, "delete", "execution", "t0", "t77", *YES)
    assert done.exit_code == 2
    assert "Did you mean t7" in done.stderr
    assert lab.world.requests.total == 0


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("update execution set status = 'Running' where execution_id = 't0'", "running"),
        ("update execution set status = 'Pending' where execution_id = 't0'", "running"),
        ("update execution set end_date = null where execution_id = 't0'", "undated"),
        ("update execution set settled = 0 where execution_id = 't0'", "unsettled"),
        ("update execution set logs_state = 'error' where execution_id = 't0'", "not_held"),
    ],
)
def test_what_may_not_go_is_named_and_kept(lab, sql, reason):
    """A17, A18: no flag changes that."""
    change(lab, sql)
    done = run(lab, "delete", "execution", "t0", *YES)
    assert done.exit_code == 4
    assert f"execution t0: kept: {reason}" in done.stderr
    assert lab.world.requests.total == 0
    done = run(lab, "delete", "execution", "t0", "t1", *YES, "--format", "csv")
    assert done.exit_code == 3
    assert rows(done)[1:] == [["t0", reason], ["t1", "deleted"]]
    assert deletes(lab) == ["executions/t1"]


def test_one_that_runs_again_upstream_is_kept(lab):
    """A18: the status is looked up again right before the call."""
    lab.world.mutate_execution("t0", status="Running")
    done = run(lab, "delete", "execution", "t0", *YES)
    assert done.exit_code == 3
    assert "execution t0: changed" in done.stderr
    assert "it goes on upstream" in done.stderr
    assert deletes(lab) == []


def test_a_protected_one_is_kept(lab):
    allow(lab, protect_deployments="nightly")
    done = run(lab, "delete", "execution", "t1", *YES)
    assert done.exit_code == 4
    assert "protected" in done.stderr


def test_one_that_is_gone_already_is_told_as_such(lab):
    run(lab, "delete", "execution", "t0", *YES)
    lab.world.requests.clear()
    done = run(lab, "delete", "execution", "t0", *YES, "--format", "csv")
    assert (done.exit_code, rows(done)[1:]) == (0, [["t0", "already_gone"]])
    assert lab.world.requests.total == 0


def test_a_doubt_is_settled_by_naming_it_once_more(lab):
    lab.world.override("DELETE", "/executions/t0", json_response({"execution_id": "t0"}))
    assert run(lab, "delete", "execution", "t0", *YES).exit_code == 3
    lab.world.delete_execution("t0")
    done = run(lab, "delete", "execution", "t0", *YES, "--format", "csv")
    assert (done.exit_code, rows(done)[1:]) == (0, [["t0", "deleted"]])
    assert outcomes(lab) == {"t0": ["deleted"]}


def test_an_id_that_came_back_is_meant_in_its_newest_form(lab):
    lab.world.delete_execution("t0")
    lab.world.add_execution("train", execution_id="t0", created_at=lab.world.now - DAY)
    lab.sync()
    done = run(lab, "delete", "execution", "t0", *YES)
    assert done.exit_code == 0
    assert "The execution t0 has another one" in done.stderr
    born = audit(lab, "created_at")
    assert born == [(f"{lab.world.now - DAY:%Y-%m-%dT%H:%M:%S}.000000Z",)]


def test_one_made_again_since_the_sync_is_not_hit(lab):
    lab.world.delete_execution("t0")
    lab.world.add_execution("train", execution_id="t0", created_at=lab.world.now - DAY)
    done = run(lab, "delete", "execution", "t0", *YES)
    assert done.exit_code == 3
    assert "another one of its id" in done.stderr
    assert deletes(lab) == []


def test_the_same_id_twice_is_one_delete(lab):
    done = run(lab, "delete", "execution", "t0", "t0", *YES, "--format", "csv")
    assert rows(done)[1:] == [["t0", "deleted"]]
    assert len(deletes(lab)) == 1


# Deployments


def test_a_deployment_goes_with_all_its_executions(lab):
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR, "--format", "csv")
    assert done.exit_code == 0, done.stderr
    assert rows(done) == [
        ["name", "execution_rule", "executions_deleted"],
        ["nightly", "endpoint", "4"],
    ]
    assert deletes(lab) == ["deployments/nightly"]
    assert lab.world.truth().execution_ids() == {"t0", "t2", "t4", "t6"}
    gone = lab.rows(
        "select execution_id, gone_cause from executions where gone_at is not null order by 1"
    )
    assert gone == [
        {"execution_id": f"t{n}", "gone_cause": "deleted_by_craftsync"} for n in (1, 3, 5, 7)
    ]
    (told,) = lab.rows("select * from deletions")
    assert (told["kind"], told["object_id"], told["outcome"]) == (
        *("deployment", "nightly", "deleted"),
    )
    (names,) = lab.column("select execution_ids from delete_event where event = 'intent'")
    assert json.loads(names) == ["t1", "t3", "t5", "t7"]
    assert synced_again(lab) == (0, 0, 0)


def test_its_history_stays_usable(lab):
    run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert json.loads(run(lab, "show", "deployment", "nightly", "--json").stdout)["gone_at"]
    assert "line 0 of t1" in run(lab, "logs", "t1").stdout
    assert "t1" in run(lab, "runs", "--deployment", "nightly").stdout


@pytest.mark.parametrize("number", [None, "3", "5", "0"])
def test_without_a_terminal_the_number_of_its_executions_has_to_be_right(lab, number):
    words = () if number is None else ("--expect-executions", number)
    done = run(lab, "delete", "deployment", "nightly", *words, *YES)
    assert done.exit_code == 4
    assert "has 4 executions" in done.stderr
    assert "--expect-executions 4" in done.stderr
    assert lab.world.requests.total == 0


def test_without_a_terminal_and_without_a_name_it_stays(lab):
    done = run(lab, "delete", "deployment", "nightly", "--expect-executions", "4")
    assert done.exit_code == 4
    hint = "delete deployment nightly --expect-executions 4 --yes-environment default"
    assert f"hint: craftsync {hint}" in done.stderr


def test_one_execution_that_is_not_held_keeps_it_and_is_named(lab):
    """A16: logs that are pending."""
    change(lab, "update execution set logs_state = 'pending' where execution_id = 't5'")
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 4
    assert "execution t5: kept: not_held" in done.stderr
    assert lab.world.requests.total == 0


def test_one_execution_that_was_never_fetched_keeps_it_and_is_named(lab):
    """A16: the listing shows what the store does not hold."""
    lab.world.add_execution("train", execution_id="t99", deployment="nightly")
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 4
    assert "t99: it is not held" in done.stderr
    assert deletes(lab) == []
    assert outcomes(lab) == {"nightly": ["changed"]}


@pytest.mark.parametrize("short", [True, False])
def test_an_empty_listing_does_not_say_that_there_is_nothing_else(lab, short):
    """A11: nor does one that lacks what was fetched a moment ago."""
    path = "/pipelines/train/executions"
    listed = [
        {key: said for key, said in run.detail.items() if key not in ("steps", "inputs", "outputs")}
        for run in lab.world.truth().executions("train")
    ]
    listed.sort(key=lambda one: one["deployment_name"] != "nightly")
    lab.world.add_execution("train", execution_id="t99", deployment="nightly")
    lab.world.override("GET", path, json_response(listed[1:] if short else []))
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 4
    assert "it is there, and not listed" in done.stderr
    assert deletes(lab) == []


@pytest.mark.parametrize("said", [ABSENT, None])
def test_a_listing_that_names_no_deployment_is_read_with_what_the_store_knows(lab, said):
    for run_ in lab.world.truth().executions("train"):
        lab.world.mutate_execution(run_.execution_id, where="list", deployment_name=said)
    lab.sync(full=True)
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 0, done.stderr


def test_settings_that_changed_since_the_sync_keep_it(lab):
    lab.world.mutate_deployment("nightly", schedule="5 5 * * 1", description="changed")
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 4
    assert "description: it is not as it was mirrored" in done.stderr
    assert "schedule: it is not as it was mirrored" in done.stderr
    assert deletes(lab) == []
    lab.sync()
    assert run(lab, "delete", "deployment", "nightly", *WITH_FOUR).exit_code == 0


def test_something_else_in_the_place_of_its_settings_keeps_it(lab):
    """Its birth was read a moment before, from an answer that was its own."""

    def replace(request):
        if request.method == "GET" and request.path.endswith("/deployments/nightly"):
            if asked:
                something = json_response({"message": "Service is being updated"})
                lab.world.override("GET", "/deployments/nightly", something)
            asked.append(request)

    asked = []
    lab.world.requests.watch(replace)
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 4
    assert "deployment nightly: the platform answered with another one" in done.stderr
    assert deletes(lab) == []
    assert outcomes(lab) == {"nightly": ["changed"]}


def test_an_execution_that_changes_after_its_proof_keeps_its_deployment(lab):
    """The proofs of many executions take a while; the listing comes at the end."""

    def change(request):
        if request.method == "GET" and request.path.endswith("/deployments/nightly"):
            lab.world.mutate_execution("t3", status="Failed")

    lab.world.requests.watch(change)
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 4
    assert "t3: it has changed since it was proved" in done.stderr
    assert deletes(lab) == []


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (lambda world: world.mutate_execution("t3", status="Failed"), "t3: detail: status"),
        (lambda world: world.delete_execution("t3"), "t3: upstream has it no more"),
        (lambda world: world.deny("/pipelines/train/executions"), "could not be listed"),
        (lambda world: world.recreate_deployment("nightly"), "another deployment"),
        (lambda world: world.deny("/deployments/nightly"), "another deployment"),
    ],
)
def test_whatever_differs_upstream_keeps_it(lab, happens, why):
    """A24 too: a delete of the old one must not hit the new."""
    lab.world.advance(HOUR)
    happens(lab.world)
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 4
    assert why in done.stderr
    assert deletes(lab) == []
    assert lab.column("select execution_id from executions where gone_at is not null") == []


@pytest.mark.parametrize(
    "names",
    [
        {"protect_deployments": "nightly"},
        {"protect_pipelines": "train"},
        {"protect_pipelines": "['Train']"},
    ],
)
def test_a_protected_deployment_stays(lab, names):
    done = run(allow(lab, **names), "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 4
    assert "protected" in done.stderr


@pytest.mark.parametrize("words", [("execution", "t0"), ("deployment", "nightly", *WITH_FOUR[:2])])
def test_a_protected_name_that_nothing_ever_had_is_named_before_anything_goes(lab, words):
    allow(lab, protect_pipelines="trian", protect_deployments="nihgtly")
    done = run(lab, "delete", *words)
    assert done.exit_code == 4
    assert "warning: protect_pipelines names trian, and no pipeline of default" in done.stderr
    assert "hint: Did you mean train?" in done.stderr
    assert "warning: protect_deployments names nihgtly, and no deployment of" in done.stderr
    assert deletes(lab) == []


def test_an_unknown_deployment_is_wrong_usage(lab):
    assert run(lab, "delete", "deployment", "nightlyy", *WITH_FOUR).exit_code == 2


def test_a_deployment_without_executions_can_be_deleted(lab):
    lab.world.add_deployment("idle", "train")
    lab.sync()
    words = ("delete", "deployment", "idle", "--expect-executions", "0", *YES)
    assert run(lab, *words).exit_code == 0
    assert deletes(lab) == ["deployments/idle"]
    assert run(lab, *words, "--format", "csv").stdout.endswith("idle,endpoint,0\n")


@pytest.mark.parametrize("kind", ["503", "reset_before"])
def test_a_deployment_that_is_there_still_is_asked_for_again(lab, kind):

    lab.server.faults = Faults()
    lab.server.faults.once(kind, method="DELETE")
    assert run(lab, "delete", "deployment", "nightly", *WITH_FOUR).exit_code == 0
    assert outcomes(lab) == {"nightly": ["failed", "deleted"]}


def test_a_lost_answer_about_a_deployment_is_looked_for(lab):

    lab.server.faults = Faults()
    lab.server.faults.once("reset_after", method="DELETE")
    assert run(lab, "delete", "deployment", "nightly", *WITH_FOUR).exit_code == 0
    assert outcomes(lab) == {"nightly": ["deleted"]}
    assert len(deletes(lab)) == 1


def test_a_deployment_that_is_served_as_archived_is_deleted(tmp_path):
    world = an_estate(now=now(), quirks=Quirks(archived="served"))
    with make_lab(tmp_path, world) as lab:
        lab.sync()
        allow(lab)
        assert run(lab, "delete", "deployment", "nightly", *WITH_FOUR).exit_code == 0


def test_an_execution_that_outlives_its_deployment_leaves_a_doubt(lab):
    lab.world.override(
        "GET", "/executions/t3", json_response(lab.world.truth().execution("t3").detail)
    )
    done = run(lab, "delete", "deployment", "nightly", *WITH_FOUR)
    assert done.exit_code == 3
    assert "t3: it is there still" in done.stderr
    assert lab.column("select execution_id from executions where gone_at is not null") == []


# On a terminal


def typed(lab, words, answer):
    """Run a command on a terminal, and type an answer to its question."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "craftsync", *words],
        env={**os.environ, **lab.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        cwd=lab.folder,
        start_new_session=True,
    )
    os.close(follower)
    shown = b""
    until = time.monotonic() + 60
    while b"to go on" not in shown and time.monotonic() < until:
        shown += os.read(leader, 4096)
    os.write(leader, answer)
    out, _ = process.communicate(timeout=60)
    os.close(leader)
    return process.returncode, out.decode(), shown.decode()


def test_on_a_terminal_the_name_of_the_environment_is_typed(lab):
    words = ["delete", "deployment", "nightly", "--format", "csv"]
    code, _, shown = typed(lab, words, b"prod\n")
    assert (code, deletes(lab)) == (4, [])
    assert "the deployment nightly with its 4 executions" in shown
    code, out, _ = typed(lab, words, b"default\n")
    assert (code, out.splitlines()[1:]) == (0, ["nightly,endpoint,4"])


def test_no_answer_is_a_no(lab):
    code, _, _ = typed(lab, ["delete", "execution", "t0"], b"\x04")
    assert (code, deletes(lab)) == (4, [])

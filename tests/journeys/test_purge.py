"""`purge`: what is old enough goes, proved just before; whatever is in doubt stays and is named."""

import json
import stat
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from journeys.erasing import (
    allow,
    an_estate,
    audit,
    change,
    deletes,
    erased,
    mirrored,
    now,
    outcomes,
    planned,
    run,
)
from journeys.test_second_sync import everything
from lab import DAY, HOUR
from lab import lab as make_lab

from craftsync.errors import Busy, Refused, StoreUnusable
from craftsync.purge.plan import Plan
from craftsync.purge.policy import Reason
from craftsync.records import PartState
from craftsync.simulator import Content, Faults, Line, Response, json_response
from craftsync.store import dump, engine, lock
from craftsync.sync.events import Listed

JSON = {"Content-Type": "application/json"}

NO_SUCH = json_response({"name": "NotFoundException", "message": "no such"}, 404)


@pytest.fixture
def lab(tmp_path):
    """Eight old executions, mirrored on the world's clock; deletes are allowed."""
    with mirrored(tmp_path, an_estate()) as made:
        yield made


@pytest.fixture
def real(tmp_path):
    """The same at the real time, for commands."""
    with mirrored(tmp_path, an_estate(now=now())) as made:
        yield made


def ids(plan):
    return [item.key.execution_id for item in plan.delete]


# The plan


def test_a_plan_asks_nothing_and_names_the_oldest_first(lab):
    plan = planned(lab, 96 * DAY)
    assert ids(plan) == ["t0", "t1", "t2", "t3"]
    assert plan.keep == {Reason.TOO_YOUNG: 4}
    assert lab.world.requests.total == 0


def test_a_plan_holds_what_is_held_of_each(lab):
    with lab.app.reading() as conn:
        keys = dict(conn.exec_driver_sql("select execution_id, key from execution").all())
        hashes = dump.content_hashes(conn, keys.values())
    for item in planned(lab).delete:
        name = item.key.execution_id
        (sizes,) = lab.column(
            "select sum(size_bytes) from parts where execution_id = ? and part != 'logs'", name
        )
        assert item.content_sha256 == hashes[keys[name]]
        assert item.bytes == sizes + sum(len(f"line {n} of {name}") for n in range(3))


@pytest.mark.parametrize("named", [("--pipeline", "trian"), ("--deployment", "nihgtly")])
def test_a_plan_of_what_is_not_held_is_refused(real, named):
    done = run(real, "purge", "plan", "--older-than", "1d", *named)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Did you mean" in done.stderr


@pytest.mark.parametrize(
    "words", [("purge", "plan", "--older-than", "1d"), ("runs",), ("io", "table", "train")]
)
def test_a_status_that_no_execution_has_is_told_and_those_there_are(real, words):
    done = run(real, *words, "--status", "faild", "--status", "SUCCEEDED")
    assert done.exit_code == 0
    (told,) = [line for line in done.stderr.splitlines() if "the status" in line]
    assert "has the status 'faild'." in told
    assert "There are: Succeeded." in done.stderr
    assert "has the status" not in run(real, *words, "--status", "succeeded").stderr


def test_a_policy_for_a_status_that_no_execution_has_deletes_nothing_and_says_so(real):
    words = ("purge", "apply", "--policy", "--older-than", "1d", "--status", "faild")
    done = run(real, *words, "--yes-environment", "default")
    assert done.exit_code == 0, done.stderr
    assert "No execution of default has the status 'faild'." in done.stderr
    assert real.world.requests.deletes == []


def test_the_table_of_a_plan_is_json_and_in_a_zone_if_asked(real):
    words = ("purge", "plan", "--older-than", "97d")
    (going, *_) = rows = json.loads(run(real, *words, "--json").stdout)
    assert rows == json.loads(run(real, *words, "--format", "json").stdout)
    (tokyo, *_) = json.loads(run(real, *words, "--json", "--tz", "Asia/Tokyo").stdout)
    assert (going["oldest_end"][-1], tokyo["oldest_end"][-6:]) == ("Z", "+09:00")
    assert tokyo["oldest_end"][:10] >= going["oldest_end"][:10]
    assert run(real, *words, "--json", "--format", "csv").exit_code == 2


def test_the_plan_of_a_command_has_the_form_of_the_contract(real, tmp_path):
    file = tmp_path / "plan.json"
    done = run(real, "purge", "plan", "--older-than", "97d", "--status", "succeeded", "-o", file)
    assert done.exit_code == 0, done.stderr
    plan = json.loads(file.read_bytes())
    assert list(plan) == [
        *("format", "plan_id", "store_id", "environment", "upstream_id", "created_at"),
        *("expires_at", "criteria", "delete", "keep", "limits", "totals", "seal"),
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one["id"] for one in plan["delete"]] == ["t0", "t1", "t2"]
    assert list(plan["delete"][0]) == [
        *("kind", "id", "created_at", "pipeline_name", "deployment_name", "end_date", "status"),
        *("content_sha256", "bytes", "executions"),
    ]
    assert plan["keep"] == [{"reason": "too_young", "count": 5}]
    assert plan["limits"]["max_share"] == 1.0
    assert plan["totals"]["executions"] == 3
    assert f"craftsync purge apply {file}" in done.stderr
    assert real.world.requests.total == 0


def test_what_stays_is_printed_with_its_reason_and_what_would_unblock_it(real):
    allow(real, keep_last=2, max_share="0.25", protect_deployments="nightly")
    done = run(real, "purge", "plan", "--older-than", "30d", "--format", "csv")
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert rows[0] == ["verdict", "executions", "bytes", "oldest_end", "newest_end", "unblock"]
    assert {row[0]: row[1] for row in rows[1:]} == {
        "old_enough": "2",
        "protected": "4",
        "last_n": "1",
        "over_limit": "1",
    }
    assert {row[0] for row in rows[1:] if row[5]} == {"protected", "last_n", "over_limit"}
    assert rows[1][0] == "old_enough"


def test_nothing_old_enough_is_an_empty_plan(real, tmp_path):
    file = tmp_path / "plan.json"
    done = run(real, "purge", "plan", "--older-than", "900d", "-o", file)
    assert done.exit_code == 0
    assert json.loads(file.read_bytes())["delete"] == []
    assert run(real, "purge", "apply", file).exit_code == 0
    assert deletes(real) == []


def test_a_plan_needs_a_sync_that_was_complete_and_lately(lab):
    lab.world.advance(DAY)
    with pytest.raises(Refused, match=r"train was last mirrored at .*, more than a day ago"):
        planned(lab)
    lab.sync()
    assert planned(lab).count == 7
    lab.world.deny("/executions/t3/logs")
    lab.world.advance(HOUR)
    assert lab.sync(full=True).outcome == "partial"
    with pytest.raises(Refused, match="ended partial") as refused:
        planned(lab)
    assert refused.value.hint == "craftsync sync --env default"


def test_a_sync_of_a_day_ago_is_too_old_by_the_millisecond(lab):
    lab.world.advance(DAY - timedelta(milliseconds=1))
    assert planned(lab).count == 7
    lab.world.advance(timedelta(milliseconds=1))
    with pytest.raises(Refused, match="more than a day ago"):
        planned(lab)


def test_a_sync_that_is_yet_to_come_by_the_clock_is_no_base(lab):
    assert planned(lab, set_back=timedelta(minutes=5)).count == 7
    with pytest.raises(Refused, match="which is yet to come"):
        planned(lab, set_back=timedelta(minutes=6))


# What came after the last complete sync of a pipeline


LONG = 98 * DAY + 4 * HOUR


@pytest.fixture
def two(tmp_path):
    """The same with a second pipeline, `other`, an hour after all was mirrored."""
    world = an_estate()
    world.add_pipeline("other")
    world.add_execution("other", execution_id="o0", created_at=world.now - 50 * DAY)
    world.add_execution("other", execution_id="o1", created_at=world.now - 40 * DAY)
    with mirrored(tmp_path, world) as made:
        made.plan = planned(made, LONG, pipelines=["train"])
        made.world.advance(HOUR)
        yield made


class Killed(SystemExit):
    """The end of a process, which no run can answer."""


def sync_amid(lab, then, **asked):
    """Mirror, and do something whenever a pipeline has been listed."""

    def hear(event):
        if isinstance(event, Listed):
            then()

    app = lab.app
    environments = app.settings.environments_to_use()
    return app.sync(environments, app.sync_options(**asked), listener=hear)


def sync_that_dies(lab, how=Killed, **asked):
    def die():
        raise how

    with suppress(Killed):
        sync_amid(lab, die, **asked)


def sync_out_of_reach(lab):
    lab.server.faults = Faults(rates={"503": 1.0})
    lab.sync()
    lab.server.faults = Faults()


def assert_no_base(lab, why):
    """Nothing is planned of `train`, and no plan of it that was made before is applied."""
    with pytest.raises(Refused, match=why) as refused:
        planned(lab, LONG, pipelines=["train"])
    assert refused.value.hint == "craftsync sync --env default"
    with pytest.raises(Refused, match=why):
        erased(lab, lab.plan)
    assert deletes(lab) == []


def test_a_pipeline_that_could_not_be_listed_since_is_no_base(two):
    two.world.deny("/pipelines/train/executions")
    assert two.sync().outcome == "partial"
    assert_no_base(two, r"train could not be listed any more \(.*403")
    two.world.advance(HOUR)
    assert two.sync(pipelines=["other"]).outcome == "complete"
    assert_no_base(two, "train could not be listed any more")
    assert planned(two, 30 * DAY, pipelines=["other"]).count == 1
    two.world.allow("/pipelines/train/executions")
    assert two.sync(pipelines=["train"]).outcome == "complete"
    assert planned(two, LONG).count == 2
    assert set(erased(two, two.plan).values()) == {"deleted"}


def test_a_pipeline_that_is_missed_while_none_can_be_listed_is_no_base(two):
    two.world.override("GET", "/pipelines", json_response({"message": "no"}, 403))
    two.world.override("GET", "/pipelines/train/executions", NO_SUCH)
    assert two.sync().outcome == "partial"
    two.world.restore("GET", "/pipelines")
    two.world.advance(HOUR)
    assert two.sync(pipelines=["other"]).outcome == "complete"
    assert_no_base(two, "train could not be listed any more")


def test_a_pipeline_that_a_complete_sync_passed_over_is_no_base(two):
    two.world.override("GET", "/pipelines/train/executions", NO_SUCH)
    two.world.override("GET", "/pipelines", json_response([]))
    outcome = two.sync(accept_vanished=9)
    assert (outcome.outcome, outcome.gone) == ("complete", 0)
    assert_no_base(two, "train was not listed by a later sync of all pipelines")


# Which of two pipelines is listed first is a matter of luck.
CUT_SHORT = "(was last covered by a|may have been in the scope of a later) sync that ended"


@pytest.mark.parametrize(
    ("happens", "word"),
    [
        (lambda lab: lab.sync(max_requests=3), "partial"),
        (lambda lab: lab.sync(max_requests=6), "partial"),
        (lambda lab: sync_that_dies(lab, KeyboardInterrupt), "interrupted"),
        (sync_that_dies, "running"),
        (sync_out_of_reach, "failed"),
    ],
)
@pytest.mark.parametrize("set_back", [timedelta(0), 2 * HOUR])
def test_a_sync_that_did_not_get_to_its_end_since_leaves_no_base(two, happens, word, set_back):
    """Also where the clock was set back in between."""
    two.clock = lambda: two.world.now - set_back
    happens(two)
    assert two.column("select outcome from sync_runs order by run_id") == ["complete", word]
    two.clock = lambda: two.world.now
    told = {"running": "unseen"}.get(word, word)
    assert_no_base(two, f"train {CUT_SHORT} {told}")
    two.world.advance(HOUR)
    assert two.sync(pipelines=["other"]).outcome == "complete"
    told = {"running": "interrupted"}.get(word, word)
    assert_no_base(two, f"train {CUT_SHORT} {told}")
    assert planned(two, 30 * DAY, pipelines=["other"]).count == 1
    assert two.sync().outcome == "complete"
    assert planned(two, LONG).count == 2


def test_a_sync_of_another_pipeline_that_got_to_its_end_takes_no_base_away(two):
    assert two.sync(pipelines=["other"]).outcome == "complete"
    assert planned(two, LONG, pipelines=["train"]).count == 2
    two.world.deny("/executions/o0/logs")
    two.world.advance(HOUR)
    assert two.sync(pipelines=["other"], full=True).outcome == "partial"
    assert planned(two, LONG, pipelines=["train"]).count == 2
    two.world.override("GET", "/pipelines/other/executions", json_response([]))
    two.world.advance(HOUR)
    assert two.sync(pipelines=["other"]).outcome == "withheld"
    assert planned(two, LONG, pipelines=["train"]).count == 2
    assert set(erased(two, two.plan).values()) == {"deleted"}


def test_of_one_that_was_cut_short_nobody_knows_what_it_was_to_cover(two):
    assert two.sync(pipelines=["other"], max_requests=2).outcome == "partial"
    assert_no_base(two, "train may have been in the scope of a later sync that ended partial")


def test_while_a_sync_is_at_work_a_plan_may_be_made_and_none_be_applied(two):
    def look():
        assert two.column("select outcome from sync_runs order by run_id")[-1] == "running"
        assert planned(two, LONG, pipelines=["train"]).count == 2
        with pytest.raises(Busy):
            erased(two, two.plan)

    (outcome,) = sync_amid(two, look).outcomes
    assert outcome.outcome == "complete"
    assert deletes(two) == []


def test_what_was_cut_short_before_a_sync_at_work_still_counts(two):
    two.sync(max_requests=3)

    def look():
        with pytest.raises(Refused, match="a later sync that ended partial"):
            planned(two, LONG, pipelines=["train"])

    sync_amid(two, look)
    assert planned(two, LONG).count == 2


# Apply


def test_what_is_planned_is_deleted_and_stays_here_whole(lab):
    before = everything(lab)
    plan = planned(lab, 97 * DAY)
    assert erased(lab, plan) == dict.fromkeys(ids(plan), "deleted")
    assert lab.report.exit_code == 0
    assert sorted(deletes(lab)) == ["executions/t0", "executions/t1", "executions/t2"]
    assert lab.world.truth().execution_ids() == {f"t{n}" for n in range(3, 8)}
    gone = lab.rows(
        "select execution_id, gone_cause from executions where gone_at is not null order by 1"
    )
    assert gone == [
        {"execution_id": name, "gone_cause": "deleted_by_craftsync"} for name in ids(plan)
    ]
    after = everything(lab)
    differ = {name for name, rows in before.items() if after[name] != rows}
    assert differ <= {"execution", "delete_event", "environment", "revision"}


def test_the_same_sync_afterwards_is_complete_and_marks_nothing(lab):
    erased(lab, planned(lab, 30 * DAY, deployments=["nightly"]))
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.outcome, outcome.gone) == (0, "complete", 0)
    assert outcome.withheld == ()


def test_what_was_deleted_is_shown_like_any_other(real):
    words = ("t0", "--format", "json")
    before = [run(real, "show", *words).stdout, run(real, "logs", *words).stdout]
    run(real, "delete", "execution", "t0", "--yes-environment", "default")
    assert deletes(real) == ["executions/t0"]
    after = [run(real, "show", *words).stdout, run(real, "logs", *words).stdout]
    mine, theirs = json.loads(before[0]), json.loads(after[0])
    assert theirs.pop("gone_cause") == "deleted_by_craftsync"
    assert theirs.pop("gone_at")
    del mine["gone_cause"], mine["gone_at"], mine["last_seen_at"], theirs["last_seen_at"]
    assert mine == theirs
    assert before[1] == after[1]
    assert "t0" in run(real, "runs").stdout


def test_everything_is_written_down_before_and_after(lab):
    plan = planned(lab, 98 * DAY)
    erased(lab, plan)
    rows = lab.rows("select * from deletions order by deletion_id")
    assert [row["deletion_id"] for row in rows] == [f"{plan.plan_id}-1", f"{plan.plan_id}-2"]
    for row in rows:
        assert (row["outcome"], row["reason"], row["kind"]) == (
            *("deleted", "old_enough", "execution"),
        )
        assert row["plan_id"] == plan.plan_id
        assert "@" in row["requested_by"]
        assert row["intent_at"] <= row["finished_at"]
        assert len(row["proof_sha256"]) == len(row["chain_sha256"]) == 64
    events = lab.column("select event from delete_event order by event_number")
    assert sorted(events) == ["intent", "intent", "outcome", "outcome"]


def test_an_intent_is_on_the_disk_before_its_call(lab):
    seen = []

    def look(request):
        if request.method == "DELETE":
            seen.append(audit(lab, "object_id, outcome")[-1])

    lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
    lab.world.requests.watch(look)
    erased(lab, planned(lab, 98 * DAY))
    assert seen == [("t0", None), ("t1", None)]


def test_a_second_apply_of_a_plan_does_nothing_more(lab):
    plan = planned(lab, 98 * DAY)
    first = erased(lab, plan)
    assert erased(lab, plan) == first
    assert len(deletes(lab)) == 2
    assert len(audit(lab)) == 2


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (
            lambda world: world.append_lines("t0", [Line(int(world.now.timestamp()) * 10**9, "x")]),
            "1 line more upstream",
        ),
        (lambda world: world.mutate_execution("t0", status="Failed"), "status: Succeeded here"),
        (lambda world: world.mutate_execution("t0", status="Running"), "it goes on upstream"),
        (lambda world: world.mutate_execution("t0", extra="y"), "the answer differs in extra"),
        (
            lambda world: world.mutate_execution("t0", created_at="2025-01-01T00:00:00.000Z"),
            "another one of its id",
        ),
        (lambda world: world.deny("/executions/t0/logs"), "could not be read"),
    ],
)
def test_what_changed_upstream_is_kept_and_named(lab, happens, why):
    plan = planned(lab, 98 * DAY)
    happens(lab.world)
    assert erased(lab, plan) == {"t0": "changed", "t1": "deleted"}
    assert lab.report.exit_code == 3
    assert why in lab.report.results[0].error
    assert deletes(lab) == ["executions/t1"]
    assert lab.one("select gone_at from executions where execution_id = 't0'")["gone_at"] is None
    assert outcomes(lab)["t0"] == ["changed"]


def test_a_file_that_came_late_keeps_its_execution(tmp_path):
    world = an_estate(1)
    world.override("GET", "/executions/t0/outputs/model", Response(204, {}, b""))
    with make_lab(tmp_path, world) as lab:
        assert lab.sync().exit_code == 0
        plan = planned(allow(lab, keep_last=0), 30 * DAY)
        assert plan.keep == {Reason.WOULD_EMPTY: 1}
        lab.world.add_execution("train", execution_id="other", created_at=world.now - DAY)
        lab.sync()
        plan = planned(lab)
        world.restore("GET", "/executions/t0/outputs/model")
        assert erased(lab, plan) == {"t0": "changed"}
        assert "output model" in lab.report.results[0].error


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("update log_line set message = 'other' where line_number = 2", "has changed since"),
        ("delete from log_line where line_number = 1", "has changed since"),
        ("update file_chunk set bytes = x'00'", "the stored bytes are damaged"),
        ("delete from file_chunk", "the stored bytes are damaged"),
        ("update raw_answer set body = x'00' where object_kind = 'execution'", "damaged"),
        ("update execution set logs_state = 'pending'", "it is kept: not_held"),
        ("update io_value set state = 'error'", "it is kept: not_held"),
        ("update execution set settled = 0", "it is kept: unsettled"),
        ("update execution set status = 'Running'", "it is kept: running"),
        ("update execution set end_date = null", "it is kept: undated"),
    ],
)
def test_what_is_no_longer_held_whole_is_kept(lab, sql, why):
    plan = planned(lab, 98 * DAY)
    change(lab, sql)
    assert set(erased(lab, plan).values()) == {"changed"}
    assert all(why in one.error for one in lab.report.results)
    assert deletes(lab) == []


@pytest.mark.parametrize(
    "sql",
    [
        "update execution set started_at = end_date",
        "update execution set commit_id = 'deadbeef'",
        "update execution set created_by = 'somebody'",
        "update step set commit_id = 'deadbeef'",
        "update io_value set value = '8', value_text = '8', value_number = 8 where name = 'x'",
        "update io_value set value_number = 8 where name = 'y'",
        "update io_value set value_text = 'other' where file_sha256 is not null",
        "update io_value set value = '\"other\"' where file_sha256 is not null",
        "update io_value set size_bytes = size_bytes + 1 where file_sha256 is not null",
        "update log_line set stream = 'other'",
    ],
)
def test_what_was_changed_here_is_kept_though_the_plan_was_made_after_it(lab, sql):
    change(lab, sql)
    plan = planned(lab, 98 * DAY)
    assert set(erased(lab, plan).values()) == {"changed"}
    assert deletes(lab) == []


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ({"keep_last": 8}, "last_n"),
        ({"keep_last_success": "true", "protect_pipelines": "other"}, None),
        ({"protect_pipelines": "train"}, "protected"),
        ({"protect_deployments": "nightly"}, "protected"),
    ],
)
def test_the_settings_of_the_day_hold_for_an_older_plan(lab, setting, why):
    plan = planned(lab, 98 * DAY)
    told = erased(allow(lab, **setting), plan)
    assert told["t1"] == ("deleted" if why is None else "changed")
    if why:
        assert why in lab.report.results[1].error


UNKNOWN = "and no {} of default that the store ever held is called so: it protects nothing."


@pytest.mark.parametrize(
    ("setting", "name", "hint"),
    [
        ("protect_pipelines", "trian", "Did you mean train?"),
        ("protect_deployments", "zzz", "craftsync deployments --all --env default"),
        ("protect_pipelines", "zzz", "craftsync runs --env default"),
    ],
)
def test_a_protected_name_that_nothing_ever_had_is_named(real, tmp_path, setting, name, hint):
    allow(real, **{setting: f"{name},nothing"})
    kind = setting.removeprefix("protect_").removesuffix("s")
    file = tmp_path / "plan.json"
    for words in (
        ("plan", "--older-than", "98d", "-o", file),
        ("apply", file),
        ("apply", "--policy", "--older-than", "98d"),
    ):
        done = run(real, "purge", *words)
        assert f"warning: {setting} names {name}, {UNKNOWN.format(kind)}" in done.stderr
        assert f"hint: {hint}" in done.stderr
        assert f"{setting} names nothing" in done.stderr
    assert done.exit_code == 4


def test_what_was_ever_held_may_be_protected_whatever_its_case(real):
    allow(real, protect_pipelines="Train,other", protect_deployments="NIGHTLY,once")
    change(real, "update execution set deployment_name = 'once' where execution_id = 't1'")
    change(real, "update deployment set gone_at = created_at")
    change(real, "update execution set pipeline_name = 'other' where execution_id = 't2'")
    done = run(real, "purge", "plan", "--older-than", "98d", "--format", "csv")
    assert "protects nothing" not in done.stderr
    assert "protected,8" in done.stdout


def test_too_big_a_file_is_kept_unless_it_is_allowed_to_be_missing(tmp_path):
    world = an_estate(3)
    world.set_value("t0", "outputs", "model", Content("application/octet-stream", b"x" * 5000))
    with make_lab(tmp_path, world) as lab:
        lab.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = "4000"
        assert lab.sync().exit_code == 0
        plan = planned(allow(lab), 98 * DAY)
        assert ids(plan) == ["t0", "t1"]
        assert erased(lab, plan) == {"t0": "changed", "t1": "deleted"}
        assert "not_held" in lab.report.results[0].error
        told = erased(lab, plan, allow=frozenset([PartState.TOO_BIG]))
        assert told == {"t0": "deleted", "t1": "deleted"}
        assert outcomes(lab)["t0"] == ["changed", "deleted"]


def test_more_than_may_go_at_once_is_refused_as_a_whole(lab):
    plan = planned(lab, 97 * DAY)
    with pytest.raises(Refused, match="holds 3 deletes, 2 may be made at once") as refused:
        erased(lab, plan, max_deletes=2)
    assert refused.value.hint == "To allow them: --max-deletes 3"
    with pytest.raises(Refused, match="more than 20% of the executions of train"):
        erased(allow(lab, max_share="0.2"), plan)
    assert deletes(lab) == []
    assert erased(allow(lab, max_share="0.375"), plan, max_deletes=3).keys() == {"t0", "t1", "t2"}


def test_an_old_sync_lets_no_plan_be_applied(lab):
    plan = planned(allow(lab, plan_expiry="48h"), 98 * DAY)
    lab.world.advance(DAY)
    with pytest.raises(Refused, match="more than a day ago"):
        erased(lab, plan)


# Who may


def plan_file(lab, folder, older_than="98d"):
    file = folder / "plan.json"
    assert run(lab, "purge", "plan", "--older-than", older_than, "-o", file).exit_code == 0
    return file


def edited(file, **changes):
    plan = json.loads(file.read_bytes())
    file.write_text(json.dumps(plan | changes))


def said_twice(file, name, value):
    file.write_text(file.read_text().replace("{", f'{{"{name}": {value},', 1))


YES = ("--yes-environment", "default")


@pytest.mark.parametrize(
    ("flaw", "why"),
    [
        (lambda file: edited(file, delete=[]), "its seal does not fit"),
        (lambda file: edited(file, expires_at="2099-01-01T00:00:00.000000Z"), "seal does not fit"),
        (lambda file: edited(file, seal="é"), "its seal does not fit"),
        (lambda file: edited(file, store_id="other"), "made from another store"),
        (lambda file: file.write_text("{}"), "no plan of craftsync"),
        (lambda file: file.write_text("[1]"), "no plan of craftsync"),
        (lambda file: said_twice(file, "delete", "[]"), "no plan of craftsync"),
        (lambda file: file.write_text("not json"), "no plan of craftsync"),
        (lambda file: file.write_bytes(b"\xff\xfe\x00"), "no plan of craftsync"),
    ],
)
def test_only_a_plan_as_it_was_made_is_applied(real, tmp_path, flaw, why):
    file = plan_file(real, tmp_path)
    flaw(file)
    done = run(real, "purge", "apply", file, *YES)
    assert done.exit_code == 4
    assert why in done.stderr
    assert "hint: " in done.stderr
    assert deletes(real) == []


def test_a_plan_that_is_expired_is_refused(real, tmp_path):
    allow(real, plan_expiry="1s")
    file = plan_file(real, tmp_path)
    time.sleep(1.1)
    done = run(real, "purge", "apply", file, *YES)
    assert done.exit_code == 4
    assert "expired at" in done.stderr


def test_a_plan_of_an_environment_that_became_another_is_refused(real, tmp_path):
    file = plan_file(real, tmp_path)
    real.world.environment_id = "another"
    done = run(real, "purge", "apply", file, *YES)
    assert (done.exit_code, deletes(real)) == (4, [])
    assert "another one than last time" in done.stderr
    change(real, "update environment set upstream_id = 'another'")
    done = run(real, "purge", "apply", file, *YES)
    assert (done.exit_code, deletes(real)) == (4, [])
    assert "for another environment" in done.stderr


@pytest.mark.parametrize("other", ["staging", "Default"])
def test_a_plan_of_another_environment_than_is_named_is_refused(real, tmp_path, other):
    file = plan_file(real, tmp_path)
    done = run(real, "purge", "apply", file, "--env", other, *YES)
    assert (done.exit_code, done.stdout) == (4, "")
    assert f"The plan is of default, not of {other}: nothing was deleted." in done.stderr
    assert f"hint: craftsync purge apply {file} --env default" in done.stderr
    assert real.world.requests.total == 0
    assert run(real, "purge", "apply", file, "--env", "default", *YES).exit_code == 0
    assert sorted(deletes(real)) == ["executions/t0", "executions/t1"]


def test_a_plan_that_is_not_there_is_wrong_usage(real, tmp_path):
    assert run(real, "purge", "apply", tmp_path / "nothing", *YES).exit_code == 2
    assert run(real, "purge", "apply").exit_code == 2
    assert run(real, "purge", "apply", "--policy").exit_code == 2
    assert run(real, "purge", "apply", "p", "--older-than", "9d").exit_code == 2


def test_without_a_terminal_and_without_a_name_nothing_goes(real, tmp_path):
    file = plan_file(real, tmp_path)
    done = run(real, "purge", "apply", file)
    assert done.exit_code == 4
    assert f"hint: craftsync purge apply {file} --yes-environment default" in done.stderr
    done = run(real, "purge", "apply", file, "--yes-environment", "prod")
    assert done.exit_code == 4
    assert "The environment is default, not prod" in done.stderr
    assert deletes(real) == []


@pytest.mark.parametrize(
    "words",
    [
        ("purge", "apply", "plan.json"),
        ("purge", "apply", "--policy", "--older-than", "9d"),
        ("delete", "execution", "t0"),
        ("delete", "deployment", "nightly", "--expect-executions", "4"),
    ],
)
def test_what_is_not_enabled_is_refused_with_the_line_to_type(real, words):
    done = run(real, *words, *YES, CRAFTSYNC_PURGE_ENABLED="false")
    assert done.exit_code == 4
    assert "export CRAFTSYNC_PURGE_ENABLED=true" in done.stderr
    done = run(real, *words, *YES, CRAFT_AI_EXECUTION_ID="t9")
    assert done.exit_code == 4
    assert "CRAFT_AI_EXECUTION_ID" in done.stderr
    assert real.world.requests.total == 0


def test_a_second_token_alone_may_delete(real, tmp_path):
    real.world.accounts.add_sdk_token("for-deleting")
    real.world.accounts.add_sdk_token("for-reading", may_delete=False)
    both = {"CRAFT_AI_SDK_TOKEN": "for-reading", "CRAFTSYNC_PURGE_TOKEN_ENV": "ERASER"}
    file = plan_file(real, tmp_path)
    done = run(real, "purge", "apply", file, *YES, CRAFT_AI_SDK_TOKEN="for-reading")
    assert (done.exit_code, outcomes(real)) == (3, {"t0": ["failed"], "t1": ["failed"]})
    done = run(real, "purge", "apply", file, *YES, **both)
    assert done.exit_code == 6
    assert "ERASER" in done.stderr
    done = run(real, "purge", "apply", file, *YES, **both, ERASER="for-deleting")
    assert done.exit_code == 0, done.stderr
    assert "for-deleting" not in done.output + json.dumps(audit(real, "*"), default=str)


def test_a_token_that_is_refused_deletes_nothing_and_intends_nothing(real, tmp_path):
    file = plan_file(real, tmp_path)
    both = {"CRAFTSYNC_PURGE_TOKEN_ENV": "ERASER", "ERASER": "wrong"}
    assert run(real, "purge", "apply", file, *YES, **both).exit_code == 6
    assert audit(real) == []


def test_a_policy_plans_and_applies_in_one_go(real):
    allow(real, keep_last=2, max_share="0.5", max_deletes=3)
    words = ("purge", "apply", "--policy", "--older-than", "30d")
    refused = run(real, *words, "--pipeline", "train")
    assert refused.exit_code == 4
    line = "craftsync purge apply --policy --older-than 30d --pipeline train"
    assert f"hint: {line} --yes-environment default" in refused.stderr
    done = run(real, *words, *YES, "--format", "jsonl")
    assert done.exit_code == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["object_id"], row["outcome"]) for row in told] == [
        ("t0", "deleted"),
        ("t1", "deleted"),
        ("t2", "deleted"),
    ]
    assert run(real, *words, *YES, "-q", "--max-deletes", "1").output == ""
    assert sorted(deletes(real)) == [f"executions/t{n}" for n in range(4)]


def test_another_craftsync_at_work_is_not_disturbed(lab):
    plan = planned(lab)
    with lock.lock(engine.address(lab.store), ["default"]), pytest.raises(Busy):
        erased(lab, plan)
    assert deletes(lab) == []


def test_a_store_that_is_lost_or_new_lets_nothing_go(real, tmp_path):
    """A15: nothing is held locally, so nothing may be deleted upstream."""
    file = plan_file(real, tmp_path)
    real.store.rename(tmp_path / "moved.db")
    for words in (("purge", "apply", file), ("delete", "execution", "t0")):
        assert run(real, *words, *YES).exit_code == 8
    assert not real.store.exists()
    run(real, "db", "upgrade")
    for words in (("purge", "apply", file), ("delete", "execution", "t0")):
        assert run(real, *words, *YES).exit_code == 4
    real.world.deny("/executions")
    real.sync()
    assert run(real, "delete", "execution", "t0", *YES).exit_code == 4
    assert deletes(real) == []
    with pytest.raises(StoreUnusable):
        erased(allow(real, enabled="true"), planned_elsewhere(real, tmp_path))


def planned_elsewhere(lab, folder):
    (folder / "history.db").unlink()
    return Plan("p", "s", "default", None, lab.world.now, lab.world.now + DAY, {}, {}, delete=())


# What the platform answers


def test_a_lost_answer_is_looked_for_and_not_asked_for_again(lab):
    """A20: gone, and absent from a complete listing of its parent: it is deleted."""
    with_faults(lab, "reset_after")
    plan = planned(lab, 99 * DAY)
    assert erased(lab, plan) == {"t0": "deleted"}
    assert deletes(lab) == ["executions/t0"]
    assert lab.world.requests.count("GET", "*/pipelines/train/executions") == 1
    assert outcomes(lab) == {"t0": ["deleted"]}


def with_faults(lab, kind, *, method="DELETE", path="*", times=1):
    lab.server.faults = lab.server.faults if isinstance(lab.server.faults, Faults) else Faults()
    lab.server.faults.once(kind, method=method, path=path, times=times)


@pytest.mark.parametrize("kind", ["reset_before", "500", "502", "503", "429", "html_200", "401"])
def test_what_is_there_still_is_asked_for_again_and_each_try_is_written_down(lab, kind):
    with_faults(lab, kind)
    assert erased(lab, planned(lab, 99 * DAY)) == {"t0": "deleted"}
    assert outcomes(lab)["t0"] == ["failed", "deleted"]
    assert len(deletes(lab)) == 2


@pytest.mark.parametrize("kind", ["empty_200", "no_content", "wrong_type"])
def test_an_answer_that_says_nothing_is_looked_into(lab, kind):
    with_faults(lab, kind)
    assert erased(lab, planned(lab, 99 * DAY)) == {"t0": "deleted"}


def test_what_fails_three_times_is_left_for_the_next_run(lab):
    with_faults(lab, "503", times=3)
    plan = planned(lab, 99 * DAY)
    assert erased(lab, plan) == {"t0": "failed"}
    assert lab.report.exit_code == 3
    assert outcomes(lab) == {"t0": ["failed"] * 3}
    assert erased(lab, plan) == {"t0": "deleted"}
    assert outcomes(lab) == {"t0": ["failed"] * 3 + ["deleted"]}
    assert lab.column("select attempt from delete_event where event = 'intent'") == [1, 2, 3, 4]


def test_one_that_somebody_else_deleted_does_not_stop_the_others(lab):
    """A22: the third of several gives 404."""
    plan = planned(lab)
    lab.world.delete_execution("t2")
    told = erased(lab, plan)
    assert lab.report.exit_code == 0
    assert told.pop("t2") == "already_gone"
    assert set(told.values()) == {"deleted"}
    assert len(told) == 6
    cause = "select gone_cause from executions where execution_id = 't2'"
    assert lab.one(cause)["gone_cause"] == "deleted_upstream"


def test_one_that_is_gone_when_it_is_asked_for_is_already_gone(lab):
    def first(request):
        if request.method == "DELETE" and request.path.endswith("/t0"):
            lab.world.requests.watchers.remove(first)
            lab.world.delete_execution("t0")

    lab.world.requests.watch(first)
    assert erased(lab, planned(lab, 99 * DAY)) == {"t0": "already_gone"}


def test_what_may_not_be_deleted_fails_and_is_named(lab):
    """A23: two of five give 403."""
    plan = planned(lab, 95 * DAY)
    for name in ("t1", "t3"):
        no = json_response({"message": "not yours"}, 403)
        lab.world.override("DELETE", f"/executions/{name}", no)
    told = erased(lab, plan)
    assert told == {
        "t0": "deleted",
        "t1": "failed",
        "t2": "deleted",
        "t3": "failed",
        "t4": "deleted",
    }
    assert lab.report.exit_code == 3
    assert outcomes(lab) == {name: [outcome] for name, outcome in told.items()}
    assert "not yours" in lab.one("select error from deletions where object_id = 't1'")["error"]


def test_three_failures_in_a_row_stop_the_run(lab):
    lab.world.accounts.revoke_sdk_token()
    lab.world.accounts.add_sdk_token(lab.world.sdk_token, may_delete=False)
    lab.world.expire_tokens()
    plan = planned(lab)
    told = erased(lab, plan)
    assert list(told.values()).count("failed") == 3
    assert list(told.values()).count(None) == 4
    assert len(deletes(lab)) == 3
    assert lab.report.exit_code == 3
    assert len(audit(lab)) == 3


def test_rights_that_are_lost_without_a_word_leave_a_doubt(lab):
    """A21: each GET says 404, and the listing shows only what one has a right to: nothing."""
    plan = planned(lab)
    for item in plan.delete:
        lab.world.override("GET", f"/executions/{item.key.execution_id}", NO_SUCH)
    lab.world.override("GET", "/pipelines/train/executions", json_response([]))
    assert set(erased(lab, plan).values()) == {"in_doubt", None}  # it stops after a few
    assert lab.report.exit_code == 3
    assert deletes(lab) == []
    assert lab.column("select execution_id from executions where gone_at is not null") == []


def test_a_listing_that_shows_some_of_what_is_known_is_believed(lab):
    plan = planned(lab, 99 * DAY)
    for number in range(60):
        lab.world.add_execution("train", execution_id=f"new{number}")
    lab.sync()
    for number in range(60):
        lab.world.delete_execution(f"new{number}")
    lab.world.delete_execution("t0")
    assert erased(lab, plan) == {"t0": "already_gone"}


def test_of_a_pipeline_that_lists_nothing_of_its_own_nothing_is_doubted(lab):
    """Executions may name another pipeline than the one that lists them."""
    change(lab, "update execution set pipeline_name = 'alias'")
    change(
        lab,
        "insert into scope (environment_key, kind, name, last_complete_at, last_listed)"
        " select environment_key, kind, 'alias', last_complete_at, 0 from scope"
        " where kind = 'pipeline'",
    )
    plan = planned(lab, 99 * DAY)
    lab.world.delete_execution("t0")
    lab.world.override("GET", "/pipelines/alias/executions", json_response([]))
    assert erased(lab, plan) == {"t0": "already_gone"}


def test_rights_that_are_lost_half_way_leave_a_doubt(lab):
    """A21: 404 for everything proves nothing."""
    for number in range(8, 20):
        lab.world.add_execution(
            "train", execution_id=f"t{number}", created_at=lab.world.now - 60 * DAY
        )
    lab.sync()
    lab.world.requests.clear()
    lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
    plan = planned(lab)
    calls = []

    def lose(request):
        if request.method == "DELETE":
            calls.append(request.path)
            if len(calls) == 3:
                hide_everything(lab.world)

    lab.world.requests.watch(lose)
    told = erased(lab, plan)
    assert list(told.values())[:2] == ["deleted", "deleted"]
    # One whose log was denied while it was examined looks changed: nothing is asked for it.
    assert set(list(told.values())[2:]) - {"changed"} == {"in_doubt", None}
    assert lab.report.exit_code == 3
    assert "deleted" not in {one for each in list(outcomes(lab).values())[2:] for one in each}
    gone = lab.column("select execution_id from executions where gone_at is not null")
    assert sorted(gone) == ["t0", "t1"]


def hide_everything(world):
    no = json_response({"message": "nothing here"}, 404)
    for number in range(20):
        for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/logs")):
            world.override(method, f"/executions/t{number}{tail}", no)
    world.override("GET", "/pipelines/train/executions", no)
    world.override("GET", "/deployments", no)
    world.override("GET", "/deployments/nightly", no)


def show_everything(world):
    world.overrides.clear()


def test_a_doubt_is_named_by_status_and_doctor_and_settled_by_the_next_run(real, tmp_path):
    real.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
    file = plan_file(real, tmp_path)

    def lose(request):
        if request.method == "DELETE":
            hide_everything(real.world)

    real.world.requests.watch(lose)
    done = run(real, "purge", "apply", file, *YES)
    assert done.exit_code == 3
    assert "in_doubt" in done.stdout
    real.world.requests.watchers.remove(lose)
    status = json.loads(run(real, "status", "--json").stdout)
    # The second may still be under examination when everything is hidden: then it is kept.
    assert status["environments"][0]["in_doubt"] in (1, 2)
    doctor = run(real, "doctor", "--format", "jsonl")
    (found,) = [
        one for one in map(json.loads, doctor.stdout.splitlines()) if one["check"] == "deletes"
    ]
    assert found["state"] == "problem"
    assert "execution t0" in found["finding"]
    assert "craftsync delete execution t0" in found["fix"]
    show_everything(real.world)
    done = run(real, "purge", "apply", file, *YES)
    assert done.exit_code == 0, done.stderr
    assert outcomes(real)["t0"][-1] == "deleted"
    assert real.world.truth().execution_ids() == {f"t{n}" for n in range(2, 8)}
    assert json.loads(run(real, "status", "--json").stdout)["environments"][0]["in_doubt"] == 0


def test_what_a_sync_finds_gone_before_the_doubt_is_settled_is_still_our_delete(lab):
    lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
    plan = planned(lab, 99 * DAY)

    def lose(request):
        if request.method == "DELETE":
            lab.world.delete_execution("t0")
            hide_everything(lab.world)

    lab.world.requests.watch(lose)
    assert erased(lab, plan) == {"t0": "in_doubt"}
    lab.world.requests.watchers.remove(lose)
    show_everything(lab.world)
    assert (lab.sync().gone, causes(lab)) == (1, {"t0": "deleted_upstream"})
    assert erased(lab, plan) == {"t0": "deleted"}
    assert causes(lab) == {"t0": "deleted_by_craftsync"}


def causes(lab):
    rows = lab.rows("select execution_id, gone_cause from executions where gone_at is not null")
    return {row["execution_id"]: row["gone_cause"] for row in rows}


def test_what_is_said_to_be_deleted_and_is_there_still_is_in_doubt(lab):
    lab.world.override("DELETE", "/executions/t0", json_response({"execution_id": "t0"}))
    plan = planned(lab, 99 * DAY)
    assert erased(lab, plan) == {"t0": "in_doubt"}
    assert "there still" in lab.report.results[0].error
    lab.world.restore("DELETE", "/executions/t0")
    assert erased(lab, plan) == {"t0": "deleted"}
    assert outcomes(lab) == {"t0": ["failed", "deleted"]}


def test_a_log_of_no_secret_is_left_behind(lab):
    erased(lab, planned(lab))
    left = b"".join(file.read_bytes() for file in lab.folder.iterdir() if file.is_file())
    for secret in lab.world.secrets():
        assert secret.encode() not in left


# The history


def test_the_history_is_the_relation_and_tells_the_end_of_the_chain(real):
    assert run(real, "purge", "history").exit_code == 0
    run(real, "delete", "execution", "t0", *YES)
    done = run(real, "purge", "history", "--format", "json")
    assert done.exit_code == 0
    (row,) = json.loads(done.stdout)
    assert list(row) == [
        *("deletion_id", "plan_id", "environment", "kind", "object_id", "created_at", "reason"),
        *("requested_by", "requested_at", "intent_at", "outcome", "finished_at", "proof_sha256"),
        *("chain_sha256", "error"),
    ]
    assert (row["object_id"], row["outcome"], row["reason"]) == ("t0", "deleted", "named")
    assert f"the chain ends in {row['chain_sha256']}" in done.stderr
    assert run(real, "purge", "history", "--env", "other").exit_code == 2


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("update delete_event set outcome = 'failed' where event_number = 4", 4),
        ("update delete_event set requested_by = 'x@y' where event_number = 2", 2),
        ("delete from delete_event where event_number = 3", 3),
        ("delete from delete_event where event_number = 1", 1),
        ("update delete_event set chain_sha256 = 'x' where event_number = 1", 1),
    ],
)
def test_an_audit_that_was_changed_is_found_and_told_before_more_is_deleted(real, sql, place):
    for name in ("t0", "t1"):
        run(real, "delete", "execution", name, *YES)
    change(real, sql)
    done = run(real, "purge", "history")
    assert done.exit_code == 3
    assert f"event {place} " in done.stderr
    doctor = run(real, "doctor")
    assert doctor.exit_code == 3
    assert f"event {place} " in doctor.stdout
    for words in (("execution", "t2"), ("deployment", "nightly", "--expect-executions", "3")):
        done = run(real, "delete", *words, *YES)
        assert done.stderr.startswith(
            f"warning: The chain of the audit of default is broken: event {place} "
        )
    done = run(real, "purge", "apply", "--policy", "--older-than", "30d", *YES)
    assert f"is broken: event {place} " in done.stderr

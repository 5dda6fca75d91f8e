"""What happens upstream between two syncs, and what the store then says of it."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from journeys.checker import Mirror, nanoseconds
from lab import DAY, HOUR
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.errors import Usage
from craftsync.simulator import (
    ABSENT,
    Content,
    Faults,
    Line,
    Port,
    Quirks,
    Response,
    World,
    json_response,
)

MINUTE = timedelta(minutes=1)
LONG_AGO = World(executions=0, pipelines=0).now - 2 * DAY


def said(*messages):
    """Print one line a second."""
    start = nanoseconds("2026-02-27T12:01:00.000000001Z")
    return [Line(start + number * 10**9, message) for number, message in enumerate(messages)]


def make_world():
    """Make two pipelines, a deployment of each, and four settled executions of each deployment."""
    world = World(executions=0, pipelines=0)
    for name in ("a", "b"):
        world.add_pipeline(name, created_at=LONG_AGO)
        world.add_deployment(f"{name}-api", name, created_at=LONG_AGO)
        for number in range(4):
            world.add_execution(
                name,
                deployment=f"{name}-api",
                execution_id=f"{name}{number}",
                created_at=LONG_AGO + (1 + number) * MINUTE,
                lines=said(f"hello from {name}{number}", "the end"),
            )
    return world


@pytest.fixture(scope="module")
def synced(tmp_path_factory):
    """A store after the first sync of such a world."""
    with make_lab(tmp_path_factory.mktemp("first"), make_world()) as lab:
        assert lab.sync().exit_code == 0
    return lab.store.read_bytes()


@pytest.fixture
def lab(tmp_path, synced):
    """A lab an hour after its first sync."""
    with make_lab(tmp_path, make_world()) as made:
        made.store.write_bytes(synced)
        made.world.advance(HOUR)
        yield made


def text(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def row(lab, execution_id):
    return lab.one("select * from executions where execution_id = ?", execution_id)


def contents(lab):
    """Give all that is held of what ran, but for the marks of being seen and gone."""
    marks = ("gone_at", "gone_cause", "last_seen_at", "fetched_at", "settled")
    return {
        relation: [
            {name: value for name, value in each.items() if name not in marks}
            for each in lab.rows(f"select * from {relation} order by 1, 2, 3, 4")
        ]
        for relation in ("executions", "steps", "inputs", "outputs", "logs")
    }


def hide_pipeline(lab, name):
    """Leave a pipeline out of the listing of pipelines."""
    entries = [
        {key: value for key, value in each.items() if key != "detail"}
        for each in lab.world.truth().pipelines()
        if each["pipeline_name"] != name
    ]
    lab.world.override("GET", "/pipelines", json_response(entries))


def details_asked(lab):
    return {
        entry.path.rpartition("/")[2]
        for entry in lab.world.requests.matching("GET", "/api/v1/executions/*")
        if entry.path.count("/") == 4
    }


# Executions


def test_what_is_new_is_fetched_and_what_is_settled_is_left_alone(lab):
    lab.world.add_execution("a", execution_id="fresh")
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.new, outcome.fetched) == (0, 1, 1)
    assert details_asked(lab) == {"fresh"}
    assert row(lab, "fresh")["first_seen_at"] == text(lab.world.now)
    assert Mirror(lab).differences() == []


def test_what_ran_is_fetched_again_until_it_has_settled(lab):
    lab.world.add_execution("a", execution_id="slow", status="Running")
    assert lab.sync().running == 1
    lab.world.advance(MINUTE)
    lab.world.finish_execution("slow", "Failed")
    ended = lab.world.now
    lab.world.append_lines("slow", [Line(int(ended.timestamp()) * 10**9, "the last word")])
    assert lab.sync().running == 0
    assert (row(lab, "slow")["status"], row(lab, "slow")["settled"]) == ("Failed", 0)
    lab.world.advance(59 * MINUTE)
    lab.sync()
    assert row(lab, "slow")["settled"] == 0
    lab.world.advance(MINUTE)
    lab.sync()
    assert row(lab, "slow")["settled"] == 1
    lab.world.requests.clear()
    assert lab.sync().fetched == 0
    assert details_asked(lab) == set()
    assert Mirror(lab).differences() == []


def test_a_status_that_nobody_knows_settles_when_two_fetches_an_hour_apart_agree(lab):
    lab.world.add_execution("a", execution_id="odd", status="Cancelled")
    lab.world.add_execution("a", execution_id="odd-and-open", status="Halted", end_date=None)
    for settled in (0, 0, 1):
        lab.sync()
        assert row(lab, "odd")["settled"] == settled
        assert row(lab, "odd-and-open")["settled"] == 0
        lab.world.advance(31 * MINUTE)


def test_what_the_listing_shows_changed_is_fetched_again_though_it_was_settled(lab):
    lab.world.mutate_execution("a1", status="Failed")
    lab.world.mutate_execution("a2", end_date=text(lab.world.now))
    lab.world.mutate_execution("a3", status="SUCCEEDED")
    outcome = lab.sync()
    assert (outcome.exit_code, details_asked(lab)) == (0, {"a1", "a2"})
    assert row(lab, "a1")["status"] == "Failed"
    assert row(lab, "a2")["settled"] == 0
    changes = lab.column(
        "select status from status_changes where execution_id = 'a1' order by observed_at"
    )
    assert changes == ["Succeeded", "Failed"]


def test_a_change_that_only_the_detail_shows_is_found_by_full_and_by_lookback(lab):
    lab.world.mutate_execution("a1", where="detail", created_by="somebody")
    lab.world.mutate_execution("b1", where="detail", created_by="somebody")
    lab.world.add_execution("b", execution_id="late", created_at=lab.world.now - 10 * MINUTE)
    lab.sync()
    assert row(lab, "a1")["created_by"] != "somebody"
    lab.world.requests.clear()
    lab.sync(lookback=DAY)
    assert details_asked(lab) == {"late"}
    lab.sync(lookback=3 * DAY, pipelines=("a",))
    assert row(lab, "a1")["created_by"] == "somebody"
    assert row(lab, "b1")["created_by"] != "somebody"
    assert lab.sync(full=True).fetched == 9
    assert row(lab, "b1")["created_by"] == "somebody"


def test_a_deleted_execution_is_gone_and_keeps_everything_that_was_held(lab):
    held, seen = contents(lab), row(lab, "a1")["last_seen_at"]
    lab.world.delete_execution("a1")
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.gone) == ("complete", 0, 1)
    gone = row(lab, "a1")
    assert (gone["gone_at"], gone["gone_cause"]) == (text(lab.world.now), "deleted_upstream")
    assert gone["last_seen_at"] == seen
    assert contents(lab) == held
    lab.world.advance(HOUR)
    assert lab.sync().gone == 0
    assert row(lab, "a1")["gone_at"] == gone["gone_at"]


def test_an_execution_that_a_listing_left_out_but_that_answers_is_not_gone(lab):
    true = [execution_entry(each) for each in lab.world.truth().executions("a")]
    lab.world.override("GET", "/pipelines/a/executions", json_response(true[1:]))
    assert lab.sync().gone == 0
    assert row(lab, "a0")["gone_at"] is None


def execution_entry(true):
    return {key: value for key, value in true.detail.items() if key not in ("inputs", "outputs")}


@pytest.mark.parametrize(
    "answer",
    [
        json_response({"message": "no"}, 403),
        json_response({"message": "broken"}, 500),
        Response(404, {"Content-Type": "text/html"}, b"<html>Not found</html>"),
        Response(502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>"),
        Response(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"),
        Response(404, {}, b""),
        Response(204, {}, b""),
        json_response([], 404),
        json_response({}),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:10].decode()}",
)
def test_only_the_platforms_own_word_makes_an_execution_gone(lab, answer):
    lab.world.delete_execution("a1")
    lab.world.override("GET", "/executions/a1", answer)
    assert lab.sync().gone == 0
    assert row(lab, "a1")["gone_at"] is None
    lab.world.restore("GET", "/executions/a1")
    assert lab.sync().gone == 1


def test_a_gone_execution_that_is_listed_again_is_back_and_was_first_seen_when_it_was(lab):
    first = row(lab, "a1")
    listing = "/pipelines/a/executions"
    true = [execution_entry(each) for each in lab.world.truth().executions("a")]
    lab.world.override("GET", listing, json_response([true[0], *true[2:]]))
    missing = json_response({"name": "NotFoundException", "message": "a1 was not found"}, 404)
    lab.world.override("GET", "/executions/a1", missing)
    assert lab.sync().gone == 1
    lab.world.restore("GET", listing)
    lab.world.restore("GET", "/executions/a1")
    lab.world.advance(HOUR)
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.new, outcome.fetched) == (0, 0, 1)
    back = row(lab, "a1")
    assert (back["gone_at"], back["gone_cause"]) == (None, None)
    assert back["first_seen_at"] == first["first_seen_at"]
    assert back["last_seen_at"] == text(lab.world.now)
    assert Mirror(lab).differences() == []


def test_an_id_that_comes_back_is_another_execution_beside_the_old_one(lab):
    before = row(lab, "a1")
    lab.world.recreate_execution("a1", status="Failed")
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.new, outcome.gone) == (0, 1, 1)
    old, new = lab.rows("select * from executions where execution_id = 'a1' order by created_at")
    assert (old["status"], old["gone_at"]) == ("Succeeded", text(lab.world.now))
    assert old["created_at"] == before["created_at"]
    assert (new["status"], new["gone_at"]) == ("Failed", None)
    assert new["first_seen_at"] == text(lab.world.now)
    lines = lab.column(
        "select message from logs where execution_id = 'a1' and execution_created_at = ?",
        old["created_at"],
    )
    assert lines == ["hello from a1", "the end"]
    assert Mirror(lab).differences() == []


def test_of_one_id_the_newest_is_shown_and_the_others_can_be_chosen(lab):
    born = row(lab, "a1")["created_at"]
    lab.world.recreate_execution("a1", status="Failed", lines=said("once more", "with feeling"))
    lab.sync()

    def ask(*words):
        ended = CliRunner(env=lab.environ).invoke(main, [*words, "--format", "json"])
        assert ended.exit_code == 0
        return json.loads(ended.stdout), ended.stderr

    shown, told = ask("show", "a1")
    assert shown["status"] == "Failed"
    assert shown["created_at"] in told
    assert "another one" in told
    lines, told = ask("logs", "a1")
    assert [line["message"] for line in lines] == ["once more", "with feeling"]
    assert shown["created_at"] in told
    assert ask("show", "a1", "--created-at", born)[0]["status"] == "Succeeded"
    lines, _ = ask("logs", "a1", "--created-at", born)
    assert [line["message"] for line in lines] == ["hello from a1", "the end"]


def test_an_execution_listed_under_two_pipelines_is_held_once_under_the_one_it_names(lab):
    true = [execution_entry(each) for each in lab.world.truth().executions()]
    lab.world.override("GET", "/pipelines/a/executions", json_response(true))
    for _ in range(2):
        outcome = lab.sync()
        assert (outcome.exit_code, outcome.gone, outcome.fetched) == (0, 0, 0)
        assert outcome.listed == 8
        assert lab.column("select count(*) from executions") == [8]
        names = lab.column("select distinct pipeline_name from executions where execution_id='b1'")
        assert names == ["b"]
    assert Mirror(lab).differences() == []


def test_an_execution_listed_twice_is_held_once(lab):
    lab.world.add_execution("a", execution_id="twice", status="Running")
    true = [execution_entry(each) for each in lab.world.truth().executions("a")]
    lab.world.override("GET", "/pipelines/a/executions", json_response(true + true))
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.fetched, outcome.listed) == (0, 1, 9)
    assert Mirror(lab).differences() == []


def test_an_execution_deleted_between_its_listing_and_its_detail_is_no_failure(lab):
    lab.world.add_execution("a", execution_id="brief")
    lab.server.faults = Faults()
    lab.server.faults.once("vanish_detail", path="*/executions/brief")
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.new) == ("complete", 0, 0)
    assert lab.column("select count(*) from executions where execution_id = 'brief'") == [0]
    assert Mirror(lab).differences() == []


def test_a_deployment_that_was_listed_after_its_end_gets_its_settings_once_it_is_made_again(lab):
    lab.world.add_deployment("late-api", "a")
    lab.world.advance(HOUR)
    lab.world.delete_deployment("late-api")
    lab.server.faults = Faults()
    lab.server.faults.once("stale_list", path="*/deployments")
    assert lab.sync().exit_code == 0
    assert lab.column(
        "select settings from deployment_versions where deployment_name = 'late-api'"
    ) == [None]
    lab.world.add_deployment("late-api", "a")
    told = {each.partition(", in truth")[0] for each in Mirror(lab).differences()}
    assert "settings of late-api: held None" in told
    assert lab.sync(accept_vanished=1).exit_code == 0
    assert Mirror(lab).differences() == []


def test_an_execution_that_answers_404_while_it_is_listed_is_named_and_comes_later(lab):
    lab.world.add_execution("a", execution_id="shy")
    lab.server.faults = Faults()
    lab.server.faults.once("lag_detail", path="*/executions/shy")
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.new) == ("partial", 3, 0)
    assert [one.object_id for one in outcome.failed] == ["shy"]
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.new) == (0, 1)
    assert Mirror(lab).differences() == []


def test_a_listing_that_tells_fewer_digits_than_the_detail_shows_the_same_executions(lab):
    born = LONG_AGO + HOUR
    precise = f"{born:%Y-%m-%dT%H:%M:%S}.000456Z"
    for number in range(12):
        lab.world.add_execution("b", execution_id=f"d{number}", created_at=born, lines=[])
        lab.world.mutate_execution(f"d{number}", where="detail", created_at=precise)
    assert lab.sync().new == 12
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.fetched, outcome.gone) == (0, 0, 0)


@pytest.mark.parametrize("where", ["list", "detail"])
def test_an_end_that_is_listed_with_other_digits_or_not_at_all_is_no_change(lab, where):
    born = LONG_AGO + HOUR
    told = {"list": ABSENT, "detail": f"{born:%Y-%m-%dT%H:%M}:30.000456Z"}[where]
    for number in range(4):
        lab.world.add_execution("b", execution_id=f"d{number}", created_at=born, lines=[])
        lab.world.mutate_execution(f"d{number}", end_date=f"{born:%Y-%m-%dT%H:%M}:30.000Z")
        lab.world.mutate_execution(f"d{number}", where=where, end_date=told)
    assert lab.sync().new == 4
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.fetched) == (0, 0)
    lab.world.mutate_execution("d0", where="list", end_date=text(born + MINUTE))
    assert lab.sync().fetched == 1


def test_no_count_is_below_zero(lab):
    lab.world.add_pipeline("c")
    lab.world.add_execution("c", execution_id="runs", status="Running")
    lab.sync()
    lab.world.override("GET", "/pipelines/c/executions", json_response([]))
    outcome = lab.sync()
    assert (outcome.fetched, outcome.unchanged) == (1, 7)
    outcome = lab.sync(pipelines=("c",))
    assert (outcome.listed, outcome.fetched, outcome.unchanged) == (0, 1, 0)
    assert lab.column("select unchanged from sync_runs order by run_id")[-1] == 0


def test_an_execution_deleted_between_its_detail_and_its_log_loses_nothing_that_was_held(lab):
    now_ns = int(lab.world.now.timestamp()) * 10**9
    lines = [Line(now_ns, "said in"), Line(now_ns + 10**9, "time")]
    lab.world.add_execution("a", execution_id="brief", status="Running", lines=lines)
    lab.world.advance(MINUTE)
    lab.sync()
    held = lab.column("select message from logs where execution_id = 'brief'")
    assert held == ["said in", "time"]
    deletes = iter([lab.world.delete_execution])

    def watch(request):
        if request.path.endswith("/brief/logs"):
            for delete in deletes:
                delete("brief")

    lab.world.requests.watch(watch)
    lab.sync()
    lab.sync()
    assert row(lab, "brief")["gone_at"] is not None
    assert lab.column("select message from logs where execution_id = 'brief'") == held


def test_a_log_that_the_platform_has_dropped_since_stays(lab):
    lab.world.replace_lines("a1", [])
    assert lab.sync(full=True).exit_code == 0
    assert lab.column("select message from logs where execution_id = 'a1'") == [
        "hello from a1",
        "the end",
    ]


# Objects that cannot be read


def list_too(lab, **changes):
    """Let the listing of a show one execution more, like a0 but for `changes`."""
    entries = [execution_entry(each) for each in lab.world.truth().executions("a")]
    odd = entries[0] | {"execution_id": "broken"} | changes
    odd = {key: value for key, value in odd.items() if value is not ABSENT}
    lab.world.override("GET", "/pipelines/a/executions", json_response([odd, *entries]))


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"created_at": ABSENT}, "broken"),
        ({"created_at": None}, "broken"),
        ({"created_at": ""}, "broken"),
        ({"created_at": "the day before"}, "broken"),
        ({"execution_id": "bro\0ken"}, "bro\u2400ken"),
        ({"execution_id": "bro\ud800ken"}, "bro\ufffdken"),
    ],
    ids=["absent", "null", "empty", "words", "NUL in id", "half a pair in id"],
)
def test_an_execution_without_a_key_is_named_with_its_raw_answer_kept(lab, broken, named):
    lab.world.add_execution("a", execution_id="whole")
    list_too(lab, **broken)
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.new) == ("partial", 3, 1)
    assert [(one.object_kind, one.object_id) for one in outcome.failed] == [("execution", named)]
    failure = lab.one("select * from sync_failures")
    assert (failure["object_id"], failure["attempts"]) == (named, 1)
    (raw,) = lab.column("select raw from sync_failure")
    kept = json.loads(raw)
    assert kept["status"] == "Succeeded"
    assert kept["execution_id"] == broken.get("execution_id", "broken")
    assert row(lab, "whole")["gone_at"] is None
    lab.world.advance(DAY)
    lab.sync()
    assert lab.one("select attempts from sync_failures") == {"attempts": 2}
    lab.world.restore("GET", "/pipelines/a/executions")
    lab.world.advance(DAY)
    assert lab.sync().exit_code == 0
    assert lab.rows("select * from sync_failures") == []


def test_an_execution_that_is_held_is_not_gone_while_its_entry_cannot_be_read(lab):
    for number in range(4):
        lab.world.mutate_execution(f"a{number}", created_at=None)
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.gone) == ("partial", 3, 0)
    assert sorted(one.object_id for one in outcome.failed) == ["a0", "a1", "a2", "a3"]
    assert row(lab, "a1")["gone_at"] is None


def test_a_detail_that_is_no_execution_is_named_and_the_others_are_stored(lab):
    lab.world.add_execution("a", execution_id="list", inputs={"x": 1})
    lab.world.add_execution("a", execution_id="other")
    other = lab.world.truth().execution("other").detail
    lab.world.override("GET", "/executions/other", json_response(other | {"execution_id": "x"}))
    lab.world.add_execution("a", execution_id="whole")
    outcome = lab.sync()
    assert outcome.exit_code == 3
    assert sorted(one.object_id for one in outcome.failed) == ["list", "other"]
    assert row(lab, "whole")["status"] == "Succeeded"


def test_a_date_that_cannot_be_read_is_null_and_no_failure(lab):
    lab.world.add_execution("a", execution_id="e", end_date="31/12/2025")
    assert lab.sync().exit_code == 0
    assert row(lab, "e")["end_date"] is None


@pytest.mark.parametrize("kind", ["deployments", "pipelines"])
def test_a_name_that_no_database_can_hold_is_named_and_stops_nobody(lab, kind):
    key = "name" if kind == "deployments" else "pipeline_name"
    true = getattr(lab.world.truth(), kind)()
    entries = [{name: value for name, value in each.items() if name != "detail"} for each in true]
    odd = [{**entries[0], key: name} for name in ("nul\0", "half\ud800", "..", "")]
    lab.world.override("GET", f"/{kind}", json_response([*odd, *entries]))
    lab.world.add_execution("a", execution_id="fresh")
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.new) == ("partial", 3, 1)
    named = set(lab.column("select object_id from sync_failures"))
    assert named >= {"nul\u2400", "half\ufffd", ".."}


def test_words_of_an_error_that_no_database_can_hold_stop_nobody(lab):
    lab.world.add_execution("a", execution_id="fresh")
    body = b'{"message": "half \\ud800 and \\u0000"}'
    for method, path in (("GET", "/deployments/a-api"), ("POST", "/executions/fresh/logs")):
        lab.world.override(method, path, Response(400, {"Content-Type": "application/json"}, body))
    assert lab.sync().exit_code == 3
    errors = lab.column("select error from sync_failures")
    assert len(errors) == 2
    assert all("half \ufffd and \u2400" in error for error in errors)


# Parts


def test_a_part_that_failed_is_named_and_the_next_sync_asks_for_it_alone(lab):
    world = lab.world
    world.add_pipeline("files", outputs=[Port("f", "file")], created_at=LONG_AGO)
    world.add_execution("files", execution_id="e", created_at=LONG_AGO + MINUTE, lines=[])
    world.set_value("e", "outputs", "f", Content("application/octet-stream", b"bytes"))
    world.override("GET", "/executions/e/outputs/f", json_response({"message": "later"}, 503))
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code) == ("partial", 3)
    assert [(one.object_id, one.part) for one in outcome.failed] == [("e", "output f")]
    assert row(lab, "e")["status"] == "Succeeded"
    assert lab.one("select value_state from outputs where name = 'f'") == {"value_state": "error"}
    assert lab.column("select part from sync_failures") == ["output f"]
    world.restore("GET", "/executions/e/outputs/f")
    world.requests.clear()
    assert lab.sync().exit_code == 0
    assert world.requests.count("GET", "*/outputs/f") == 1
    assert details_asked(lab) == {"e"}  # it tells what is secret in the file
    assert world.requests.count("POST", "*/logs") == 0
    assert lab.rows("select * from sync_failures") == []
    assert Mirror(lab).differences() == []


@pytest.mark.parametrize("left_out", ["logs", "files"])
def test_what_a_flag_left_out_is_fetched_by_the_next_sync_without_it(tmp_path, left_out):
    world = World(seed=2, executions=24, settled=True)
    with make_lab(tmp_path, world) as lab:
        outcome = lab.sync(**{left_out: False})
        assert (outcome.outcome, outcome.exit_code) == ("complete", 0)
        pending = lab.column("select part from parts where state = 'pending'")
        assert (
            set(pending) <= {"logs"} if left_out == "logs" else set(pending) <= {"input", "output"}
        )
        assert pending
        assert lab.sync(**{left_out: False}).exit_code == 0
        assert lab.sync().exit_code == 0
        assert lab.column("select part from parts where state = 'pending'") == []
        assert lab.sync().exit_code == 0
        assert Mirror(lab).differences() == []
        assert lab.sync().fetched == 0


def test_what_is_denied_makes_a_run_partial_once(lab):
    lab.world.add_execution("a", execution_id="secret", created_at=LONG_AGO + HOUR)
    lab.world.deny("/executions/secret/logs")
    assert lab.sync().exit_code == 3
    assert row(lab, "secret")["logs_state"] == "denied"
    assert lab.sync().exit_code == 0


# Deployments and pipelines


def test_a_deleted_deployment_takes_its_executions_along_and_nothing_is_lost(lab):
    held = contents(lab)
    lab.world.delete_deployment("a-api")
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.gone) == ("complete", 0, 4)
    assert contents(lab) == held
    causes = "select distinct gone_cause from executions where pipeline_name = ?"
    assert lab.column(causes, "a") == ["deployment_deleted"]
    assert lab.column(causes, "b") == [None]
    gone = lab.one("select * from deployments where deployment_name = 'a-api'")
    assert (gone["gone_at"], gone["last_execution_id"]) == (text(lab.world.now), "a3")
    assert lab.column("select count(*) from pipelines where gone_at is null") == [2]


def test_a_deployment_made_again_passes_in_silence_and_its_history_stays_apart(lab):
    lab.world.recreate_deployment("a-api")
    made = lab.world.now
    lab.world.advance(MINUTE)
    for name in ("after", "afraid"):
        lab.world.add_execution(
            "a", deployment="a-api", execution_id=name, created_at=lab.world.now
        )
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.withheld) == ("complete", 0, ())
    assert (outcome.gone, outcome.new) == (4, 2)
    old, new = lab.rows(
        "select * from deployments where deployment_name = 'a-api' order by created_at"
    )
    assert (old["gone_at"], old["last_execution_id"]) == (text(lab.world.now), "a3")
    assert (new["gone_at"], new["last_execution_id"]) == (None, "after")
    assert new["created_at"] == text(made)
    links = lab.rows(
        "select execution_id, deployment_created_at as born, gone_cause from executions"
        " where pipeline_name = 'a' order by created_at"
    )
    assert {each["born"] for each in links[:4]} == {old["created_at"]}
    assert {each["gone_cause"] for each in links[:4]} == {"deployment_deleted"}
    assert {tuple(each.values())[1:] for each in links[4:]} == {(new["created_at"], None)}
    versions = lab.rows("select * from deployment_versions where deployment_name = 'a-api'")
    assert {each["deployment_created_at"] for each in versions} == {
        old["created_at"], new["created_at"],
    }  # fmt: skip
    assert lab.sync().gone == 0
    assert Mirror(lab).differences() == []


def test_a_deployment_whose_executions_still_answer_explains_nothing(lab):
    listing = "/pipelines/a/executions"
    lab.world.override("GET", listing, json_response([]))
    lab.world.mutate_deployment("a-api", created_at=text(lab.world.now))
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.gone) == ("withheld", 4, 0)


@pytest.mark.parametrize("archived", ["404", "served"])
def test_a_deleted_pipeline_takes_the_executions_of_its_deployments_along(tmp_path, archived):
    world = World(executions=0, pipelines=0, quirks=Quirks(archived=archived))
    with make_lab(tmp_path, world) as lab:
        for number in range(12):
            name = f"p{number}"
            world.add_pipeline(name)
            world.add_deployment(f"{name}-api", name)
            world.add_execution(name, deployment=f"{name}-api", execution_id=name, lines=[])
        lab.sync()
        world.advance(HOUR)
        world.delete_pipeline("p3")
        outcome = lab.sync()
        assert (outcome.outcome, outcome.exit_code, outcome.gone) == ("complete", 0, 1)
        gone = "select {0} from {1} where gone_at is not null"
        assert lab.column(gone.format("pipeline_name", "pipelines")) == ["p3"]
        assert lab.column(gone.format("deployment_name", "deployments")) == ["p3-api"]
        assert lab.column(gone.format("gone_cause", "executions")) == ["deployment_deleted"]
        assert Mirror(lab).differences() == []
        assert lab.sync().exit_code == 0


@pytest.mark.parametrize("kind", ["deployment", "pipeline"])
def test_what_is_made_again_between_its_listing_and_its_detail_tells_nothing_of_the_old_one(
    kind, lab
):
    name = {"deployment": "a-api", "pipeline": "fresh"}[kind]
    if kind == "pipeline":  # the detail of one that is known is not asked for
        lab.world.add_pipeline(name)
    made = []

    def make_again(request):
        if request.path.endswith(f"/{kind}s/{name}") and not made:
            lab.world.advance(MINUTE)
            made.append(getattr(lab.world, f"recreate_{kind}")(name))

    lab.world.requests.watch(make_again)
    first = lab.sync()
    code = {"deployment": 4, "pipeline": 3}[kind]  # that its executions went is not believed yet
    assert (first.exit_code, [one.object_id for one in first.failed]) == (code, [name])
    assert lab.sync().exit_code == 0
    assert Mirror(lab).differences() == []
    births = lab.column(
        f"select created_at from {kind}s where {kind}_name = ? and gone_at is null", name
    )
    assert births == [text(lab.world.now)]
    assert lab.column("select count(*) from deployment_versions where valid_to is not null") == [0]


def test_a_pipeline_made_again_is_another_one_and_its_history_stays(lab):
    lab.world.recreate_pipeline("a")
    lab.world.add_execution("a", execution_id="new", created_at=lab.world.now)
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.gone, outcome.new) == (0, 4, 1)
    old, new = lab.rows("select * from pipelines where pipeline_name = 'a' order by created_at")
    assert old["gone_at"] == text(lab.world.now)
    assert (new["gone_at"], new["created_at"]) == (None, text(lab.world.now))
    assert lab.column("select count(*) from executions where pipeline_name = 'a'") == [5]
    assert Mirror(lab).differences() == []


def test_a_deleted_pipeline_that_had_direct_runs_needs_permission_for_them(lab):
    for number in range(3):
        lab.world.add_execution("a", execution_id=f"run{number}", created_at=LONG_AGO + HOUR)
    lab.sync()
    lab.world.delete_pipeline("a")
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.gone) == (4, 4)
    assert [(one.scope, one.known, one.missing) for one in outcome.withheld] == [("a", 7, 3)]
    outcome = lab.sync(pipelines=("a",), accept_vanished=3)
    assert (outcome.exit_code, outcome.gone) == (0, 3)
    assert lab.sync().exit_code == 0


@pytest.mark.parametrize("kind", ["deployment", "pipeline"])
def test_what_is_archived_counts_as_deleted(lab, kind):
    if kind == "deployment":
        lab.world.mutate_deployment("a-api", is_archived=True)
    else:
        true = next(lab.world.truth().pipelines())["detail"]["creation_info"]
        made = true | {"is_archived": True}
        lab.world.mutate_pipeline("a", is_archived=True, creation_info=made)
    assert lab.sync().exit_code == 0
    gone = f"select {kind}_name from {kind}s where gone_at is not null"
    assert lab.column(gone) == ["a-api" if kind == "deployment" else "a"]


def test_the_birth_of_a_deployment_may_come_from_its_detail(lab):
    lab.world.add_deployment("late", "a")
    born = next(
        each["created_at"] for each in lab.world.truth().deployments() if each["name"] == "late"
    )
    lab.world.mutate_deployment("late", created_at=ABSENT)
    entries = [
        {key: value for key, value in each.items() if key not in ("detail", "created_at")}
        for each in lab.world.truth().deployments()
    ]
    lab.world.mutate_deployment("late", created_at=born)
    lab.world.override("GET", "/deployments", json_response(entries))
    assert lab.sync().exit_code == 0
    held = lab.column("select created_at from deployments where deployment_name = 'late'")
    assert [each[:19] for each in held] == [born[:19]]


def test_a_deployment_nobody_can_date_is_named_with_its_raw_answer_kept(lab):
    lab.world.add_deployment("undated", "a")
    lab.world.mutate_deployment("undated", created_at="once upon a time")
    outcome = lab.sync()
    assert outcome.exit_code == 3
    failure = lab.one("select * from sync_failures")
    assert (failure["object_kind"], failure["object_id"]) == ("deployment", "undated")
    (raw,) = lab.column("select raw from sync_failure")
    assert json.loads(raw)["created_at"] == "once upon a time"


def test_a_pipeline_that_only_a_deployment_names_is_listed_too(lab):
    hide_pipeline(lab, "a")
    lab.world.add_execution("a", execution_id="fresh")
    assert lab.sync().exit_code == 0
    assert row(lab, "fresh")["pipeline_name"] == "a"


# Scope


def test_a_scoped_sync_touches_nothing_else(lab):
    for name in ("a", "b"):
        lab.world.add_execution(name, execution_id=f"{name}-new")
        lab.world.delete_execution(f"{name}1")
        lab.world.mutate_deployment(f"{name}-api", description="changed")
    lab.world.delete_deployment("b-api")
    lab.world.add_pipeline("c")
    others = {
        relation: lab.rows(f"select * from {relation} where pipeline_name <> 'a'")
        for relation in ("executions", "deployments", "pipelines")
    }
    outcome = lab.sync(pipelines=("a",))
    assert (outcome.exit_code, outcome.new, outcome.gone) == (0, 1, 1)
    assert lab.world.requests.count("GET", "*/pipelines/b/executions") == 0
    assert lab.world.requests.count("GET", "*/deployments/b-api") == 0
    for relation, rows in others.items():
        assert lab.rows(f"select * from {relation} where pipeline_name <> 'a'") == rows
    described = "select description from deployments where deployment_name = 'a-api'"
    assert lab.column(described) == ["changed"]
    assert lab.one("select last_synced_at from environments") == {
        "last_synced_at": text(lab.world.now - HOUR)
    }


def test_a_scoped_sync_keeps_what_is_named_as_failed_elsewhere(lab):
    lab.world.mutate_execution("b1", created_at=None)
    assert lab.sync().exit_code == 3
    assert lab.sync(pipelines=("a",)).exit_code == 0
    assert lab.column("select object_id from sync_failures") == ["b1"]


def test_a_pipeline_that_nobody_knows_is_wrong_usage_and_the_nearest_are_named(tmp_path):
    world = World(executions=0)
    with make_lab(tmp_path, world) as lab:
        outcome = lab.sync(pipelines=("iris-trian",))
        assert outcome.exit_code == Usage.exit_code
        assert outcome.error == "No pipeline is called iris-trian."
        assert "iris-train" in outcome.hint
        assert lab.rows("select * from executions") == []


@pytest.mark.parametrize("asked", [{}, {"pipelines": ("quiet",)}], ids=["all", "alone"])
@pytest.mark.parametrize("runs", [0, 1])
def test_a_pipeline_that_a_listing_hides_is_mirrored_all_the_same(lab, runs, asked):
    lab.world.add_pipeline("quiet")
    for number in range(runs):
        lab.world.add_execution("quiet", execution_id=f"early{number}", created_at=LONG_AGO + HOUR)
    assert lab.sync().exit_code == 0
    hide_pipeline(lab, "quiet")
    lab.world.add_execution("quiet", execution_id="fresh")
    assert lab.sync(**asked).exit_code == 0
    assert row(lab, "fresh")["pipeline_name"] == "quiet"
    lab.world.override("GET", "/pipelines/quiet", json_response({}, 403))
    lab.world.override("GET", "/pipelines/quiet/executions", json_response({}, 403))
    outcome = lab.sync(**asked)
    assert (outcome.exit_code, [one.object_id for one in outcome.failed]) == (3, ["quiet"])

"""A listing that lost too much is not believed, from the platform's answer to the exit code."""

import shlex
from contextlib import ExitStack
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from journeys.checker import Mirror
from lab import DAY, HOUR
from lab import lab as make_lab
from warm import craftsync

from craftsync.records import Key
from craftsync.simulator import Line, Response, World, json_response
from craftsync.store import audit, engine

MINUTE = timedelta(minutes=1)
HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
LISTING = "/pipelines/p/executions"
ROOT = Path(__file__).parents[2]


def world_of(count, pipeline):
    world = World(executions=0, pipelines=0)
    born = world.now - 2 * DAY
    world.add_pipeline(pipeline, created_at=born)
    lines = [Line(0, "a"), Line(10**9, "b")]
    for number in range(count):
        world.add_execution(
            pipeline, execution_id=f"e{number}", created_at=born + MINUTE, lines=lines
        )
    return world


@pytest.fixture(scope="module")
def synced(tmp_path_factory):
    """Give the store after the first sync of such a world."""

    @cache
    def after(count, pipeline):
        with make_lab(tmp_path_factory.mktemp("first"), world_of(count, pipeline)) as lab:
            assert lab.sync().exit_code == 0
        return lab.store.read_bytes()

    return after


@pytest.fixture
def known(tmp_path, synced):
    """Make a lab whose store knows so many executions of one pipeline, all of them settled."""
    with ExitStack() as stack:

        def make(count, *, pipeline="p"):
            lab = stack.enter_context(make_lab(tmp_path, world_of(count, pipeline)))
            lab.store.write_bytes(synced(count, pipeline))
            lab.world.advance(HOUR)
            return lab

        yield make


def entries(lab, pipeline="p"):
    return [
        {key: value for key, value in each.detail.items() if key not in ("inputs", "outputs")}
        for each in lab.world.truth().executions(pipeline)
    ]


def gone(lab, relation="executions"):
    (count,) = lab.column(f"select count(*) from {relation} where gone_at is not null")
    return count


def withheld(outcome):
    return [(one.kind, one.scope, one.listed, one.known, one.missing) for one in outcome.withheld]


# The figures


@pytest.mark.parametrize(
    ("lost", "count", "believed"),
    [
        (11, 100, False),
        (10, 100, True),
        (11, 110, True),
        (10, 50, True),
        (2, 2, False),
        (1, 1, True),
        (1, 2, True),
    ],
)
def test_a_loss_is_believed_or_withheld_by_its_size(known, lost, count, believed):
    lab = known(count)
    for number in range(lost):
        lab.world.delete_execution(f"e{number}")
    lab.world.add_execution("p", execution_id="new") if lost < count else None
    outcome = lab.sync()
    assert (outcome.exit_code, gone(lab)) == ((0, lost) if believed else (4, 0))
    assert outcome.outcome == ("complete" if believed else "withheld")
    if not believed:
        listed = count - lost + (lost < count)
        assert withheld(outcome) == [("executions", "p", listed, count, lost)]
    assert outcome.new == (lost < count)
    last = lab.rows("select outcome, gone, withheld from sync_runs order by run_id")[-1]
    assert tuple(last.values()) == (("complete", lost, 0) if believed else ("withheld", 0, lost))


def test_what_is_withheld_stays_until_the_listing_is_whole_again(known):
    lab = known(20)
    before = lab.rows("select * from executions")
    synced = lab.one("select last_synced_at from environments")
    lab.world.override("GET", LISTING, json_response([]))
    for _ in range(2):
        assert lab.sync().exit_code == 4
        lab.world.advance(HOUR)
    assert lab.one("select last_synced_at from environments") == synced
    lab.world.restore("GET", LISTING)
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.fetched) == ("complete", 0, 0)
    assert Mirror(lab).differences() == []
    seen = {"last_seen_at": None}
    assert [row | seen for row in lab.rows("select * from executions")] == [
        row | seen for row in before
    ]


def test_additions_are_stored_while_absences_are_withheld(known):
    lab = known(12)
    lab.world.add_execution("p", execution_id="new")
    new = [entry for entry in entries(lab) if entry["execution_id"] == "new"]
    lab.world.override("GET", LISTING, json_response(new))
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.new, gone(lab)) == (4, 1, 0)
    assert lab.column("select count(*) from executions") == [13]


def test_half_a_listing_is_not_believed(known):
    lab = known(40)
    lab.world.override("GET", LISTING, json_response(entries(lab)[:20]))
    assert (lab.sync().exit_code, gone(lab)) == (4, 0)


def test_losses_of_two_pipelines_are_counted_each_for_itself(known):
    lab = known(10)
    lab.world.add_pipeline("q")
    for number in range(10):
        lab.world.add_execution("q", execution_id=f"q{number}")
    lab.sync()
    for name in ("e", "q"):
        for number in range(9):
            lab.world.delete_execution(f"{name}{number}")
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.gone) == (0, 18)


def test_a_withheld_pipeline_keeps_no_other_from_being_mirrored(known):
    lab = known(5)
    lab.world.add_pipeline("q")
    lab.world.add_execution("q", execution_id="new")
    lab.world.override("GET", LISTING, json_response([]))
    outcome = lab.sync()
    assert (outcome.exit_code, outcome.new, gone(lab)) == (4, 1, 0)


def test_an_absence_that_answers_is_no_loss_whatever_is_accepted(known):
    lab = known(30)
    lab.world.override("GET", LISTING, json_response([]))
    outcome = lab.sync(accept_vanished=30)
    assert (outcome.exit_code, gone(lab)) == (0, 0)


# The ceiling


@pytest.mark.parametrize(("accepted", "believed"), [(11, True), (10, False), (100, True)])
def test_accept_vanished_is_a_ceiling(known, accepted, believed):
    lab = known(20)
    for number in range(11):
        lab.world.delete_execution(f"e{number}")
    outcome = lab.sync(accept_vanished=accepted)
    assert (outcome.exit_code, gone(lab)) == ((0, 11) if believed else (4, 0))


def test_the_hint_can_be_typed_whatever_the_pipeline_is_called(known):
    name = "it's a $(touch pwned) pipeline"
    lab = known(3, pipeline=name)
    lab.world.add_pipeline("other")
    for number in range(3):
        lab.world.delete_execution(f"e{number}")
    refused = craftsync(lab, "sync")
    assert refused.returncode == 4
    error, hint = refused.stderr.splitlines()
    assert error == (
        f"error: Upstream lists 0 executions of {name}; the store knows 3."
        " Nothing was marked as gone."
    )
    words = shlex.split(hint.partition("craftsync ")[2])
    assert words == ["sync", "--pipeline", name, "--accept-vanished", "3"]
    accepted = craftsync(lab, *words)
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert gone(lab) == 3


def test_as_many_listed_as_known_is_no_contradiction_of_what_is_missing(known):
    lab = known(20)
    for number in range(11):
        lab.world.delete_execution(f"e{number}")
        lab.world.add_execution("p", execution_id=f"f{number}")
    refused = craftsync(lab, "sync")
    assert refused.returncode == 4
    assert refused.stderr.splitlines()[0] == (
        "error: Upstream lists 20 executions of p; the store knows 20."
        " None of 11 missing was marked as gone."
    )


def test_more_absences_than_a_run_asks_for_are_marked_over_several_runs(known):
    lab = known(230)
    for number in range(225):
        lab.world.delete_execution(f"e{number}")
    assert lab.sync(accept_vanished=225).gone == 200
    assert lab.sync(accept_vanished=25).gone == 25


def test_those_that_are_there_and_never_listed_do_not_keep_others_from_being_asked_for(known):
    lab = known(225)
    deleted = {f"e{number}" for number in range(95, 100)}  # the last ones in the order of asking
    for name in deleted:
        lab.world.delete_execution(name)
    hidden = {f"e{number}" for number in range(215)} - deleted
    listed = [one for one in entries(lab) if one["execution_id"] not in hidden]
    lab.world.override("GET", LISTING, json_response(listed))
    for _ in range(2):
        assert lab.sync(accept_vanished=225).exit_code == 0
    found = lab.column("select execution_id from executions where gone_at is not null")
    assert set(found) == deleted
    assert Mirror(lab).differences() == []


# What is no listing


@pytest.mark.parametrize(
    "answer",
    [
        json_response({"executions": []}),
        json_response(None),
        json_response("[]"),
        json_response([[]]),
        json_response([{"id": "e0"}]),
        Response(200, JSON, b"[]]"),
        Response(200, JSON, b'[{"execution_id": "e0"'),
        Response(200, JSON, b""),
        Response(200, HTML, b"<html>Sign in</html>"),
        Response(204, {}, b""),
        Response(302, {"Location": "/elsewhere"}, b"[]"),
        json_response({"message": "forbidden"}, 403),
        json_response([], 500),
        Response(503, HTML, b"<html>standby</html>"),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:24].decode()}",
)
def test_a_failed_listing_is_named_and_never_an_empty_one(known, answer):
    lab = known(3)
    lab.world.add_pipeline("q")
    lab.world.add_execution("q", execution_id="new")
    lab.world.override("GET", LISTING, answer)
    outcome = lab.sync(accept_vanished=100)
    assert (outcome.outcome, outcome.exit_code, outcome.new) == ("partial", 3, 1)
    assert gone(lab) == 0
    failure = lab.one("select object_kind, object_id, part from sync_failures")
    assert tuple(failure.values()) == ("pipeline", "p", "executions")
    lab.world.restore("GET", LISTING)
    assert lab.sync().exit_code == 0
    assert lab.rows("select * from sync_failures") == []


def test_a_known_pipeline_that_answers_404_to_its_listing_alone_is_a_failure(known):
    lab = known(3)
    missing = json_response({"message": "Pipeline p was not found"}, 404)
    lab.world.override("GET", LISTING, missing)
    assert (lab.sync().exit_code, gone(lab)) == (3, 0)


@pytest.mark.parametrize("kind", ["deployments", "pipelines"])
@pytest.mark.parametrize(
    "answer",
    [json_response({}), Response(502, HTML, b"<html>"), json_response({"message": "no"}, 403)],
    ids=lambda answer: str(answer.status),
)
def test_a_failed_listing_of_the_estate_leaves_it_as_it_is(known, kind, answer):
    lab = known(3)
    lab.world.add_deployment("d", "p")
    lab.sync()
    lab.world.override("GET", f"/{kind}", answer)
    lab.world.add_execution("p", execution_id="new")
    outcome = lab.sync(accept_vanished=100)
    assert (outcome.exit_code, outcome.new) == (3, 1)
    assert gone(lab, kind) == gone(lab) == 0
    assert lab.column("select object_kind from sync_failures") == [kind]


# Deployments and pipelines


def twelve():
    """Make twelve pipelines, each with a deployment and an execution of it."""
    world = World(executions=0, pipelines=0)
    born = world.now - 2 * DAY
    for number in range(12):
        world.add_pipeline(f"p{number}", created_at=born)
        world.add_deployment(f"d{number}", f"p{number}", created_at=born)
        world.add_execution(
            f"p{number}",
            deployment=f"d{number}",
            execution_id=f"e{number}",
            created_at=born + MINUTE,
            lines=[],
        )
    return world


@pytest.fixture
def estate(tmp_path):
    """A lab an hour after the first sync of those twelve."""
    with make_lab(tmp_path, twelve()) as lab:
        assert lab.sync().exit_code == 0
        lab.world.advance(HOUR)
        yield lab


@pytest.mark.parametrize("kind", ["deployments", "pipelines"])
def test_an_empty_estate_is_not_believed(estate, kind):
    estate.world.override("GET", f"/{kind}", json_response([]))
    outcome = estate.sync()
    assert (outcome.outcome, outcome.exit_code) == ("withheld", 4)
    assert withheld(outcome) == [(kind, "", 0, 12, 12)]
    assert gone(estate, kind) == gone(estate) == 0
    estate.world.restore("GET", f"/{kind}")
    assert estate.sync().exit_code == 0
    assert Mirror(estate).differences() == []


def test_an_environment_that_turned_empty_altogether_is_not_believed(estate):
    for kind in ("deployments", "pipelines"):
        estate.world.override("GET", f"/{kind}", json_response([]))
    outcome = estate.sync()
    assert outcome.exit_code == 4
    assert [one.kind for one in outcome.withheld] == ["deployments", "pipelines"]
    assert gone(estate, "deployments") == gone(estate, "pipelines") == gone(estate) == 0


def test_eleven_deployments_that_are_truly_gone_are_withheld_with_nothing_lost(estate):
    for number in range(11):
        estate.world.delete_deployment(f"d{number}")
    outcome = estate.sync()
    assert (outcome.exit_code, gone(estate, "deployments")) == (4, 0)
    # Each execution's absence is explained by its own deployment's 404.
    assert gone(estate) == 11
    outcome = estate.sync(accept_vanished=11)
    assert (outcome.exit_code, gone(estate, "deployments")) == (0, 11)
    assert Mirror(estate).differences() == []


def test_all_deployments_made_again_at_once_pass_in_silence(estate):
    for number in range(12):
        estate.world.recreate_deployment(f"d{number}")
    said = craftsync(estate, "sync", "-q")
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    assert gone(estate, "deployments") == gone(estate) == 12
    assert estate.column("select distinct gone_cause from executions") == ["deployment_deleted"]
    assert Mirror(estate).differences() == []


def test_a_deployment_that_is_only_left_out_of_its_listing_is_not_gone(estate):
    listed = [
        {key: value for key, value in each.items() if key != "detail"}
        for each in estate.world.truth().deployments()
    ]
    estate.world.override("GET", "/deployments", json_response(listed[1:]))
    outcome = estate.sync()
    assert (outcome.exit_code, gone(estate, "deployments"), gone(estate)) == (0, 0, 0)


# Another environment


def test_another_environment_under_the_same_address_is_refused(known):
    lab = known(3)
    lab.world.environment_id = "another id"
    lab.world.add_execution("p", execution_id="new")
    lab.world.requests.clear()
    outcome = lab.sync()
    assert (outcome.outcome, outcome.exit_code, outcome.new) == ("failed", 4, 0)
    assert "another id" in outcome.error
    assert [entry.path for entry in lab.world.requests.entries] == ["/api/v1/environment-info"]
    refused = craftsync(lab, "sync")
    assert refused.returncode == 4
    hint = refused.stderr.splitlines()[-1]
    words = shlex.split(hint.partition("craftsync ")[2])
    assert words == ["sync", "--env", "default", "--accept-environment", "another id"]
    assert lab.sync(accept_environment="a third").exit_code == 4
    accepted = craftsync(lab, *words)
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert lab.one("select upstream_id from environments") == {"upstream_id": "another id"}
    assert lab.sync().exit_code == 0


def test_an_accepted_environment_that_is_empty_is_still_guarded(known):
    lab = known(3)
    lab.world.environment_id = "another"
    lab.world.delete_pipeline("p")
    outcome = lab.sync(accept_environment="another")
    assert (outcome.exit_code, gone(lab)) == (4, 0)


def test_a_platform_too_old_to_tell_its_environment_is_mirrored(known):
    lab = known(3)
    missing = json_response({"message": "Cannot GET /environment-info"}, 404)
    lab.world.override("GET", "/environment-info", missing)
    assert lab.sync().exit_code == 0
    assert lab.one("select upstream_id from environments")["upstream_id"] is not None


# Deletes of ours that were cut short


def killed_after_intents(lab, numbers, *, born=None):
    """Leave what a purge leaves that was killed after its calls: intents, and nothing upstream."""
    writer = engine.writer(engine.address(lab.store))
    with writer.begin() as conn:
        written = audit.Audit(conn, 1)
        for number in numbers:
            key = Key(f"e{number}", born or lab.world.now - HOUR - 2 * DAY + MINUTE)
            one = audit.Try(f"p-{number}", 1, "p", "execution", key, "old_enough", "mia@host",
                            lab.world.now, "0" * 64)  # fmt: skip
            written.intend(one, at=lab.world.now)
        written.write()
    writer.dispose()
    for number in numbers:
        lab.world.delete_execution(f"e{number}")


def test_what_a_killed_purge_deleted_is_no_sign_of_a_broken_listing(known):
    lab = known(50)
    killed_after_intents(lab, range(20))
    app = lab.app
    told = [*app.rehearse(app.settings.environments_to_use(), app.sync_options())]
    assert {one.action for one in told} == {"gone"}
    outcome = lab.sync()
    assert (outcome.outcome, outcome.gone, outcome.exit_code) == ("complete", 20, 0)
    assert lab.column("select distinct gone_cause from executions where gone_at is not null") == [
        "deleted_upstream"
    ]
    assert lab.column("select count(*) from deletions where outcome is null") == [20]


def test_an_intent_without_its_own_404_marks_nothing(known):
    lab = known(50)
    killed_after_intents(lab, range(20))
    for number in range(20):
        lab.world.override("GET", f"/executions/e{number}", Response(500, JSON, b"{}"))
    assert (lab.sync().gone, lab.column("select count(gone_at) from executions")) == (0, [0])


def test_an_intent_for_a_namesake_of_another_time_explains_nothing(known):
    lab = known(50)
    killed_after_intents(lab, range(20), born=lab.world.now - 9 * DAY)
    assert (lab.sync().exit_code, lab.column("select count(gone_at) from executions")) == (4, [0])


def test_others_that_are_missing_beside_them_withhold_all(known):
    lab = known(50)
    killed_after_intents(lab, range(5))
    for number in range(5, 16):
        lab.world.delete_execution(f"e{number}")
    assert (lab.sync().exit_code, lab.column("select count(gone_at) from executions")) == (4, [0])

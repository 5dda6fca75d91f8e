"""What is held stays held, and what upstream has comes in: through short answers and early ends."""

import pytest
from lab import DAY, HOUR, lab

from craftsync.records import GoneCause
from craftsync.simulator import Content, Line, Port, Quirks, World, json_response
from craftsync.store import engine, tombstones
from craftsync.store.environments import Rev

NO_SUCH = json_response({"name": "NotFoundException", "message": "no such"}, 404)
COUNTED = "select execution_id, count(*) as lines from logs group by 1 order by 1"


def a_world(*names, count=57, **how):
    """A platform with one pipeline and a finished execution of so many lines for each name."""
    world = World(executions=0, pipelines=0, **how)
    born = world.now - 10 * DAY
    world.add_pipeline("p", created_at=born)
    for number, name in enumerate(names):
        at = born + (number + 1) * HOUR
        world.add_execution("p", execution_id=name, created_at=at, lines=lines(range(count)))
    return world


def lines(numbers):
    return [
        Line(1_700_000_000_000_000_000 + number * 10**9, f"line {number}") for number in numbers
    ]


def counted(made):
    return {row["execution_id"]: row["lines"] for row in made.rows(COUNTED)}


def summary(detail, **changes):
    kept = {key: said for key, said in detail.items() if key not in ("steps", "inputs", "outputs")}
    return {**kept, **changes}


# Logs.


@pytest.mark.parametrize("most", range(8, 40, 3))
def test_a_run_that_ends_early_under_a_cap_of_any_length_leaves_no_log_short(tmp_path, most):
    world = a_world("e0", "e1", "e2", "e3", quirks=Quirks(logs_cap=37))
    with lab(tmp_path, world) as made:
        made.environ["CRAFTSYNC_SYNC_WORKERS"] = "1"
        made.sync(max_requests=most)
        assert made.sync().exit_code == 0
        assert counted(made) == dict.fromkeys(("e0", "e1", "e2", "e3"), 57)


@pytest.mark.parametrize("left", [range(50, 57), range(7), range(20, 30)])
def test_a_log_that_upstream_cuts_is_held_whole_all_the_same(tmp_path, left):
    world = a_world("e")
    with lab(tmp_path, world) as made:
        made.sync()
        before = made.rows("select * from logs")
        world.replace_lines("e", lines(left))
        assert made.sync(full=True).exit_code == 0
        assert made.rows("select * from logs") == before
        assert made.column("select logs_state from executions") == ["capped"]


def test_a_log_whose_beginning_is_dropped_while_it_grows_is_held_whole(tmp_path):
    world = World(executions=0, pipelines=0)
    world.add_pipeline("p", created_at=world.now - DAY)
    world.add_execution("p", execution_id="e", created_at=world.now - HOUR, status="Running")
    world.replace_lines("e", lines(range(10)))
    with lab(tmp_path, world) as made:
        made.sync()
        world.replace_lines("e", lines(range(5, 15)))
        made.sync()
        world.replace_lines("e", lines(range(12, 30)))
        made.sync()
        held = made.rows("select line_number, message from logs order by line_number")
        assert held == [
            {"line_number": number + 1, "message": f"line {number}"} for number in range(30)
        ]


def test_a_first_instant_of_which_a_part_is_dropped_while_the_log_grows_is_held_whole(tmp_path):
    world = World(executions=0, pipelines=0)
    world.add_pipeline("p", created_at=world.now - DAY)
    world.add_execution("p", execution_id="e", created_at=world.now - HOUR, status="Running")
    begin, grown = lines([0, 0, 0, 1, 2]), lines([3, 4])
    begin = [line._replace(message=f"{n}") for n, line in enumerate(begin)]
    world.replace_lines("e", begin)
    with lab(tmp_path, world) as made:
        made.sync()
        world.replace_lines("e", [*begin[1:], *grown])
        made.sync()
        world.replace_lines("e", [*begin[2:], *grown])
        made.sync()
        held = made.column("select message from logs order by line_number")
        assert sorted(held) == sorted(line.message for line in [*begin, *grown])


def test_a_platform_that_begins_to_cap_takes_no_line_away(tmp_path):
    world = a_world("e0", "e1")
    with lab(tmp_path, world) as made:
        made.sync()
        world.history.quirks = Quirks(logs_cap=37)
        assert made.sync(full=True).exit_code == 0
        assert counted(made) == {"e0": 57, "e1": 57}


def test_how_long_a_log_may_be_and_come_whole_is_learnt_once(tmp_path):
    world = a_world("e0")
    with lab(tmp_path, world) as made:
        made.sync()
        assert world.requests.count("POST", "*/logs") == 3
        world.add_execution("p", execution_id="e1", created_at=world.now - DAY, lines=lines([1]))
        world.requests.clear()
        made.sync()
        assert world.requests.count("POST", "*/logs") == 1


# Metrics.


def test_a_detail_that_is_denied_for_a_while_denies_no_part(tmp_path):
    world = a_world("e")
    with lab(tmp_path, world) as made:
        made.sync(logs=False)
        world.deny("/executions/e")
        outcome = made.sync()
        assert (outcome.exit_code, outcome.failed[0].part) == (3, "logs")
        assert made.column("select logs_state from executions") == ["error"]
        world.allow("/executions/e")
        assert made.sync().exit_code == 0
        assert counted(made) == {"e": 57}


@pytest.mark.parametrize("rule", ["run", None])
def test_a_deployment_without_a_detail_of_its_own_is_mirrored_from_its_listing(tmp_path, rule):
    """What stands for the direct runs of a pipeline may answer 404."""
    world = a_world("e")
    world.add_deployment("run-p", "p", created_at=world.now - 5 * DAY)
    entry = {"name": "run-p", "pipeline_name": "p", "created_at": "2026-01-01T00:00:00Z"}
    world.override("GET", "/deployments/run-p", NO_SUCH)
    with lab(tmp_path, world) as made:
        for enabled in (True, False, True):
            told = {**entry, "is_enabled": enabled} | ({"execution_rule": rule} if rule else {})
            world.override("GET", "/deployments", json_response([told]))
            assert made.sync().exit_code == 0
            assert made.column("select is_enabled from deployments") == [int(enabled)]


def test_one_404_takes_nothing_of_a_deployment_away(tmp_path):
    world = a_world("e")
    world.add_deployment("d", "p", created_at=world.now - 5 * DAY)
    with lab(tmp_path, world) as made:
        made.sync()
        before = made.rows("select * from deployment_versions")
        listed = {"name": "d", "pipeline_name": "p", "execution_rule": "run"}
        listed["created_at"] = made.column("select created_at from deployments")[0]
        world.override("GET", "/deployments", json_response([listed]))
        world.override("GET", "/deployments/d", NO_SUCH)
        assert made.sync().exit_code == 3
        assert made.rows("select * from deployment_versions") == before


def test_metrics_of_an_execution_that_goes_while_it_is_read_again_stay(tmp_path):
    world = World(seed=1, executions=60)
    with lab(tmp_path, world) as made:
        made.sync()
        world.advance(2 * HOUR)
        made.sync()
        name = made.column("select execution_id from metrics order by 1")[0]
        before = made.rows("select * from metrics where execution_id = ?", name)
        gone = []

        def watch(request):
            if "/metrics/" in request.path and name in (request.query or "") and not gone:
                gone.append(world.delete_execution(name))

        world.requests.watch(watch)
        made.sync(full=True)
        made.sync()
        assert gone
        assert made.one("select gone_cause from executions where execution_id = ?", name) == {
            "gone_cause": "deleted_upstream"
        }
        assert made.rows("select * from metrics where execution_id = ?", name) == before


# What a listing says and an object denies.


def test_a_pipeline_that_is_listed_and_answers_404_is_mirrored_from_its_listing(tmp_path):
    world = a_world("e")
    world.override("GET", "/pipelines/p", NO_SUCH)
    with lab(tmp_path, world) as made:
        assert made.sync().exit_code == 0
        assert made.column("select pipeline_name from pipelines") == ["p"]
        assert counted(made) == {"e": 57}


def test_a_deployment_that_is_listed_and_answers_404_is_named(tmp_path):
    world = a_world("e")
    world.add_deployment("d", "p", created_at=world.now - 5 * DAY)
    with lab(tmp_path, world) as made:
        made.sync()
        world.override("GET", "/deployments/d", NO_SUCH)
        world.mutate_deployment("d", is_enabled=False)
        outcome = made.sync()
        assert outcome.exit_code == 3
        assert [(one.object_id, one.part) for one in outcome.failed] == [("d", "detail")]
        assert made.column("select gone_at from deployments") == [None]
        world.restore("GET", "/deployments/d")
        assert made.sync().exit_code == 0
        assert made.column("select is_enabled from deployments") == [0]


# What comes in the place of an object.


def test_something_else_in_the_place_of_a_deployment_changes_nothing_and_is_named(tmp_path):
    world = a_world("e")
    for number, name in enumerate(("d", "other")):
        world.add_deployment(name, "p", created_at=world.now - (5 + number) * DAY)
    (other,) = [one["detail"] for one in world.truth().deployments() if one["name"] == "other"]
    with lab(tmp_path, world) as made:
        made.sync()
        dates = "first_seen_at, gone_at, created_at, updated_at"
        shown = f"select deployment_name, status, description, inputs_mapping, {dates}"
        held = made.rows(f"{shown} from deployments")
        versions = made.rows("select * from deployment_versions")
        for answer in ({"message": "Service is being updated"}, other, {**other, "name": None}):
            world.override("GET", "/deployments/d", json_response(answer))
            outcome = made.sync()
            assert outcome.exit_code == 3
            assert [(one.object_id, one.part, one.why) for one in outcome.failed] == [
                ("d", "detail", "deployment d: the platform answered with another one")
            ]
            assert made.rows(f"{shown} from deployments") == held
            assert made.rows("select * from deployment_versions") == versions
        world.restore("GET", "/deployments/d")
        assert made.sync().exit_code == 0
        assert made.rows(f"{shown} from deployments") == held
        assert made.rows("select * from deployment_versions") == versions


def test_something_else_in_the_place_of_a_pipeline_is_named_and_read_by_the_next_sync(tmp_path):
    world = a_world("e")
    something = json_response({"message": "Service is being updated"})
    world.override("GET", "/pipelines/p", something)
    with lab(tmp_path, world) as made:
        outcome = made.sync()
        assert outcome.exit_code == 3
        assert [(one.object_kind, one.object_id, one.part) for one in outcome.failed] == [
            ("pipeline", "p", "detail")
        ]
        assert counted(made) == {"e": 57}
        world.restore("GET", "/pipelines/p")
        world.requests.clear()
        assert made.sync().exit_code == 0
        assert world.requests.count("GET", "*/pipelines/p") == 1
        assert made.column("select pipeline_name from pipelines") == ["p"]


@pytest.mark.parametrize(
    "form",
    [
        lambda told, made: {"parameters": told, "creation_info": made},
        lambda told, made: {**told, **made, "creation_info": {}},
        lambda told, made: {**told, "creation_info": made},
        lambda told, made: {"name": told["pipeline_name"], "steps": []},
        lambda told, made: {"open_inputs": [], "created_at": made["created_at"]},
        lambda told, made: {"parameters": None, "creation_info": made},
    ],
)
def test_a_pipeline_in_the_form_of_any_release_is_known_by_its_name_or_its_birth(tmp_path, form):
    world = a_world("e")
    (detail,) = [one["detail"] for one in world.truth().pipelines()]
    answer = form(detail["parameters"], detail["creation_info"])
    world.override("GET", "/pipelines/p", json_response(answer))
    with lab(tmp_path, world) as made:
        assert made.sync().exit_code == 0
        world.requests.clear()
        made.sync()
        assert world.requests.count("GET", "*/pipelines/p") == 0


def test_executions_that_name_a_pipeline_which_does_not_list_them_are_named(tmp_path):
    names = [f"e{number}" for number in range(12)]
    world = a_world(*names, count=1)
    world.add_pipeline("q", created_at=world.now - 9 * DAY)
    details = [{**world.truth().execution(name).detail, "pipeline_name": "q"} for name in names]
    world.override("GET", "/pipelines/p/executions", json_response([*map(summary, details)]))
    with lab(tmp_path, world) as made:
        for full in (False, True):
            outcome = made.sync(full=full)
            assert outcome.exit_code == 3
            assert {one.object_id for one in outcome.failed} == set(names)
            assert outcome.failed[0].why == "p lists it, and it names q, which does not."
        world.restore("GET", "/pipelines/p/executions")
        world.advance(DAY)
        assert made.sync().exit_code == 0
        assert made.rows("select * from sync_failures") == []
        assert len(made.rows("select execution_id from executions")) == 12


def test_what_two_pipelines_list_is_mirrored_once_and_named_by_none(tmp_path):
    world = a_world("e0", "e1")
    world.add_pipeline("q", created_at=world.now - 9 * DAY)
    both = [summary(world.truth().execution(name).detail) for name in ("e0", "e1")]
    world.override("GET", "/pipelines/q/executions", json_response(both))
    with lab(tmp_path, world) as made:
        outcome = made.sync()
        assert (outcome.exit_code, outcome.listed, outcome.fetched) == (0, 2, 2)
        assert made.sync().fetched == 0
        world.requests.clear()
        made.sync()
        assert made.column("select count(*) from scope where listing_sha256 is not null") == [2]


def test_another_object_in_the_answer_does_not_prove_that_one_is_gone(tmp_path):
    world = a_world("e0", "e1", "e2", "e3")
    with lab(tmp_path, world) as made:
        made.sync()
        others = [world.truth().execution(name).detail for name in ("e1", "e2", "e3")]
        world.override("GET", "/pipelines/p/executions", json_response([*map(summary, others)]))
        world.override("GET", "/executions/e0", json_response(others[0]))
        made.sync()
        assert made.column("select execution_id from executions where gone_at is not null") == []


def test_what_we_took_for_gone_and_is_listed_still_is_back_with_the_next_sync(tmp_path):
    world = a_world("e0", "e1")
    with lab(tmp_path, world) as made:
        made.sync()
        made.sync()
        store = engine.writer(engine.address(made.store))
        with store.begin() as connection:
            tombstones.mark_gone(
                connection,
                [1],
                gone_at=world.now,
                cause=GoneCause.DELETED_BY_CRAFTSYNC,
                rev=Rev(connection, 1),
            )
        store.dispose()
        made.sync()
        assert made.column("select gone_at from executions") == [None, None]


# Secrets in parts that come alone.


@pytest.mark.parametrize("detour", [True, False])
def test_secrets_of_any_kind_are_looked_for_in_parts_that_come_alone_too(tmp_path, detour):
    token, constant, variable = "ghp-5d4c3b2a19", "const-998877", "variable-112233"
    said = f"clone with {token}, {constant}, {variable}"
    world = a_world("e")
    world.add_pipeline("files", created_at=world.now - 9 * DAY, outputs=[Port("f", "file")])
    at = world.now - 8 * DAY
    world.add_execution("files", execution_id="f", created_at=at, lines=[Line(10**18, said)])
    steps = [
        {**step, "repository_url": f"https://{token}:x-oauth-basic@git.example/t.git"}
        for step in world.truth().execution("f").detail["steps"]
    ]
    inputs = [
        {
            "pipeline_input_name": "c",
            "data_type": "string",
            "mapping_type": "constant",
            "mapping_value": {"constant_value": constant},
            "value": constant,
        },
        {
            "pipeline_input_name": "v",
            "data_type": "string",
            "mapping_type": "Environment_Variable",
            "mapping_value": {"environment_variable_name": "V"},
            "value": variable,
        },
    ]
    world.mutate_execution("f", steps=steps, inputs=inputs)
    world.set_value("f", "outputs", "f", Content("text/plain", said.encode()))
    with lab(tmp_path, world) as made:
        made.environ["CRAFTSYNC_REDACT_CONSTANTS"] = "true"
        if detour:
            assert made.sync(logs=False, files=False).exit_code == 0
        assert made.sync().exit_code == 0
        assert made.column("select message from logs where execution_id = 'f'")[0].startswith(
            "clone with redacted:"
        )
        assert made.column("select value_state from outputs where name = 'f'") == ["redacted"]
        written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        for secret in (token, constant, variable):
            assert secret.encode() not in written


# A clock that was ahead.


def test_a_run_under_a_clock_that_was_ahead_puts_nothing_off(tmp_path):
    world = a_world("e")
    with lab(tmp_path, world) as made:
        real = world.now
        world.override("POST", "/executions/e/logs", json_response({"message": "no"}, 500))
        made.clock = lambda: real + 365 * DAY
        for _ in range(3):
            made.sync()
        made.clock = lambda: world.now
        world.restore("POST", "/executions/e/logs")
        row = {"name": "f1", "pipeline_name": "p", "execution_id": "e", "value": 0.5}
        row["created_at"] = "2026-03-01T00:00:00Z"
        world.override(
            "GET", "/metrics/single-value", json_response({"metrics": [row], "total_count": 1})
        )
        assert made.sync().exit_code == 0
        assert counted(made) == {"e": 57}
        assert made.column("select value_text from metrics") == ["0.5"]

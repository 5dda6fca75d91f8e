"""What a sync can be asked for beside mirroring."""

import json
import re
import sqlite3
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from lab import DAY, HOUR, lab
from warm import craftsync

from craftsync.simulator import Response, Server, World


def test_a_limit_that_the_listings_take_up_says_that_more_must_be_allowed(calm):
    listed = [outcome for n in range(10, 60) if (outcome := calm.sync(max_requests=n)).listed]
    assert listed[0].fetched == 0
    assert (
        listed[0].hint == "The listings took all of it, and would again: allow more than they take."
    )
    got_on = [outcome for outcome in listed if outcome.fetched]
    assert got_on
    assert {outcome.hint for outcome in got_on} == {None}


def test_a_run_stops_at_so_many_requests_and_the_next_ones_go_on(calm):
    calm.sync(max_requests=1)
    held = [0]
    for _ in range(12):
        calm.world.requests.clear()
        outcome = calm.sync(max_requests=60)
        assert calm.world.requests.total <= 60
        held.append(calm.column("select count(*) from executions")[0])
        if outcome.exit_code == 0:
            break
        assert (outcome.outcome, outcome.exit_code) == ("partial", 3)
        assert "--max-requests" in outcome.error
        assert held[-1] > held[-2]
    assert outcome.outcome == "complete"
    assert held[-1] == len(calm.world.truth().execution_ids())


def test_a_run_stops_after_so_long(calm):
    outcome = calm.sync(max_duration=timedelta(0))
    assert (outcome.outcome, outcome.exit_code) == ("partial", 3)
    assert "--max-duration" in outcome.error
    assert calm.sync(max_duration=HOUR).outcome == "complete"


def test_a_run_of_a_thousand_years_waits_no_longer_at_once_than_a_system_can(calm):
    for wish in ("10000000000", "9223372036"):
        asked = Response(429, {"Retry-After": wish}, b"")
        calm.world.override("GET", "/pipelines", asked)
        done = craftsync(calm, "sync", "--max-duration", "366000d")
        assert done.returncode == 7, done.stderr
        assert "this run waits" in done.stderr


def test_full_fetches_everything_again_and_writes_nothing_where_nothing_changed(calm):
    calm.sync()
    before = calm.rows("select execution_id, fetched_at, status from executions order by 1")
    calm.world.advance(HOUR)
    outcome = calm.sync(full=True)
    assert outcome.fetched == outcome.listed > 0
    after = calm.rows("select execution_id, fetched_at, status from executions order by 1")
    assert after == before


def test_lookback_finds_what_changed_after_it_was_settled(calm):
    calm.sync()
    name = calm.column(
        "select execution_id from executions where status = 'Succeeded' order by end_date desc"
    )[0]
    calm.world.mutate_execution(name, where="detail", created_by="somebody-else")
    assert calm.sync().fetched == 0
    assert calm.sync(lookback=30 * DAY).exit_code == 0
    row = calm.one("select created_by from executions where execution_id = ?", name)
    assert row["created_by"] == "somebody-else"


def test_a_listing_that_is_as_it_was_is_not_looked_into_and_a_new_row_is_found(calm):
    calm.sync()
    calm.sync()
    hashes = calm.column("select listing_sha256 from scope where kind = 'pipeline'")
    assert all(hashes)
    new = calm.world.add_execution("iris-train", status="Succeeded", created_at=calm.world.now)
    outcome = calm.sync()
    assert outcome.new == 1
    assert calm.column(
        "select count(*) from executions where execution_id = ?", new.execution_id
    ) == [1]


def test_the_hash_of_a_listing_stands_only_while_all_of_it_is_held(calm):
    calm.world.override("GET", "/pipelines/iris-train/executions", _answer(500, {"message": "no"}))
    calm.sync()
    calm.sync()
    rows = calm.rows("select name, listing_sha256 from scope where kind = 'pipeline'")
    hashes = {row["name"]: row["listing_sha256"] for row in rows}
    assert hashes.get("iris-train") is None
    calm.world.restore("GET", "/pipelines/iris-train/executions")
    assert calm.sync().new > 0


def _answer(status, body):
    from craftsync.simulator import Response

    return Response(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def test_metrics_are_read_only_of_pipelines_known_to_record_any(calm):
    calm.sync()
    log = calm.world.requests
    asked = {entry.query for entry in log.matching("GET", "*/metrics/*")}
    named = {query for query in asked if "execution_id" in query}
    recording = calm.column("select distinct pipeline_name from metrics")
    of_all = calm.column("select pipeline_name from executions")
    assert recording
    assert len(named) == sum(name in recording for name in of_all)


def test_a_run_over_one_pipeline_learns_of_all_that_record_metrics(tmp_path):
    world = World(executions=0, pipelines=0)
    for name, kind in (("a", "single-value"), ("b", "list-values")):
        world.add_pipeline(name)
        world.add_execution(name, execution_id=name, created_at=world.now - 5 * HOUR)
        row = {"name": "f1", "pipeline_name": name}
        row |= {"created_at": "2026-03-01T00:00:00Z", "value": 0.5, "values": [0.5]}
        answer = _answer(200, {"metrics": [row], "total_count": 1})
        world.override("GET", f"/metrics/{kind}", answer)
    with lab(tmp_path, world) as made:
        assert made.sync(pipelines=("a",)).exit_code == 0
        assert made.sync().exit_code == 0
        assert "b" in made.column("select pipeline_name from metrics")


def test_metrics_that_may_not_be_read_make_a_run_partial_once_and_stay_named(calm):
    calm.world.deny("/metrics/single-value")
    named = "select object_kind, part from sync_failures"
    assert calm.sync().exit_code == 3
    for _ in range(2):
        assert calm.sync().exit_code == 0
        assert [*map(tuple, map(dict.values, calm.rows(named)))] == [("pipelines", "metrics")]
    calm.world.allow("/metrics/single-value")
    assert calm.sync().exit_code == 0
    assert calm.rows(named) == []
    assert calm.column("select distinct name from metrics")


def test_a_pipeline_that_begins_to_record_metrics_is_found_within_a_day(calm):
    calm.world.add_pipeline("late", created_at=calm.world.now - 9 * DAY)
    run = calm.world.add_execution("late", status="Succeeded", created_at=calm.world.now - 8 * DAY)
    calm.sync()
    calm.world.override(
        "GET",
        "/metrics/single-value",
        _answer(
            200,
            {
                "metrics": [
                    {
                        "name": "f1",
                        "value": 0.5,
                        "created_at": "2026-03-01T00:00:00Z",
                        "execution_id": run.execution_id,
                        "deployment_name": None,
                        "pipeline_name": "late",
                    }
                ],
                "total_count": 1,
            },
        ),
    )
    calm.sync()
    assert calm.rows("select * from metrics where execution_id = ?", run.execution_id) == []
    calm.world.advance(DAY)
    calm.sync()
    row = calm.one("select name, value from metrics where execution_id = ?", run.execution_id)
    assert row == {"name": "f1", "value": 0.5}


def test_a_dry_run_tells_what_a_sync_would_do_and_writes_nothing(calm):
    calm.store.unlink()
    first = craftsync(calm, "sync", "--dry-run", "--format", "jsonl")
    assert first.returncode == 0, first.stderr
    assert not calm.store.exists()
    rows = [json.loads(line) for line in first.stdout.splitlines()]
    assert list(rows[0]) == ["environment", "action", "kind", "id", "reason", "requests"]
    wanted = {row["id"] for row in rows if row["kind"] == "execution"}
    assert wanted == set(calm.world.truth().execution_ids())
    assert {row["reason"] for row in rows if row["kind"] == "execution"} == {"new"}
    calm.sync()
    calm.world.delete_execution(sorted(wanted)[0])
    before = calm.store.read_bytes()
    second = craftsync(calm, "sync", "--dry-run", "--format", "jsonl")
    assert second.returncode == 0, second.stderr
    rows = [json.loads(line) for line in second.stdout.splitlines()]
    gone = [row["id"] for row in rows if row["kind"] == "execution"]
    assert gone == [sorted(wanted)[0]]
    assert calm.store.read_bytes() == before


def test_a_dry_run_that_would_withhold_ends_with_4(calm):
    calm.sync()
    calm.world.override("GET", "/pipelines/iris-train/executions", _answer(200, []))
    done = craftsync(calm, "sync", "--dry-run", "--format", "jsonl")
    assert done.returncode == 4
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["action"] for row in rows if row["kind"] == "execution"} == {"withheld"}


def rehearsed(lab, *words):
    done = craftsync(lab, "sync", "--dry-run", "--format", "jsonl", *words)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [(row["action"], row["kind"], row["id"]) for row in rows]


def test_a_dry_run_of_a_pipeline_that_nobody_knows_is_wrong_usage(calm):
    done = craftsync(calm, "sync", "--dry-run", "--pipeline", "iris-trian")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No pipeline is called iris-trian." in done.stderr
    assert "iris-train" in done.stderr


@pytest.mark.parametrize(("runs", "word", "code"), [(1, "gone", 0), (2, "withheld", 4)])
def test_a_dry_run_sees_what_a_deleted_pipeline_took_along(tmp_path, runs, word, code):
    world = World(executions=0, pipelines=0)
    for name in ("kept", "lost"):
        world.add_pipeline(name)
        world.add_deployment(f"{name}-api", name)
    for number in range(runs):
        born = world.now - 5 * HOUR
        world.add_execution("lost", execution_id=f"e{number}", created_at=born, status="Succeeded")
    with lab(tmp_path, world) as made:
        made.sync()
        world.delete_pipeline("lost")
        lost = [(word, "execution", f"e{number}") for number in range(runs)]
        found = rehearsed(made)
        assert found[0] == code
        assert [row for row in found[1] if row[1] == "execution"] == lost
        assert rehearsed(made, "--pipeline", "lost") == (code, lost)
        assert rehearsed(made, "--pipeline", "kept") == (0, [("fetch", "deployment", "kept-api")])
        assert made.sync().exit_code == code


def test_verbose_tells_each_listing_and_how_an_environment_began_and_ended(calm):
    told = craftsync(calm, "sync", "-v").stderr.splitlines()
    assert told[0] == f"default: listing {calm.server.url}"
    assert re.fullmatch(r"default: complete after [\d.]+ s", told[-1])
    pipelines = calm.column("select pipeline_name from pipelines order by 1")
    assert sorted(line.split(": ")[1] for line in told[1:-1]) == pipelines
    counts = [re.search(r": (\d+) listed, (\d+) to fetch$", line) for line in told[1:-1]]
    held = calm.column("select count(*) from executions")[0]
    assert sum(int(count[1]) for count in counts) == held
    assert sum(int(count[2]) for count in counts) == held
    assert craftsync(calm, "sync").stderr == ""
    assert craftsync(calm, "sync", "-v", "-q").stderr == ""


@pytest.mark.parametrize("how", [[], ["--json"]], ids=["table", "json"])
def test_a_pipeline_that_nobody_knows_leaves_no_trace_of_the_run(calm, how):
    assert craftsync(calm, "sync").returncode == 0
    figures = calm.folder / "craftsync.prom"
    before = craftsync(calm, "status", "--json").stdout
    done = craftsync(calm, "sync", "--pipeline", "iris-trian", "--metrics-file", str(figures), *how)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: No pipeline is called iris-trian.\nhint: Did you mean")
    assert calm.column("select outcome from sync_runs") == ["complete"]
    after = craftsync(calm, "status", "--json").stdout
    assert [_without_age(told) for told in (before, after)] == [_without_age(before)] * 2
    assert not figures.exists()


def test_a_pipeline_that_nobody_knows_leaves_no_environment_behind_either(calm):
    done = craftsync(calm, "sync", "--pipeline", "iris-trian")
    assert done.returncode == 2
    assert calm.column("select environment from environments") == []
    assert craftsync(calm, "runs", "--env", "default").returncode == 2
    assert craftsync(calm, "sync").returncode == 0


def _without_age(told):
    (environment,) = json.loads(told)["environments"]
    return {name: value for name, value in environment.items() if name != "age_s"}


def test_a_pipeline_of_one_environment_is_mirrored_there_and_unknown_in_the_other(tmp_path):
    first, second = (World(executions=0, pipelines=0) for _ in range(2))
    first.add_pipeline("mine")
    second.add_pipeline("other")
    with in_two_environments(tmp_path, first, second) as made:
        done = craftsync(made, "sync", "--all-envs", "--pipeline", "mine")
        assert done.returncode == 2
        assert done.stdout.startswith("prod: complete: ")
        assert len(done.stdout.splitlines()) == 1
        assert done.stderr.endswith("\nerror: staging: No pipeline is called mine.\n")
        assert made.column("select environment from sync_runs") == ["prod"]


def test_of_several_environments_each_is_named_beside_what_is_not_stored(tmp_path):
    worlds = [World(seed=4, executions=20, settled=True) for _ in range(2)]
    with in_two_environments(tmp_path, *worlds) as made:
        craftsync(made, "sync", "--all-envs", "-q")
        for world in worlds:
            world.override("GET", "/pipelines/iris-train/executions", _answer(200, []))
        withheld = craftsync(made, "sync", "--all-envs", "-q")
        assert withheld.returncode == 4
        errors = withheld.stderr.splitlines()
        assert errors[0].startswith("error: prod: Upstream lists 0 executions of iris-train;")
        assert "craftsync sync --env prod --pipeline iris-train --accept-vanished" in errors[1]
        assert errors[2].startswith("error: staging: Upstream lists 0 executions of iris-train;")
        assert "craftsync sync --env staging --pipeline iris-train" in errors[3]
        alone = craftsync(made, "sync", "--env", "prod", "-q").stderr.splitlines()
        assert alone[0].startswith("error: Upstream lists 0 executions of iris-train;")
        assert "craftsync sync --env prod --pipeline iris-train --accept-vanished" in alone[1]
        for world in worlds:
            world.override("GET", "/pipelines/iris-train/executions", _answer(403, {}))
        partial = craftsync(made, "sync", "--all-envs", "-q")
        assert partial.returncode == 3
        blocks = [line for line in partial.stderr.splitlines() if line.startswith("craftsync")]
        assert [line.split(" of ")[0] for line in blocks] == [
            "craftsync: prod: partial: 1",
            "craftsync: staging: partial: 1",
        ]


def told_of(done):
    """Return the rows of a rehearsal, and the errors that were said."""
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return rows, [line for line in done.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize("code", [6, 7])
def test_an_environment_that_fails_does_not_keep_the_others_from_being_rehearsed(tmp_path, code):
    first, second = (World(seed=seed, executions=20, settled=True) for seed in (4, 5))
    with in_two_environments(tmp_path, first, second) as made:
        if code == 6:
            del made.environ["TOKEN_A"]
        else:
            made.environ["CRAFTSYNC_ENVIRONMENTS_PROD_URL"] = "http://127.0.0.1:1"
        words = ("sync", "--dry-run", "--format", "jsonl")
        done = craftsync(made, *words, "--all-envs")
        rows, errors = told_of(done)
        assert {row["environment"] for row in rows} == {"staging"}
        assert sum(row["kind"] == "execution" for row in rows) == 20
        assert len(errors) == 1
        assert errors[0].startswith("error: prod: ")
        assert done.returncode == code
        alone = craftsync(made, *words, "--env", "prod")
        assert (alone.returncode, alone.stdout) == (code, "")
        assert f"error: {errors[0].removeprefix('error: prod: ')}" in alone.stderr


def test_a_rehearsal_ends_with_the_first_code_of_what_befell_its_environments(tmp_path):
    first, second = (World(seed=seed, executions=20, settled=True) for seed in (4, 5))
    with in_two_environments(tmp_path, first, second) as made:
        craftsync(made, "sync", "--all-envs", "-q")
        second.override("GET", "/pipelines/iris-train/executions", _answer(200, []))
        words = ("sync", "--dry-run", "--format", "jsonl", "--all-envs")
        done = craftsync(made, *words)
        assert (done.returncode, told_of(done)[1]) == (4, [])
        first.override("GET", "/pipelines", _answer(200, {"none": 1}))
        done = craftsync(made, *words)
        rows, errors = told_of(done)
        assert {row["environment"] for row in rows} == {"staging"}
        assert (done.returncode, len(errors)) == (4, 1)
        del made.environ["TOKEN_A"]
        assert craftsync(made, *words).returncode == 6
        del made.environ["TOKEN_B"]
        done = craftsync(made, *words)
        assert (done.returncode, done.stdout, len(told_of(done)[1])) == (6, "", 2)


def test_a_pipeline_of_one_environment_is_rehearsed_there(tmp_path):
    first, second = (World(executions=0, pipelines=0) for _ in range(2))
    first.add_pipeline("mine")
    second.add_pipeline("other")
    first.add_execution("mine", execution_id="e1")
    with in_two_environments(tmp_path, first, second) as made:
        words = ("sync", "--dry-run", "--format", "jsonl", "--all-envs", "--pipeline", "mine")
        done = craftsync(made, *words)
        rows, errors = told_of(done)
        assert [row["id"] for row in rows if row["kind"] == "execution"] == ["e1"]
        assert (done.returncode, errors) == (2, ["error: staging: No pipeline is called mine."])


def test_a_rehearsal_of_several_environments_has_one_limit(tmp_path):
    worlds = [World(seed=seed, executions=20, settled=True) for seed in (4, 5)]
    with in_two_environments(tmp_path, *worlds) as made:
        done = craftsync(made, "sync", "--dry-run", "--all-envs", "--max-requests", "12")
        assert done.returncode == 3
        assert sum(world.requests.total for world in worlds) <= 12


@contextmanager
def in_two_environments(folder, first, second):
    """Open a lab over the first world, called prod, and the second, called staging."""
    with lab(folder, first) as made, Server(second) as other:
        made.environ |= {
            "CRAFTSYNC_ENVIRONMENTS_PROD_URL": made.server.url,
            "CRAFTSYNC_ENVIRONMENTS_PROD_CONTROL_URL": made.server.url,
            "CRAFTSYNC_ENVIRONMENTS_PROD_TOKEN_ENV": "TOKEN_A",
            "CRAFTSYNC_ENVIRONMENTS_STAGING_URL": other.url,
            "CRAFTSYNC_ENVIRONMENTS_STAGING_CONTROL_URL": other.url,
            "CRAFTSYNC_ENVIRONMENTS_STAGING_TOKEN_ENV": "TOKEN_B",
            "TOKEN_A": first.sdk_token,
            "TOKEN_B": second.sdk_token,
        }
        yield made


@pytest.mark.parametrize("words", [["--all-envs"], ["--all-envs", "--parallel"]])
def test_several_environments_are_one_run(tmp_path, words):
    first, second = (World(seed=seed, executions=20, settled=True) for seed in (4, 5))
    with in_two_environments(tmp_path, first, second) as made:
        unnamed = craftsync(made, "sync")
        assert unnamed.returncode == 2
        done = craftsync(made, "sync", *words, "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert {one["environment"]: one["listed"] for one in told["environments"]} == {
            "prod": 20,
            "staging": 20,
        }
        assert set(made.column("select environment from executions")) == {"prod", "staging"}
        runs = made.rows("select run_id, environment from sync_runs order by environment")
        assert [tuple(run.values()) for run in runs] == [(1, "prod"), (1, "staging")]
        assert told["run_id"] == 1


@pytest.mark.parametrize("words", [["--all-envs"], ["--all-envs", "--parallel"]])
def test_an_environment_without_a_token_does_not_keep_the_others_from_being_mirrored(
    tmp_path, words
):
    first, second = (World(seed=seed, executions=20, settled=True) for seed in (4, 5))
    with in_two_environments(tmp_path, first, second) as made:
        del made.environ["TOKEN_A"]
        done = craftsync(made, "sync", *words, "--json")
        assert done.returncode == 6
        told = json.loads(done.stdout)
        outcomes = {one["environment"]: one["outcome"] for one in told["environments"]}
        assert outcomes == {"prod": "failed", "staging": "complete"}
        assert "The token of environment prod is missing" in done.stderr
        rows = made.rows("select environment, outcome from sync_runs order by environment")
        assert [tuple(row.values()) for row in rows] == [
            ("prod", "failed"),
            ("staging", "complete"),
        ]
        assert craftsync(made, "sync", "--env", "prod").returncode == 6


@pytest.fixture
def called_all(calm):
    """A lab whose settings call its environment `all`."""
    for key in ("URL", "CONTROL_URL"):
        calm.environ[f"CRAFTSYNC_ENVIRONMENTS_ALL_{key}"] = calm.server.url
    calm.environ["CRAFTSYNC_ENVIRONMENTS_ALL_TOKEN_ENV"] = "CRAFT_AI_SDK_TOKEN"
    return calm


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--all-envs",)])
def test_an_environment_is_not_called_as_questions_call_all_of_them(called_all, words):
    done = craftsync(called_all, "sync", *words)
    assert (done.returncode, done.stdout) == (6, "")
    assert "No environment can be called 'all'" in done.stderr
    assert called_all.column("select environment from environments") == []
    assert called_all.world.requests.total == 0
    assert craftsync(called_all, "runs").returncode == 0


def test_an_environment_called_all_that_is_held_already_goes_on(called_all):
    plain = {name: text for name, text in called_all.environ.items() if "_ALL_" not in name}
    named, called_all.environ = called_all.environ, plain
    called_all.sync()
    called_all.environ = named
    with closing(sqlite3.connect(called_all.store)) as store:
        store.execute("update environment set name = 'all'")
        store.commit()
    for words in ((), ("--dry-run",)):
        assert craftsync(called_all, "sync", *words).returncode == 0
    assert called_all.column("select environment from environments") == ["all"]


def test_the_figures_of_a_run_go_into_a_file_for_prometheus(calm):
    path = calm.folder / "craftsync.prom"
    done = craftsync(calm, "sync", "-q", "--metrics-file", str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = path.read_text()
    (line,) = [line for line in text.splitlines() if 'outcome="complete"' in line]
    assert line.startswith("craftsync_last_run_outcome{")
    assert line.endswith(" 1.0")


def test_a_dry_run_of_a_platform_that_does_not_listen_ends_with_7(calm):
    calm.environ["CRAFT_AI_ENVIRONMENT_URL"] = "http://127.0.0.1:9"
    done = craftsync(calm, "sync", "--dry-run")
    assert done.returncode == 7
    assert "does not answer" in done.stderr


def test_a_dry_run_of_another_environment_is_refused_unless_it_is_accepted(calm):
    calm.sync()
    calm.world.override("GET", "/environment-info", _answer(200, {"environment_id": "other"}))
    assert craftsync(calm, "sync", "--dry-run").returncode == 4
    accepted = craftsync(calm, "sync", "--dry-run", "--accept-environment", "other")
    assert accepted.returncode == 0


def test_what_names_another_pipeline_is_left_to_it_in_a_scoped_sync_too(calm):
    calm.sync()
    entry = {
        "execution_id": "stray",
        "created_at": "2026-02-01T00:00:00Z",
        "status": "Succeeded",
        "end_date": "2026-02-01T00:01:00Z",
        "pipeline_name": "churn-train",
    }
    calm.world.override("GET", "/pipelines/never-run/executions", _answer(200, [entry]))
    calm.world.requests.clear()
    assert calm.sync(pipelines=("never-run",)).fetched == 0
    assert calm.world.requests.count("GET", "/api/v1/executions/stray") == 0

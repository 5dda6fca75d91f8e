"""Faults that other tools had at the edges of time, of pages, of tokens and of text."""

import json
import subprocess
import sys

import pytest
from lab import DAY, HOUR, lab

from craftsync.errors import BadCredentials
from craftsync.simulator import Faults, Line, Response, World

MINUTE = HOUR / 60


@pytest.fixture
def bare(tmp_path):
    """A lab over one pipeline without inputs and outputs, and no executions."""
    world = World(seed=1, executions=0, pipelines=0)
    world.add_pipeline("p", inputs=[], outputs=[], created_at=world.now - 30 * DAY)
    with lab(tmp_path, world) as made:
        yield made


def ids(made):
    return sorted(made.column("select execution_id from executions"))


def add(made, name, **what):
    what = {"created_at": made.world.now - 5 * HOUR, "status": "Succeeded", **what}
    return made.world.add_execution("p", execution_id=name, **what)


@pytest.mark.parametrize("later_s", [0, 0.8, -1, -3600, -30 * 24 * 3600])
def test_what_appears_later_is_mirrored_whenever_it_was_made(bare, later_s):
    add(bare, "e1")
    bare.sync()
    add(bare, "e2", created_at=bare.world.now - 5 * HOUR + later_s * HOUR / 3600)
    outcome = bare.sync()
    assert (outcome.new, ids(bare)) == (1, ["e1", "e2"])


def test_what_changes_after_its_listing_was_read_is_read_again_by_the_next_run(bare):
    bare.world.start_execution("p")
    add(bare, "e1", created_at=bare.world.now - MINUTE, status="Running")

    def finish(request):
        if request.path.endswith("/logs"):
            bare.world.finish_execution("e1", "Succeeded")

    bare.world.requests.watch(finish)
    bare.sync()
    bare.sync()
    assert bare.one("select status from executions where execution_id = 'e1'") == {
        "status": "Succeeded"
    }


def test_a_list_that_the_server_cuts_without_a_word_deletes_nothing(bare):
    for number in range(30):
        add(bare, f"e{number:02}")
    bare.sync()
    address = "/pipelines/p/executions"
    entries = [
        {
            "execution_id": f"e{number:02}",
            "created_at": bare.world.truth().execution(f"e{number:02}").detail["created_at"],
            "status": "Succeeded",
            "pipeline_name": "p",
            "end_date": bare.world.truth().execution(f"e{number:02}").detail["end_date"],
        }
        for number in range(29)
    ]
    body = json.dumps(entries).encode()
    bare.world.override("GET", address, Response(200, {"Content-Type": "application/json"}, body))
    outcome = bare.sync()
    assert (outcome.exit_code, outcome.gone) == (0, 0)
    assert bare.column("select count(*) from executions where gone_at is null") == [30]


def test_lines_of_one_millisecond_and_equal_lines_are_each_stored_as_often_as_they_are(bare):
    add(bare, "e1")
    at = 1_772_366_400_000_000_000
    lines = [
        Line(at + 123_456, "a", "stdout", part=0),
        Line(at + 123_789, "b", "stdout", part=0),
        Line(at + 123_999, "same", "stdout", part=0),
        Line(at + 123_999, "same", "stdout", part=0),
        Line(at + 123_999, "same", "stdout", part=0),
    ]
    bare.world.replace_lines("e1", lines)
    bare.sync()
    bare.sync(full=True)
    assert bare.column("select message from logs order by line_number") == [
        "a",
        "b",
        "same",
        "same",
        "same",
    ]


def test_a_line_that_comes_late_with_an_older_time_is_caught_while_its_execution_may_change(bare):
    add(bare, "e1", created_at=bare.world.now - 10 * MINUTE, status="Running")
    at = int((bare.world.now - 5 * MINUTE).timestamp()) * 1_000_000_000
    bare.world.replace_lines("e1", [Line(at + 60 * 10**9, "newer", "stdout", part=0)])
    bare.sync()
    bare.world.append_lines("e1", [Line(at, "late", "stdout", part=0)])
    bare.sync()
    assert sorted(bare.column("select message from logs")) == ["late", "newer"]


def test_a_token_that_ends_again_and_again_loses_nothing(tmp_path):
    world = World(seed=2, executions=60, settled=True, token_lifetime_s=0.2)
    with lab(tmp_path, world, latency_ms=5) as made:
        outcome = made.sync()
        assert outcome.outcome == "complete"
        assert world.requests.count("POST", "*/auth/refresh") > 1
        assert made.column("select count(*) from executions") == [60]


def test_a_401_in_the_middle_of_a_run_costs_one_renewal_and_no_part(calm_lab):
    calm_lab.server.faults = Faults(seed=1, rates={})
    calm_lab.server.faults.once("401", method="POST", path="*/logs")
    outcome = calm_lab.sync()
    assert outcome.outcome == "complete"
    assert calm_lab.world.requests.count("POST", "*/auth/refresh") == 2


@pytest.fixture
def calm_lab(tmp_path):
    with lab(tmp_path, World(seed=2, executions=60, settled=True)) as made:
        yield made


def test_a_token_that_is_revoked_in_mid_run_keeps_what_came_and_the_next_run_goes_on(calm_lab):
    seen = []

    def revoke(request):
        seen.append(request.path)
        if len(seen) == 90:
            calm_lab.world.accounts.revoke_sdk_token()
            calm_lab.world.expire_tokens()

    calm_lab.world.requests.watch(revoke)
    outcome = calm_lab.sync()
    assert outcome.exit_code == BadCredentials.exit_code
    held = calm_lab.column("select count(*) from executions")[0]
    assert 0 < held < 60
    assert calm_lab.column("select outcome from sync_runs") == ["failed"]
    calm_lab.world.accounts.add_sdk_token("again")
    calm_lab.environ["CRAFT_AI_SDK_TOKEN"] = "again"
    again = calm_lab.sync()
    assert again.outcome == "complete"
    assert again.new == 60 - held


def test_one_bad_execution_of_many_is_named_and_the_others_are_whole(bare):
    for number in range(50):
        add(bare, f"e{number:02}")
    bare.world.mutate_execution("e07", created_at=None)
    bare.world.mutate_execution("e08", steps=None)
    no = Response(500, {"Content-Type": "application/json"}, b'{"message": "no"}')
    bare.world.override("POST", "/executions/e09/logs", no)
    outcome = bare.sync()
    assert outcome.exit_code == 3
    assert sorted((f.object_id, f.part) for f in outcome.failed) == [
        ("e07", "detail"),
        ("e09", "logs"),
    ]
    assert len(ids(bare)) == 49
    assert bare.column("select count(*) from steps where execution_id = 'e08'") == [0]
    raw = bare.one("select raw from sync_failure where object_id = 'e07'")["raw"]
    assert json.loads(raw)["execution_id"] == "e07"


def test_three_syncs_of_an_unchanged_platform_leave_one_dump(calm_lab):
    dumps = []
    for _ in range(3):
        assert calm_lab.sync().exit_code == 0
        done = subprocess.run(
            [sys.executable, "-m", "craftsync", "db", "dump", "--canonical"],
            env=calm_lab.environ,
            capture_output=True,
            check=True,
        )
        dumps.append(done.stdout)
    assert dumps[0] == dumps[1] == dumps[2]
    assert len(dumps[0].splitlines()) > 60


TEXTS = {
    "nul": ("a\0b", "a\u2400b"),
    "surrogate": ("x\ud83dy", "x\ufffdy"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_text_that_no_database_can_hold_is_shown_in_sql_and_exact_elsewhere(bare, kind):
    exact, shown = TEXTS[kind]
    add(bare, "e1")
    at = 1_772_366_400_000_000_000
    lines = [Line(at + number, f"line {number}", "stdout", part=0) for number in range(20)]
    lines[7] = Line(at + 7, exact, "stdout", part=0)
    bare.world.replace_lines("e1", lines)
    assert bare.sync().exit_code == 0
    assert bare.column("select message from logs where line_number = 8") == [shown]
    assert bare.column("select count(*) from logs") == [20]

    def logs(*words):
        done = subprocess.run(
            [sys.executable, "-m", "craftsync", "logs", "e1", *words],
            env=bare.environ,
            capture_output=True,
            check=True,
        )
        return done.stdout

    rows = [json.loads(line) for line in logs("--format", "jsonl").splitlines()]
    assert rows[7]["message"] == exact
    assert logs("--raw").split(b"\n")[7] == exact.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-02-24T10:00:00+02:00", "2026-02-24T08:00:00.000000Z"),
        ("2026-02-24T10:00:00Z", "2026-02-24T10:00:00.000000Z"),
        ("2026-02-24T10:00:00.5Z", "2026-02-24T10:00:00.500000Z"),
        ("2026-02-24 10:00:00", "2026-02-24T10:00:00.000000Z"),
        ("2026-02-24T10:00:00.123456789Z", "2026-02-24T10:00:00.123456Z"),
    ],
)
def test_an_instant_of_any_form_is_stored_in_one(bare, sent, stored):
    add(bare, "e1")
    bare.world.mutate_execution("e1", created_at=sent)
    assert bare.sync().exit_code == 0
    assert bare.column("select created_at from executions") == [stored]


def test_a_key_nobody_knows_yet_is_kept_in_the_raw_answer(bare):
    for number in range(3):
        add(bare, f"e{number}")
    bare.world.mutate_execution("e2", where="everywhere", gpu_type={"name": "A100", "count": 2})
    assert bare.sync().exit_code == 0
    from craftsync.records import ObjectKind
    from craftsync.store import engine, raw

    reader = engine.reader(engine.address(bare.store))
    (key,) = bare.column("select key from execution where execution_id = 'e2'")
    with reader.connect() as connection:
        kept = raw.read(connection, ObjectKind.EXECUTION, key)
    reader.dispose()
    assert json.loads(kept.body)["gpu_type"] == {"name": "A100", "count": 2}

"""What a sync leaves is held against what the platform truly holds: row by row, value by value."""

import hashlib
import json
from contextlib import ExitStack
from datetime import timedelta

import pytest
from journeys.checker import Mirror, leaks, nanoseconds
from lab import HOUR
from lab import lab as make_lab

from craftsync.simulator import ABSENT, Content, Line, Port, Quirks, Response, World, json_response
from craftsync.store import dump, engine

MINUTE = timedelta(minutes=1)
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def labs(tmp_path):
    """Make labs over worlds, each in a folder of its own."""
    with ExitStack() as stack:
        made = []

        def make(world, **server):
            folder = tmp_path / str(len(made))
            folder.mkdir()
            made.append(stack.enter_context(make_lab(folder, world, **server)))
            return made[-1]

        yield make


@pytest.fixture
def bare(labs):
    """A lab over one pipeline without executions."""
    return labs(World(executions=0, pipelines=0))


def synced(lab):
    """Sync with a fingerprint key that is the same in every store."""
    lab.environ["CRAFTSYNC_FINGERPRINT_KEY"] = "ab" * 32
    outcome = lab.sync()
    assert (outcome.outcome, outcome.failed) == ("complete", ())
    return lab


def lines_of(lab):
    """Give the canonical dump, but for the address of the server."""
    reader = engine.reader(engine.address(lab.store))
    with reader.connect() as connection:
        lines = [
            line
            for line in dump.canonical_lines(connection)
            if '"relation":"environments"' not in line
        ]
    reader.dispose()
    return lines


# The whole estate


@pytest.mark.parametrize(
    ("seed", "executions", "later"), [(1, 60, 3 * HOUR), (2, 40, 20 * MINUTE), (5, 30, 7 * MINUTE)]
)
def test_every_relation_holds_the_truth_at_once_and_again_later(labs, seed, executions, later):
    lab = labs(World(seed=seed, executions=executions))
    for _ in range(2):
        outcome = lab.sync()
        assert (outcome.outcome, outcome.exit_code) == ("complete", 0)
        assert Mirror(lab).differences() == []
        lab.world.advance(later)


def test_no_secret_of_the_world_is_in_any_file_while_and_after_a_sync(labs):
    lab = labs(World(seed=1, executions=120))
    files, found = set(), []

    def look(_):
        files.update(path.name for path in lab.folder.iterdir())
        found.extend(leaks(lab))

    app = lab.app
    report = app.sync(app.settings.environments_to_use(), app.sync_options(), listener=look)
    assert report.exit_code == 0
    assert files >= {"history.db", "history.db-wal", "history.db-shm"}
    assert found + leaks(lab) == []
    told = "select count(*) from {} where {} like '%redacted:%'"
    (token,) = lab.column("select count(endpoint_token_fingerprint) from deployments")
    echoed = lab.column(told.format("outputs", "value_text"))
    printed = lab.column(told.format("logs", "message"))
    assert token > 0
    assert echoed > [0]
    assert printed > [0]


def test_an_unchanged_secret_keeps_its_fingerprint_and_another_has_another(labs):
    lab = labs(World(seed=1, executions=80))
    lab.sync()
    prints = lab.rows(
        "select environment_variable_name as name, count(distinct value) as prints, count(*) as n"
        " from inputs where source = 'environment_variable' group by 1"
    )
    assert {row["prints"] for row in prints} == {1}
    assert len(prints) == len({row["name"] for row in prints}) == 4
    assert len(lab.column("select distinct value from inputs where value like '\"redacted:%'")) == 4


def test_two_stores_of_one_world_do_not_share_their_fingerprints(labs):
    world = World(seed=1, executions=20, settled=True)
    one, other = labs(world, begun=False), labs(world, begun=False)
    one.sync()
    other.sync()
    ask = "select distinct value from inputs where value_state = 'redacted'"
    assert not set(one.column(ask)) & set(other.column(ask))


# What nobody knows of the platform makes no difference

SAME = [
    {
        "order": "newest_first",
        "steps_in_lists": True,
        "latest_none": "204",
        "logs_limit_keeps": "newest",
        "file_content_type": "octet_stream",
    },
    {
        "order": "shuffled",
        "latest_shape": "full",
        "logs_without_lines": "[[]]",
        "missing_value": "404",
        "second_delete": "204",
    },
    {
        "unknown_pipeline_executions": "empty",
        "latest_none": "empty_object",
        "logs_from_inclusive": False,
        "missing_value": "204",
        "archived": "served",
    },
    {
        "logs_to_inclusive": False,
        "logs_late_s": 30.0,
        "outputs_while_running": "null",
        "file_content_type": "unusual",
        "list_total_counts": "values",
    },
    {
        "outputs_while_running": "empty",
        "running_delete": "allowed",
        "polls_before_result": 0,
        "run_status": 303,
    },
]
OTHER = [
    {"run_deployment_name": "null", "logs_shape": "flat", "outputs_while_running": "null"},
    {"run_deployment_name": "absent", "logs_shape": "null", "datastore_path": "pattern"},
    {"run_deployment_name": "pseudo", "logs_stream": "always", "outputs_while_running": "empty"},
    {"logs_shape": "204", "order": "shuffled"},
    {"logs_shape": "empty", "missing_value": "404"},
    {"logs_stream": "never", "datastore_path": "pattern"},
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The dump of a settled world without quirks."""
    with make_lab(tmp_path_factory.mktemp("plain"), World(4, 20, settled=True)) as lab:
        lines = lines_of(synced(lab))
        never_came = lab.column(
            "select count(*) from outputs natural join executions where data_type = 'file'"
            " and status = 'Failed' and value_state = 'absent' and destination <> 'is_null'"
        )
        assert never_came > [0]
        return lines


@pytest.mark.parametrize("quirks", SAME, ids="-".join)
def test_quirks_of_the_platform_change_nothing_of_what_is_held(labs, plain, quirks):
    lab = labs(World(4, 20, settled=True, quirks=Quirks(**quirks)))
    differing = set(lines_of(synced(lab))) ^ set(plain)
    assert differing == set()


@pytest.mark.parametrize("quirks", OTHER, ids="-".join)
def test_quirks_that_show_other_things_are_mirrored_as_they_are(labs, quirks):
    lab = labs(World(6, 20, quirks=Quirks(**quirks)))
    outcome = lab.sync()
    assert (outcome.outcome, outcome.failed) == ("complete", ())
    shape = quirks.get("logs_shape")
    differences = Mirror(lab).differences(
        flat_logs=shape == "flat", no_logs=shape in ("null", "204", "empty")
    )
    assert differences == []


def test_logs_that_the_platform_has_none_of_are_absent(labs):
    lab = labs(World(6, 10, settled=True, quirks=Quirks(logs_shape="null")))
    lab.sync()
    assert set(lab.column("select logs_state from executions")) == {"absent"}
    assert set(lab.column("select state from parts where part = 'logs'")) == {"absent"}
    assert lab.column("select count(*) from logs") == [0]


# Values

VALUES = [
    ("null", "null", None, None),
    ("0", "0", "0", 0.0),
    ("-0", "-0", "-0", -0.0),
    ("-0.0", "-0.0", "-0.0", -0.0),
    ("1.50", "1.50", "1.50", 1.5),
    ("1E3", "1E3", "1E3", 1000.0),
    ("9007199254740993", "9007199254740993", "9007199254740993", 9007199254740992.0),
    ("1" + "0" * 30, "1" + "0" * 30, "1" + "0" * 30, 1e30),
    ("0.1000000000000000055511151231257827", *["0.1000000000000000055511151231257827"] * 2, 0.1),
    ("NaN", '"NaN"', "NaN", None),
    ("Infinity", '"Infinity"', "Infinity", None),
    ("-Infinity", '"-Infinity"', "-Infinity", None),
    ("1e999", '"1e999"', "1e999", None),
    ("true", "true", "true", None),
    ("false", "false", "false", None),
    ('""', '""', "", None),
    ('"null"', '"null"', "null", None),
    ('"OK"', '"OK"', "OK", None),
    ('"0"', '"0"', "0", None),
    ('"d\\u00e9j\\u00e0 \\u2713"', '"déjà ✓"', "déjà ✓", None),
    ('"a\\u0000b"', '"a\u2400b"', "a\u2400b", None),
    ('"a\\ud800b"', '"a\ufffdb"', "a\ufffdb", None),
    ('"\\ud83d\\ude00"', '"😀"', "😀", None),
    ("{}", "{}", "{}", None),
    ("[]", "[]", "[]", None),
    ('[ 1 , 2.50, "x" ]', '[1,2.50,"x"]', '[1,2.50,"x"]', None),
    ('{"b": {"a": null}, "a": 1e5}', *['{"b":{"a":null},"a":1e5}'] * 2, None),
]


@pytest.fixture(scope="module")
def held_values(tmp_path_factory):
    """The inputs held after a sync of executions that were sent these very bytes."""
    world = World(executions=0, pipelines=0)
    world.add_pipeline("p")
    for number, (sent, *_) in enumerate(VALUES):
        world.add_execution("p", execution_id=f"e{number}", lines=[])
        detail = world.truth().execution(f"e{number}").detail
        detail["inputs"][0]["value"] = "HERE"
        body = json.dumps(detail).replace('"HERE"', sent)
        world.override("GET", f"/executions/e{number}", Response(200, JSON, body.encode()))
    with make_lab(tmp_path_factory.mktemp("values"), world) as lab:
        assert lab.sync().failed == ()
        return {row["execution_id"]: row for row in lab.rows("select * from inputs")}


@pytest.mark.parametrize("number", range(len(VALUES)), ids=[repr(one[0])[:24] for one in VALUES])
def test_a_value_is_kept_by_its_own_digits(held_values, number):
    row = held_values[f"e{number}"]
    held = (row["value"], row["value_text"], row["value_number"])
    assert held == VALUES[number][1:]
    assert row["value_state"] == "ok"


def test_a_value_that_is_not_there_is_told_from_one_that_is_null(bare):
    bare.world.add_pipeline("p", inputs=[Port("x", "json")], outputs=[Port("y", "json")])
    ports = {"data_type": "json", "mapping_type": "run", "mapping_value": {}}
    bare.world.add_execution(
        "p",
        execution_id="e1",
        inputs=[
            {"pipeline_input_name": "there", **ports, "value": None},
            {"pipeline_input_name": "not", **ports},
            {"pipeline_input_name": "bare", **ports, "mapping_value": None, "value": 0},
            {"step_input_name": "old", "data_type": "json", "source": "constant", "value": 1},
        ],
    )
    assert bare.sync().exit_code == 0
    rows = bare.rows("select name, source, value, value_state from inputs order by position")
    assert [tuple(row.values()) for row in rows] == [
        ("there", "run", "null", "ok"),
        ("not", "run", None, "absent"),
        ("bare", "run", "0", "ok"),
        ("old", "constant", "1", "ok"),
    ]


def test_files_are_kept_byte_for_byte_under_their_hash(bare):
    world = bare.world
    world.add_pipeline("p", inputs=[Port("in", "file")], outputs=[Port("out", "file")])
    world.add_execution("p", execution_id="e1")
    world.add_execution("p", execution_id="e2")
    big = b"\x00\xff\r\n" * 700_000  # more than one chunk
    world.set_value("e1", "outputs", "out", Content("application/octet-stream", big))
    world.set_value("e1", "inputs", "in", Content("text/csv", b""))
    world.set_value("e2", "outputs", "out", Content("text/html; charset=utf-8", big))
    assert bare.sync().exit_code == 0
    rows = bare.rows(
        "select execution_id, file_sha256, size_bytes, value, value_state from outputs order by 1"
    )
    sha256 = hashlib.sha256(big).hexdigest()
    assert [tuple(row.values()) for row in rows] == [
        ("e1", sha256, len(big), None, "ok"),
        ("e2", sha256, len(big), None, "ok"),
    ]
    chunks = bare.column("select bytes from file_chunk where sha256 = ? order by n", sha256)
    assert b"".join(chunks) == big
    empty = bare.one("select * from inputs where execution_id = 'e1'")
    assert (empty["size_bytes"], empty["value_state"]) == (0, "ok")
    assert empty["file_sha256"] == hashlib.sha256(b"").hexdigest()


def test_a_file_that_is_too_big_is_named_with_its_size_and_is_no_failure(bare):
    world = bare.world
    world.add_pipeline("p", outputs=[Port("out", "file")])
    world.add_execution("p", execution_id="e1")
    world.set_value("e1", "outputs", "out", Content("application/octet-stream", b"x" * 2000))
    bare.environ["CRAFTSYNC_SYNC_MAX_FILE_BYTES"] = "1999"
    outcome = bare.sync()
    assert (outcome.exit_code, outcome.too_big) == (0, 1)
    row = bare.one("select file_sha256, size_bytes, value_state from outputs")
    assert tuple(row.values()) == (None, 2000, "too_big")
    part = bare.one("select state, size_bytes from parts where part = 'output'")
    assert tuple(part.values()) == ("too_big", 2000)


# Redaction

SECRET = "hunter2-and-more"


def env_item(name, value, **more):
    return {
        "pipeline_input_name": name,
        "data_type": "json",
        "mapping_type": "environment_variable",
        "mapping_value": {"environment_variable_name": name.upper()},
        "value": value,
        **more,
    }


def everywhere(lab):
    return b"".join(path.read_bytes() for path in lab.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("secret", [SECRET, 9182736455, {"user": "me", "pass": SECRET}, "short"])
def test_a_value_from_an_environment_variable_is_never_written(bare, secret):
    bare.world.add_pipeline("p")
    bare.world.add_execution("p", execution_id="e1", inputs=[env_item("key", secret)])
    assert bare.sync().exit_code == 0
    row = bare.one("select value, value_text, value_number, value_state from inputs")
    text = secret if isinstance(secret, str) else json.dumps(secret, separators=(",", ":"))
    fingerprint = Mirror(bare).secrets.fingerprint(text)
    assert tuple(row.values()) == (f'"{fingerprint}"', fingerprint, None, "redacted")
    for leaf in (SECRET, "9182736455"):
        assert leaf.encode() not in everywhere(bare)


def test_a_secret_is_replaced_wherever_its_execution_says_it_again(bare):
    world = bare.world
    world.add_pipeline("p", outputs=[Port("y", "json"), Port("f", "file")])
    at = nanoseconds("2026-02-01T00:00:00.000000000Z")
    said = {"url": f"https://x/?k={SECRET}", SECRET: [SECRET, "héhé " + SECRET]}
    run = world.add_execution("p", execution_id="e1", inputs=[env_item("key", SECRET)])
    outputs = [dict(item.item) for item in world.truth().execution("e1").outputs]
    outputs[0]["value"] = said
    world.mutate_execution(run.execution_id, outputs=outputs)
    world.replace_lines("e1", [Line(at, f"key is {SECRET}!"), Line(at, json.dumps(said))])
    world.add_execution("p", execution_id="other", lines=[Line(at, "nothing to hide")])
    assert bare.sync().exit_code == 0
    fingerprint = Mirror(bare).secrets.fingerprint(SECRET)
    output = bare.one("select value, value_state from outputs where name='y' and execution_id='e1'")
    assert json.loads(output["value"]) == {
        "url": f"https://x/?k={fingerprint}",
        fingerprint: [fingerprint, "héhé " + fingerprint],
    }
    assert output["value_state"] == "redacted"
    messages = bare.column("select message from logs where execution_id='e1' order by line_number")
    assert messages[0] == f"key is {fingerprint}!"
    assert all(SECRET not in message for message in messages)
    assert SECRET.encode() not in everywhere(bare)


def test_a_secret_in_the_bytes_of_a_file_is_replaced_and_the_file_says_so(bare):
    world = bare.world
    world.add_pipeline("p", outputs=[Port("f", "file")])
    world.add_execution("p", execution_id="e1", inputs=[env_item("key", SECRET)])
    body = b"\x00" * 70_000 + SECRET.encode() + b"\xff"
    world.set_value("e1", "outputs", "f", Content("application/octet-stream", body))
    assert bare.sync().exit_code == 0
    fingerprint = Mirror(bare).secrets.fingerprint(SECRET)
    kept = body.replace(SECRET.encode(), fingerprint.encode())
    row = bare.one("select file_sha256, size_bytes, value_state from outputs")
    assert tuple(row.values()) == (hashlib.sha256(kept).hexdigest(), len(kept), "redacted")
    assert SECRET.encode() not in everywhere(bare)


def test_a_secret_in_the_error_about_a_part_is_replaced(bare):
    world = bare.world
    world.add_pipeline("p")
    world.add_execution("p", execution_id="e1", inputs=[env_item("key", SECRET)])
    world.override("POST", "/executions/e1/logs", json_response({"message": f"no {SECRET}"}, 400))
    outcome = bare.sync()
    assert outcome.exit_code == 3
    assert SECRET not in repr(outcome)
    assert "redacted:" in bare.one("select error from parts where part = 'logs'")["error"]
    assert SECRET.encode() not in everywhere(bare)


def test_the_user_of_a_repository_and_unknown_credentials_are_not_kept(bare):
    world = bare.world
    world.add_pipeline("p")
    url = f"https://ci:{SECRET}@git.example.org/team/p.git"
    step = {"name": "p", "status": "Succeeded", "repository_url": url}
    world.add_execution("p", execution_id="e1", steps=[step], api_key=SECRET + "-2")
    world.add_deployment("d", "p", new_access_token=SECRET + "-3")
    assert bare.sync().exit_code == 0
    assert bare.one("select repository_url from steps") == {
        "repository_url": "https://git.example.org/team/p.git"
    }
    assert SECRET.encode() not in everywhere(bare)


def test_an_object_that_is_refused_is_kept_without_its_secrets(bare):
    world = bare.world
    world.add_pipeline("p")
    world.add_deployment("d", "p")
    world.mutate_deployment("d", created_at="?", endpoint_token=SECRET, note=f"is {SECRET}")
    for number, changes in enumerate(({"created_at": "?"}, {"steps": {"no": "list"}})):
        name = f"e{number}"
        world.add_execution("p", execution_id=name, inputs=[env_item("key", SECRET)], lines=[])
        world.mutate_execution(name, note=f"it is {SECRET}", **changes)
    entry = world.truth().execution("e0").detail
    world.override("GET", "/pipelines/p/executions", json_response([entry, entry_of(world, "e1")]))
    outcome = bare.sync()
    assert {one.object_id for one in outcome.failed} == {"d", "e0", "e1"}
    kept = bare.column("select raw from sync_failure")
    assert all(b"redacted:" in raw for raw in kept)
    assert SECRET.encode() not in everywhere(bare)
    assert SECRET not in repr(outcome)


def entry_of(world, execution_id):
    detail = world.truth().execution(execution_id).detail
    return {name: detail[name] for name in ("execution_id", "created_at", "status")}


# Names

ODD_NAMES = ["a/b", "a#b?c=d", "a%2Fb", "déjà ✓", "a b", "...", "a;b", "'", '"', "+", "-x"]


def test_objects_of_any_name_are_found_under_it(bare):
    world = bare.world
    for name in ODD_NAMES:
        world.add_pipeline(name, inputs=[Port(name, "file")], outputs=[Port(name, "string")])
        world.add_deployment(name, name)
        world.add_execution(name, deployment=name, execution_id=name, lines=[])
    assert bare.sync().failed == ()
    assert bare.column("select count(*) from executions") == [len(ODD_NAMES)]
    assert Mirror(bare).differences() == []


# Steps and figures


def a_step(**more):
    return {"name": "s", "status": "Succeeded", "start_date": None, "end_date": None, **more}


@pytest.mark.parametrize("steps", [None, [], ABSENT])
def test_an_execution_without_steps_has_no_start(bare, steps):
    bare.world.add_pipeline("p")
    bare.world.add_execution("p", execution_id="e1", steps=steps)
    assert bare.sync().exit_code == 0
    row = bare.one("select started_at, queue_s, run_s, commit_id from executions")
    assert set(row.values()) == {None}
    assert bare.column("select count(*) from steps") == [0]


def test_figures_come_from_the_first_step_to_start_and_stay_negative(bare):
    bare.world.add_pipeline("p")
    bare.world.add_execution(
        "p",
        execution_id="e1",
        end_date="2026-02-01T10:00:01Z",
        **{"created_at_": None},
        steps=[
            a_step(name="late", start_date="2026-02-01T10:00:05.250Z"),
            a_step(name="first", start_date="2026-02-01T10:00:02+00:00", commit_id=""),
            a_step(name="none", commit_id="abc"),
            a_step(name="odd", start_date="yesterday", end_date="", commit_id="def"),
        ],
    )
    bare.world.mutate_execution("e1", created_at="2026-02-01T12:00:04.5+02:00")
    assert bare.sync().exit_code == 0
    row = bare.one("select created_at, started_at, queue_s, run_s, commit_id from executions")
    assert tuple(row.values()) == (
        "2026-02-01T10:00:04.500000Z", "2026-02-01T10:00:02.000000Z", -2.5, -1.0, "abc",
    )  # fmt: skip
    steps = bare.rows("select position, step_name, start_date, end_date, commit_id from steps")
    assert [row["position"] for row in steps] == [0, 1, 2, 3]
    assert tuple(steps[3].values()) == (3, "odd", None, None, "def")
    assert steps[1]["commit_id"] is None


def test_words_and_dates_are_kept_as_they_are_and_empty_ones_are_null(bare):
    bare.world.add_pipeline("p")
    bare.world.add_execution(
        "p", execution_id="e1", status="sUCCeeded", deployment_name="", end_date="", new_key=[1]
    )
    bare.world.add_execution("p", execution_id="e2", status="Cancelled", deployment_name="run-p")
    assert bare.sync().exit_code == 0
    rows = bare.rows("select status, deployment_name, end_date from executions order by 1 desc")
    assert tuple(rows[0].values()) == ("sUCCeeded", None, None)
    assert rows[1]["status"] == "Cancelled"
    assert rows[1]["deployment_name"] == "run-p"


# Logs


def test_lines_are_kept_in_number_order_text_stream_and_nanosecond(bare):
    world = bare.world
    world.add_pipeline("p")
    at = nanoseconds("2026-02-01T00:00:00.123456789Z")
    odd = ["a\0b", "\x1b[31mred\x1b[0m", "two\nlines", "half \ud800", "é✓😀"]
    lines = [Line(at, text) for text in ("", "same", "same", *odd)]
    world.add_execution("p", execution_id="e1", lines=lines)
    assert bare.sync().exit_code == 0
    rows = bare.rows("select * from logs order by line_number")
    assert [row["line_number"] for row in rows] == list(range(1, 9))
    assert {row["timestamp_ns"] for row in rows} == {at}
    assert {row["timestamp"] for row in rows} == {"2026-02-01T00:00:00.123456Z"}
    assert [row["message"] for row in rows] == [
        "", "same", "same", "a\u2400b", "\x1b[31mred\x1b[0m", "two\nlines", "half \ufffd", "é✓😀",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        ([[{"timestamp": "2026-02-01T00:00:01Z", "message": "b"}], [], [{"message": "c"}]],
         [(1, 0, "b", "2026-02-01T00:00:01.000000Z"), (2, 2, "c", None)]),
        ([[{"timestamp": "2026-02-01T00:00:02Z", "message": "late", "stream": "stderr"},
           {"timestamp": "2026-02-01T00:00:01Z", "message": "early"}]],
         [(1, 0, "late", "2026-02-01T00:00:02.000000Z"),
          (2, 0, "early", "2026-02-01T00:00:01.000000Z")]),
        ([{"timestamp": "not a time", "message": None}], [(1, 0, "", None)]),
        ("2026-02-01T00:00:01Z,hello\n2026-02-01T00:00:02Z,\"a, b\"",
         [(1, 0, "hello", "2026-02-01T00:00:01.000000Z"),
          (2, 0, "a, b", "2026-02-01T00:00:02.000000Z")]),
        ([[]], []),
    ],
    ids=["lists", "out of order", "flat", "csv", "nothing"],
)  # fmt: skip
def test_a_log_of_any_shape_is_read(bare, answer, held):
    bare.world.add_pipeline("p")
    bare.world.add_execution("p", execution_id="e1")
    bare.world.override("POST", "/executions/e1/logs", json_response(answer))
    assert bare.sync().exit_code == 0
    rows = bare.rows("select line_number, source, message, timestamp from logs order by 1")
    assert [tuple(row.values()) for row in rows] == held


# Times of ours


def test_a_row_tells_when_it_was_first_and_last_seen_and_each_status_is_noted_once(labs):
    lab = labs(World(executions=0, pipelines=1))
    start = lab.world.now
    run = lab.world.start_execution("iris-train")
    for _ in range(4):
        lab.sync()
        lab.world.advance(2 * MINUTE)
    lab.world.advance(HOUR)
    lab.sync()
    row = lab.one("select * from executions where execution_id = ?", run.execution_id)
    assert row["first_seen_at"] == f"{start:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert row["last_seen_at"] == f"{lab.world.now:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert (row["settled"], row["gone_at"]) == (1, None)
    changes = lab.rows(
        "select status, observed_at from status_changes where execution_id = ? order by 2",
        run.execution_id,
    )
    assert [(row["status"], row["observed_at"]) for row in changes] == [
        ("Pending", f"{start:%Y-%m-%dT%H:%M:%S.%fZ}"),
        ("Running", f"{start + 2 * MINUTE:%Y-%m-%dT%H:%M:%S.%fZ}"),
        ("Succeeded", f"{start + 6 * MINUTE:%Y-%m-%dT%H:%M:%S.%fZ}"),
    ]


def test_a_change_of_a_deployments_settings_is_a_version_and_a_change_of_its_status_is_none(labs):
    lab = labs(World(executions=0, settled=True))
    lab.sync()
    lab.world.advance(HOUR)
    lab.world.mutate_deployment("fraud-api", status="standby")
    lab.sync()
    lab.world.advance(HOUR)
    lab.world.mutate_deployment("fraud-api", description="another", is_enabled=False)
    changed_at = lab.world.now
    lab.world.advance(HOUR)
    lab.sync()
    first, second = lab.rows(
        "select * from deployment_versions where deployment_name = 'fraud-api' order by valid_from"
    )
    assert json.loads(first["changed"]) == []
    assert json.loads(second["changed"]) == ["description", "is_enabled"]
    assert first["valid_to"] == second["valid_from"] == f"{changed_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert second["valid_to"] is None
    assert json.loads(second["settings"])["description"] == "another"
    row = lab.one("select * from deployments where deployment_name = 'fraud-api'")
    assert (row["status"], row["is_enabled"], row["description"]) == ("standby", 0, "another")

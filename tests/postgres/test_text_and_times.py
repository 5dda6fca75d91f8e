"""What no SQL text may hold, and instants with an offset: on the server as everywhere."""

import json
from datetime import UTC, datetime
from itertools import product
from random import Random
from string import ascii_letters

import psycopg
import pytest
from hostile.upstream import Hostile
from journeys.test_the_mirror_is_true import JSON, VALUES
from lab import HOUR
from lab import lab as make_lab
from query.words import craftsync

from craftsync.simulator import Port, Quirks, Response, World
from craftsync.simulator.lines import Line
from craftsync.store import engine

MESSAGE = "a\x00b tab\tback\\slash \\N é😀"


@pytest.fixture
def odd(tmp_path, database):
    """Executions that were sent these very bytes, one with a NUL in its log, mirrored."""
    world = World(executions=0, pipelines=0, quirks=Quirks(logs_stream="always"))
    world.add_pipeline("p")
    for number, (sent, *_) in enumerate(VALUES):
        line = Line(1_700_000_000_123_456_789, MESSAGE)
        world.add_execution("p", execution_id=f"e{number}", lines=[line])
        detail = world.truth().execution(f"e{number}").detail
        detail["inputs"][0]["value"] = "HERE"
        detail["end_date"] = "2026-11-24T10:00:00+02:00"
        body = json.dumps(detail).replace('"HERE"', sent)
        world.override("GET", f"/executions/e{number}", Response(200, JSON, body.encode()))
    with make_lab(tmp_path, world, store=database) as lab:
        lab.environ["CRAFTSYNC_FINGERPRINT_KEY"] = "0f" * 32
        assert lab.sync().failed == ()
        yield lab


def test_values_and_texts_are_kept_and_come_back_exactly(odd):
    held = {row["execution_id"]: row for row in odd.rows("select * from inputs")}
    for number, (_, *expected) in enumerate(VALUES):
        row = held[f"e{number}"]
        assert [row["value"], row["value_text"], row["value_number"]] == expected
    nul = next(number for number, (sent, *_) in enumerate(VALUES) if "u0000" in sent)
    shown = craftsync(odd, "show", f"e{nul}", "--format", "json")
    assert json.loads(shown.stdout)["inputs"][0]["value"] == "a\x00b"
    assert odd.column("select distinct message from logs") == [MESSAGE.replace("\x00", "\u2400")]
    shown = craftsync(odd, "logs", "e0", "--format", "jsonl")
    assert json.loads(shown.stdout)["message"] == MESSAGE
    for words in ((), ("--stream", "StdOut")):
        assert craftsync(odd, "logs", "e0", "--raw", *words).stdout == f"{MESSAGE}\n"
    assert craftsync(odd, "logs", "e0", "--raw", "--stream", "stderr").stdout == ""


def test_an_instant_with_an_offset_is_the_same_instant(odd):
    with psycopg.connect(str(odd.store), options="-c timezone=Asia/Kolkata") as server:
        found = server.execute(
            "select distinct pg_typeof(end_date)::text, end_date from executions"
        )
        ((kind, ended),) = found.fetchall()
    assert kind == "timestamp with time zone"
    assert ended.astimezone(UTC) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    asked = craftsync(odd, "sql", "select distinct end_date from executions", "--format", "json")
    assert json.loads(asked.stdout) == [{"end_date": "2026-11-24T08:00:00.000000Z"}]
    condition = "end_date >= '2026-11-24T08:00:00Z'"
    met = craftsync(odd, "runs", "--where", condition, "--format", "jsonl", "--limit", "999")
    assert len(met.stdout.splitlines()) == len(VALUES), met.stderr


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/environment-info", 7),
        ("GET", "/deployments", 3),
        ("GET", "/pipelines/p/executions", 3),
        ("GET", "/executions/e", 3),
        ("POST", "/executions/e/logs", 3),
        ("GET", "/executions/e/outputs/f", 3),
        ("GET", "/metrics/.*", 3),
    ],
)
def test_an_answer_that_is_no_http_is_told_without_a_nul(tmp_path, database, method, path, code):
    world = World(executions=0, pipelines=0)
    world.add_pipeline("p", outputs=[Port("f", "file")])
    world.add_execution("p", execution_id="e", metrics={"f1": 0.9})
    with make_lab(tmp_path, world, store=database) as lab, Hostile(lab.server.port) as between:
        lab.environ["CRAFT_AI_ENVIRONMENT_URL"] = between.url
        between.spoil(method, path, b"\x15\x03\x01\x00\x02\x02\x28\r\n\r\n")
        assert lab.sync().exit_code == code
        told = [
            *lab.column("select error from parts where error is not null"),
            *lab.column("select error from sync_failures"),
            *lab.column("select error from sync_runs where error is not null"),
        ]
    assert told
    assert all("\x15\x03\x01\u2400" in error for error in told)


_THEIRS = "execution_id, created_at, started_at, end_date, run_s"
SETTINGS = [
    ("datestyle", "SQL, DMY"),
    ("intervalstyle", "iso_8601"),
    ("timezone", "Asia/Kolkata"),
    ("client_encoding", "LATIN1"),
    ("extra_float_digits", "-5"),
    ("bytea_output", "escape"),
    ("standard_conforming_strings", "off"),
]
VARIABLES = {
    "PGDATESTYLE": "German",
    "PGTZ": "Asia/Kolkata",
    "PGCLIENTENCODING": "LATIN1",
    "PGOPTIONS": "-c extra_float_digits=-5",
}


def told(odd, store, **environ):
    """All that a store holds, as it is told in every way."""
    said = []
    for words in (
        ("db", "dump", "--canonical"),
        ("logs", "e0", "--raw"),
        ("io", "table", "p", "--format", "csv"),
        ("sql", f"select {_THEIRS} from executions order by all", "--format", "csv"),
        ("sql", "select * from inputs order by all", "--format", "csv"),
    ):
        done = craftsync(odd, *words, **{**environ, "CRAFTSYNC_STORE": store})
        assert done.returncode == 0, done.stderr
        said += done.stdout.splitlines()
    for words in (("status",), ("runs", "--where", "created_at > '2000-01-02'")):
        done = craftsync(odd, *words, **{**environ, "CRAFTSYNC_STORE": store})
        assert done.returncode == 0, done.stderr
    return said


def mirrored(odd, store, **environ):
    """All that is told of a store that was made just now."""
    done = craftsync(odd, "sync", **{**environ, "CRAFTSYNC_STORE": store})
    assert done.returncode == 0, done.stderr
    return told(odd, store, **environ)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(SETTINGS, id="all"),
        pytest.param([("datestyle", "German")], id="German", marks=pytest.mark.long),
    ],
)
def test_a_database_that_is_set_otherwise_is_read_and_written_the_same(
    odd, empty, postgres, settings
):
    expected = told(odd, odd.store)
    with postgres.connect("postgres") as connection:
        for (name, value), place in product(settings, (odd.store, empty)):
            database = place.rpartition("/")[2]
            connection.execute(f"alter database {database} set {name} = '{value}'")
    assert told(odd, odd.store) == expected
    assert mirrored(odd, empty) == expected


@pytest.mark.long
def test_a_role_that_is_set_otherwise_reads_and_writes_the_same(odd, empty, postgres):
    expected = told(odd, odd.store)
    with postgres.connect("postgres") as connection:
        for name, value in SETTINGS:
            connection.execute(f"alter role craftsync set {name} = '{value}'")
    try:
        assert told(odd, odd.store) == expected
        assert mirrored(odd, empty) == expected
    finally:
        with postgres.connect("postgres") as connection:
            connection.execute("alter role craftsync reset all")


def test_variables_of_the_client_change_nothing_of_what_is_read_and_written(odd, empty):
    expected = told(odd, odd.store)
    assert told(odd, odd.store, **VARIABLES) == expected
    assert mirrored(odd, empty, **VARIABLES) == expected


def test_options_of_the_url_stay_and_change_nothing_of_what_is_read_and_written(odd, empty):
    options = "-c%20datestyle%3DGerman%20-c%20statement_timeout%3D61s"
    place = f"{empty}?options={options}&client_encoding=latin1"
    assert mirrored(odd, place) == told(odd, odd.store)
    reader = engine.reader(engine.address(place))
    with reader.connect() as connection:
        shown = "select current_setting('statement_timeout'), current_setting('datestyle')"
        assert connection.exec_driver_sql(shown).one() == ("61s", "ISO, MDY")
    reader.dispose()


def a_name(length):
    """Text that no compression makes shorter."""
    return "".join(Random(length).choices(ascii_letters, k=length))


def test_a_name_too_long_for_an_index_is_refused_and_takes_nothing_else_along(tmp_path, database):
    world = World(executions=0, pipelines=0)
    born, broken = world.now - 5 * HOUR, Response(500, JSON, b"{}")
    names = {length: a_name(length) for length in (1000, 1001, 6000)}
    for length, name in names.items():
        world.add_pipeline(f"of {length}", inputs=[], outputs=[Port(name, "file")])
        world.add_execution(f"of {length}", execution_id=f"e{length}", created_at=born)
    world.add_pipeline(names[6000])
    world.add_deployment(names[6000], "of 1000")
    for name in names.values():
        world.add_execution("of 1000", execution_id=name, created_at=born)
    world.override("GET", f"/executions/{names[1000]}/outputs/{names[1000]}", broken)
    with make_lab(tmp_path, world, store=database) as lab:
        assert lab.sync().exit_code == 3
        held = lab.column("select execution_id from executions")
        assert sorted(held, key=len) == ["e1000", names[1000]]
        named = lab.rows("select object_kind, object_id, part from sync_failures")
        assert {tuple(one.values()) for one in named} == {
            ("execution", names[1000], f"output {names[1000]}"),
            ("execution", "e1001", "detail"),
            ("execution", "e6000", "detail"),
            ("execution", names[1001][:200], "detail"),
            ("execution", names[6000][:200], "detail"),
            ("pipeline", names[6000][:200], "detail"),
            ("deployment", names[6000][:200], "detail"),
        }

"""What no SQL text may hold, and instants with an offset: on the server as everywhere."""

import json
from datetime import UTC, datetime

import psycopg
import pytest
from journeys.test_the_mirror_is_true import JSON, VALUES
from lab import lab as make_lab
from query.words import craftsync

from craftsync.simulator import Response, World
from craftsync.simulator.lines import Line

MESSAGE = "a\x00b tab\tback\\slash \\N é😀"


@pytest.fixture
def odd(tmp_path, database):
    """Executions that were sent these very bytes, one with a NUL in its log, mirrored."""
    world = World(executions=0, pipelines=0)
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
    told = craftsync(odd, "logs", "e0", "--format", "jsonl")
    assert json.loads(told.stdout)["message"] == MESSAGE
    assert craftsync(odd, "logs", "e0", "--raw").stdout == f"{MESSAGE}\n"


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

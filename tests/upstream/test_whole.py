"""One whole execution against bytes on a wire: what a part that fails says, and keeps to itself."""

import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from upstream.scripted import Scripted, error, reply

from craftsync.errors import TooBig
from craftsync.records import Key, Part, PartKind, PartState
from craftsync.upstream.client import Platform
from craftsync.upstream.gathered import Wants, failed, limit_broken
from craftsync.upstream.redact import Redactor
from craftsync.upstream.retries import Retries
from craftsync.upstream.transport import Transport
from craftsync.upstream.whole import Fetcher

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "open-sesame-open"
DETAIL = {
    "execution_id": "e1",
    "created_at": "2026-03-01T11:00:00.000Z",
    "status": "Succeeded",
    "end_date": "2026-03-01T11:00:01.000Z",
    "inputs": [
        {
            "pipeline_input_name": "key",
            "data_type": "string",
            "mapping_type": "environment_variable",
            "mapping_value": {"environment_variable_name": "KEY"},
            "value": SECRET,
        }
    ],
    "outputs": [
        {"pipeline_output_name": "report", "data_type": "file", "mapping_type": "endpoint"}
    ],
}


@pytest.mark.parametrize("limit", [0, 7, 999, 1000, 104_857_600, 2**63 - 1])
def test_of_a_part_of_unknown_size_the_limit_that_it_broke_is_read_back(limit):
    part = failed(PartKind.OUTPUT, "report", TooBig("it is", limit_bytes=limit), str)
    assert (part.state, part.size_bytes) == (PartState.TOO_BIG, None)
    assert limit_broken(part.error) == limit


def test_of_a_part_of_known_size_the_size_says_enough():
    part = failed(PartKind.OUTPUT, "report", TooBig("it is", size_bytes=8), str)
    assert part == Part(PartKind.OUTPUT, "report", PartState.TOO_BIG, size_bytes=8)


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        "larger than 1000 bytes",
        "larger than 1,00 bytes",
        "HTTP 500 (larger than 1,000 bytes)",
        "larger than 1,000 bytes\n",
        "larger than 1" + ",000" * 2000 + " bytes",
        "larger than \u0661 bytes",
    ],
)
def test_no_limit_is_read_out_of_other_words(said):
    assert limit_broken(said) is None


@contextmanager
def fetching(answer):
    with Scripted(answer) as server:
        platform = Platform(
            environment_url=server.url,
            control_url=server.url,
            sdk_token="sdk-token",
            transport=Transport(client="craftsync/test", bases=(server.url,), timeout_s=5.0),
            retries=Retries(sleep=lambda _: None, now=lambda: NOON),
            monotonic=time.monotonic,
            now=lambda: NOON,
        )
        yield Fetcher(platform, Redactor(b"k" * 32), Wants())
        platform.close()


def test_no_part_that_fails_repeats_a_secret_of_its_execution():
    def answer(seen):
        if seen.target.endswith("/executions/e1"):
            return reply(DETAIL)
        return error(400, f"no {SECRET} here")

    with fetching(answer) as fetcher:
        found = fetcher.whole("e1", scope_pipeline="p", with_metrics=True)
    assert {part.kind: part.state for part in found.parts} == dict.fromkeys(
        (PartKind.LOGS, PartKind.METRICS, PartKind.OUTPUT), PartState.ERROR
    )
    for part in found.parts:
        assert "HTTP 400 (no redacted:" in part.error
        assert SECRET not in part.error


@pytest.mark.parametrize("at", [180, 190, 199])
def test_no_secret_is_cut_in_two_where_an_error_is_shortened(at):
    def answer(seen):
        if seen.target.endswith("/executions/e1"):
            return reply(DETAIL)
        return error(400, ("no " * at)[: at - 1] + f" {SECRET} here")

    with fetching(answer) as fetcher:
        found = fetcher.whole("e1", scope_pipeline="p", with_metrics=True)
    for part in found.parts:
        assert "HTTP 400 (no no" in part.error
        assert SECRET[:4] not in part.error


NO_HTTP = b"\x15\x03\x01\x00\x02\x02\x28\r\n\r\n"  # an alert of TLS


def test_what_no_database_holds_is_in_the_error_of_no_part():
    def answer(seen):
        return reply(DETAIL) if seen.target.endswith("/executions/e1") else NO_HTTP

    with fetching(answer) as fetcher:
        found = fetcher.whole("e1", scope_pipeline="p", with_metrics=True)
    assert len(found.parts) == 3
    for part in found.parts:
        assert "\x15\x03\x01\u2400" in part.error


@pytest.mark.parametrize("spared", ["/executions/e1", "nothing"])
@pytest.mark.parametrize(
    ("kind", "name"), [(PartKind.LOGS, ""), (PartKind.METRICS, ""), (PartKind.OUTPUT, "report")]
)
def test_what_no_database_holds_is_in_the_error_of_no_part_that_comes_alone(kind, name, spared):
    key = Key("e1", datetime(2026, 3, 1, 11, tzinfo=UTC))
    with fetching(lambda seen: reply(DETAIL) if seen.target.endswith(spared) else NO_HTTP) as one:
        part = one.part(key, kind, name).part
    assert part.state is PartState.ERROR
    assert "\x15\x03\x01\u2400" in part.error


def test_a_secret_that_no_database_holds_is_found_in_what_is_shown_for_it():
    secret = "open\0sesame"
    (item,) = DETAIL["inputs"]
    detail = DETAIL | {"inputs": [item | {"value": secret}]}

    def answer(seen):
        if seen.target.endswith("/executions/e1"):
            return reply(detail)
        return error(400, secret) if "/logs" in seen.target else secret.encode() + b"\r\n\r\n"

    with fetching(answer) as fetcher:
        found = fetcher.whole("e1", scope_pipeline="p", with_metrics=True)
    for part in found.parts:
        assert "sesame" not in part.error
        assert "redacted:" in part.error

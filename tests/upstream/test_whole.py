"""One whole execution against bytes on a wire: what a part that fails says, and keeps to itself."""

import time
from datetime import UTC, datetime

import pytest
from upstream.scripted import Scripted, error, reply

from craftsync.errors import TooBig
from craftsync.records import Part, PartKind, PartState
from craftsync.upstream.client import Platform
from craftsync.upstream.gathered import Wants, failed, limit_broken
from craftsync.upstream.redact import Redactor
from craftsync.upstream.retries import Retries
from craftsync.upstream.transport import Transport
from craftsync.upstream.whole import Fetcher

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "open-sesame-open"


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


def test_no_part_that_fails_repeats_a_secret_of_its_execution():
    detail = {
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

    def answer(seen):
        if seen.target.endswith("/executions/e1"):
            return reply(detail)
        return error(400, f"no {SECRET} here")

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
        fetcher = Fetcher(platform, Redactor(b"k" * 32), Wants())
        found = fetcher.whole("e1", scope_pipeline="p", with_metrics=True)
        platform.close()
    assert {part.kind: part.state for part in found.parts} == dict.fromkeys(
        (PartKind.LOGS, PartKind.METRICS, PartKind.OUTPUT), PartState.ERROR
    )
    for part in found.parts:
        assert "HTTP 400 (no redacted:" in part.error
        assert SECRET not in part.error

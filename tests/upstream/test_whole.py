"""One whole execution against bytes on a wire: what a part that fails says, and keeps to itself."""

import time
from datetime import UTC, datetime

from upstream.scripted import Scripted, error, reply

from craftsync.records import PartKind, PartState
from craftsync.upstream.client import Platform
from craftsync.upstream.gathered import Wants
from craftsync.upstream.redact import Redactor
from craftsync.upstream.retries import Retries
from craftsync.upstream.transport import Transport
from craftsync.upstream.whole import Fetcher

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "open-sesame-open"


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

"""What sends DELETE, against bytes on a wire: one request, and nothing taken for granted."""

import time
from datetime import UTC, datetime

import pytest
from upstream.scripted import Scripted, error, reply

from craftsync.errors import BadAnswer, BadCredentials, Denied, Missing
from craftsync.upstream.deletes import Eraser, NotSent, Unclear
from craftsync.upstream.retries import Retries
from craftsync.upstream.transport import Transport

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAPS = []


@pytest.fixture
def eraser_at():
    """Make the eraser of a server; it never waits."""
    opened = []

    def make(server, *, timeout_s=5.0, monotonic=time.monotonic):
        eraser = Eraser(
            environment_url=server.url,
            control_url=server.url,
            sdk_token="sdk-token",
            transport=Transport(client="craftsync/test", bases=(server.url,), timeout_s=timeout_s),
            retries=Retries(sleep=NAPS.append, now=lambda: NOON),
            monotonic=monotonic,
            now=lambda: NOON,
        )
        opened.append(eraser)
        return eraser

    yield make
    for eraser in opened:
        eraser.close()


def sent(server):
    return [line for line in server.paths() if line.startswith("DELETE")]


def test_an_execution_is_deleted_by_one_signed_request(eraser_at):
    with Scripted(lambda _: reply({"execution_id": "e1"})) as server:
        eraser_at(server).execution("e1")
        assert sent(server) == ["DELETE /api/v1/executions/e1"]
        assert server.seen[-1].headers["authorization"] == "Bearer a.e30.s"


def test_a_deployment_is_deleted_when_the_answer_is_that_of_the_plan(eraser_at):
    with Scripted(lambda _: reply({"name": "d1", "execution_rule": "periodic"})) as server:
        eraser = eraser_at(server)
        eraser.deployment("d1", execution_rule="periodic")
        eraser.deployment("d1", execution_rule=None)
        with pytest.raises(Unclear, match="another execution_rule"):
            eraser.deployment("d1", execution_rule="endpoint")
        with pytest.raises(Unclear, match="another deployment"):
            eraser.deployment("d2", execution_rule="periodic")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        error(500),
        error(502),
        error(503),
        error(504),
        error(429),
        error(408),
        reply(b"<html>", kind="text/html"),
        reply(b"<html>", kind="text/html", status=404),
        reply(b""),
        reply(b"", status=204),
        reply([]),
        reply({"execution_id": "other"}),
        reply({}),
        reply(b"", status=302, headers=["Location: /elsewhere"]),
        reply({"execution_id": "e1"})[:-5],
        reply({"execution_id": "e1", "more": "x" * (1 << 20)}),
        reply(b"<html>" + b"x" * (1 << 20), kind="text/html", status=503),
    ],
)
def test_what_says_nothing_clear_is_sent_once_and_unclear(eraser_at, answer):
    def cut(_):
        yield answer

    is_cut = answer is not None and answer.endswith(b'"execution_i')
    with Scripted(cut if is_cut else lambda _: answer) as server:
        with pytest.raises(Unclear):
            eraser_at(server, timeout_s=1.0).execution("e1")
        assert len(sent(server)) == 1


def test_an_answer_that_does_not_come_is_unclear(eraser_at):
    def silent(_):
        time.sleep(1.0)
        yield b""

    with Scripted(silent) as server:
        with pytest.raises(Unclear, match="timed out"):
            eraser_at(server, timeout_s=0.2).execution("e1")
        assert len(sent(server)) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(404), Missing),
        (error(403), Denied),
        (error(409), BadAnswer),
        (error(400), BadAnswer),
    ],
)
def test_a_clear_no_is_told_as_it_is(eraser_at, answer, kind):
    with Scripted(lambda _: answer) as server:
        with pytest.raises(kind) as no:
            eraser_at(server).execution("e1")
        assert not isinstance(no.value, Unclear)


def test_a_token_that_ended_is_renewed_for_the_next_try_and_no_delete_is_repeated(eraser_at):
    """To renew may take minutes: what was proved before is to be proved again."""
    answers = iter([error(401), reply({"execution_id": "e1"})])
    with Scripted(lambda _: next(answers)) as server:
        eraser = eraser_at(server)
        with pytest.raises(NotSent, match="401"):
            eraser.execution("e1")
        assert [line.partition(" ")[0] for line in server.paths()] == ["POST", "DELETE"]
        eraser.execution("e1")
        assert [line.partition(" ")[0] for line in server.paths()] == [
            *("POST", "DELETE", "POST", "DELETE"),
        ]


def test_no_delete_is_sent_after_a_renewal_that_took_long(eraser_at):
    seconds = iter(range(0, 1000, 10))
    with Scripted(lambda _: reply({"execution_id": "e1"})) as server:
        with pytest.raises(NotSent, match="signing in took long"):
            eraser_at(server, monotonic=lambda: next(seconds)).execution("e1")
        assert sent(server) == []


def test_the_wish_of_the_platform_is_passed_on(eraser_at):
    with Scripted(lambda _: error(429, headers=["Retry-After: 7"])) as server:
        with pytest.raises(Unclear) as unclear:
            eraser_at(server).execution("e1")
        assert (unclear.value.retry_after_s, unclear.value.status) == (7, 429)


def test_signing_in_comes_before_any_delete(eraser_at):
    with Scripted(lambda _: error(401)) as server:
        server.answer_refresh = False
        with pytest.raises(BadCredentials):
            eraser_at(server).sign_in()
        assert sent(server) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a\x00b", "\ud800"])
def test_a_name_that_no_path_can_carry_is_never_sent(eraser_at, name):
    with Scripted(lambda _: reply({"execution_id": name})) as server:
        with pytest.raises(BadAnswer, match="cannot stand in the path"):
            eraser_at(server).execution(name)
        assert server.seen == []


@pytest.mark.parametrize("name", ["a/b", "a b", "../x", "a#b", "a?b", "a%2Fb", "é", "a;b"])
def test_a_name_comes_out_as_the_last_segment_and_nothing_else(eraser_at, name):
    with Scripted(lambda _: reply({"execution_id": name})) as server:
        eraser_at(server).execution(name)
        (line,) = sent(server)
        path = line.removeprefix("DELETE ")
        assert path.startswith("/api/v1/executions/")
        assert path.count("/") == 4
        assert not set(path.rpartition("/")[2]) & set("/?# ")


def test_the_tokens_are_kept_out_of_what_is_said(eraser_at):
    with Scripted(lambda seen: error(409, f"no {seen.headers['authorization']}")) as server:
        with pytest.raises(BadAnswer) as no:
            eraser_at(server).execution("e1")
        assert "a.e30.s" not in str(no.value)

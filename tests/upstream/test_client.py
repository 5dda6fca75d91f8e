"""The reading side against bytes on a wire: what is a whole answer, and where the bearer goes."""

import base64
import gzip
import itertools
import json
import random
import socket
import threading
import time
from datetime import UTC, datetime

import pytest
from upstream.scripted import ACCESS, Scripted, error, reply

from craftsync.errors import BadAnswer, BadCredentials, Denied, Missing, TooBig, Unreachable
from craftsync.records import Side
from craftsync.upstream.auth import Bearer
from craftsync.upstream.client import Platform
from craftsync.upstream.recognition import recognise
from craftsync.upstream.retries import Retries, retry_after_s
from craftsync.upstream.transport import Transport

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Naps(list):
    """Waits that are noted and not slept."""

    def __call__(self, seconds):
        self.append(seconds)


@pytest.fixture
def naps():
    return Naps()


@pytest.fixture
def platform_at(naps):
    """Make the client of a server; its waits are noted, not slept."""
    opened = []

    def make(
        server,
        *,
        sdk_token="sdk-token",
        timeout_s=5.0,
        monotonic=time.monotonic,
        longest_wait_s=120.0,
    ):
        platform = Platform(
            environment_url=server.url,
            control_url=server.url,
            sdk_token=sdk_token,
            transport=Transport(
                client="craftsync/test",
                bases=(server.url,),
                timeout_s=timeout_s,
            ),
            retries=Retries(sleep=naps, now=lambda: NOON, longest_wait_s=lambda: longest_wait_s),
            monotonic=monotonic,
            now=lambda: NOON,
        )
        opened.append(platform)
        return platform

    yield make
    for platform in opened:
        platform.close()


def always(answer):
    return lambda seen: answer


def one_after_the_other(*answers):
    rest = iter(answers)
    return lambda seen: next(rest)


def test_a_listing_is_a_json_array_of_objects_with_their_names(platform_at):
    with Scripted(always(reply([{"name": "a"}, {"name": "b", "new_key": 1}]))) as server:
        assert [one["name"] for one in platform_at(server).deployments()] == ["a", "b"]


@pytest.mark.parametrize(
    "broken",
    [
        reply({"message": "ok"}),
        reply(b"<html>login</html>", kind="text/html"),
        reply(b""),
        reply(b"", status=204),
        reply(b"OK"),
        reply(b"null"),
        reply([{"name": "a"}, {"pipeline_name": "b"}]),
        reply([{"name": "a"}, "b"]),
        reply(b'[{"name": "a"}, {"na'),
        reply([{"name": 7}]),
    ],
)
def test_whatever_is_no_whole_listing_is_asked_for_once_more_and_then_fails(platform_at, broken):
    with Scripted(always(broken)) as server:
        with pytest.raises(BadAnswer):
            platform_at(server).deployments()
        assert server.paths().count("GET /api/v1/deployments") == 2


def test_a_listing_that_is_whole_at_the_second_try_counts(platform_at):
    answers = one_after_the_other(reply(b"<html>"), reply([]))
    with Scripted(answers) as server:
        assert platform_at(server).pipelines() == []


def test_an_entry_that_cannot_be_read_is_kept_as_it_came_with_the_objects_in_it(platform_at):
    inner = {"execution_id": "e0", "created_at": "2026-03-01T11:00:00.000Z"}
    unreadable = {"execution_id": "e1", "created_at": None, "of": inner, "all": [[inner, {}]]}
    readable = {"execution_id": "e2", "created_at": "2026-03-01T11:00:00.000Z", "of": unreadable}
    with Scripted(always(reply([unreadable, readable]))) as server:
        flaw, entry = platform_at(server).executions("p").entries
    assert flaw.payload == unreadable
    assert entry.key.execution_id == "e2"


def test_an_empty_listing_is_a_whole_one(platform_at):
    with Scripted(always(reply([]))) as server:
        assert platform_at(server).executions("p").entries == []


def test_a_404_with_an_error_object_says_missing(platform_at):
    with Scripted(always(error(404, "no such execution"))) as server:
        with pytest.raises(Missing, match="no such execution"):
            platform_at(server).execution("e1")
        assert server.paths().count("GET /api/v1/executions/e1") == 1


@pytest.mark.parametrize("body", [b"<html>not found</html>", b"[]", b'"gone"', b""])
def test_a_404_without_an_error_object_proves_nothing(platform_at, body):
    with Scripted(always(reply(body, status=404))) as server, pytest.raises(BadAnswer) as caught:
        platform_at(server).execution("e1")
    assert caught.value.status == 404


def test_a_403_says_denied(platform_at):
    with Scripted(always(error(403))) as server, pytest.raises(Denied):
        platform_at(server).executions("p")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_three_times_with_waits_between(platform_at, naps, status):
    with Scripted(always(reply(b"<html>", status=status, kind="text/html"))) as server:
        with pytest.raises(BadAnswer) as caught:
            platform_at(server).execution("e1")
        assert server.paths().count("GET /api/v1/executions/e1") == 3
    assert caught.value.status == status
    assert len(naps) == 2
    assert all(0 <= nap <= 20 for nap in naps)


@pytest.mark.parametrize("status", [400, 409, 410, 422])
def test_what_will_not_pass_is_tried_once(platform_at, naps, status):
    with Scripted(always(error(status))) as server, pytest.raises(BadAnswer):
        platform_at(server).execution("e1")
    assert naps == []


def test_the_log_post_is_tried_again_as_the_read_it_is(platform_at):
    answers = one_after_the_other(error(503), error(503), reply([[{"message": "x"}]]))
    with Scripted(answers) as server:
        assert platform_at(server).logs("e1") == [[{"message": "x"}]]


def test_a_log_window_is_sent_as_whole_milliseconds(platform_at):
    with Scripted(always(reply([[]]))) as server:
        platform_at(server).logs("e1", {"from": 5, "to": 7, "limit": 9})
        assert json.loads(server.seen[-1].body) == {"from": 5, "to": 7, "limit": 9}


def test_all_workers_share_one_renewal(platform_at):
    with Scripted(always(reply([]))) as server:
        platform = platform_at(server)
        threads = [threading.Thread(target=platform.deployments) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.paths().count("POST /api/v1/auth/refresh") == 1


def jwt(lifetime_s, mark):
    claims = json.dumps({"iat": 1000, "exp": 1000 + lifetime_s}).encode()
    return f"{mark}.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.s"


def test_a_token_is_renewed_120_seconds_before_it_ends_by_the_local_clock(platform_at):
    clock = [50_000.0]
    marks = itertools.count()

    def answer(seen):
        if seen.target.endswith("/refresh"):
            return reply({"access_token": jwt(3600, f"t{next(marks)}")})
        return reply([])

    server = Scripted(answer)
    server.answer_refresh = False
    with server:
        platform = platform_at(server, monotonic=lambda: clock[0])
        bearers = []
        for seconds in (0, 3479, 1):
            clock[0] += seconds
            platform.deployments()
            bearers.append(server.seen[-1].headers["authorization"].split(".")[0])
    assert bearers == ["Bearer t0", "Bearer t0", "Bearer t1"]


def test_a_401_renews_the_token_and_the_request_is_sent_once_more(platform_at):
    answers = one_after_the_other(error(401), reply([]))
    with Scripted(answers) as server:
        assert platform_at(server).deployments() == []
        assert server.paths() == [
            "POST /api/v1/auth/refresh",
            "GET /api/v1/deployments",
            "POST /api/v1/auth/refresh",
            "GET /api/v1/deployments",
        ]


def a_token(claims):
    return "a." + base64.urlsafe_b64encode(claims.encode()).decode() + ".s"


@pytest.mark.parametrize(
    "token",
    [
        a_token('{"exp": 1' + "0" * 400 + ', "iat": 1}'),
        a_token("[" * 100_000),
        a_token('{"exp": 1e999, "iat": 1e999}'),
        a_token('{"exp": null}'),
        "no.token",
    ],
    ids=["of no end", "deep", "infinite", "null", "none"],
)
def test_a_token_that_tells_no_lifetime_is_used_until_it_is_refused(token):
    renewals = []
    bearer = Bearer(lambda: renewals.append(1) or token, clock=lambda: 1e9 * len(renewals))
    assert {bearer.token() for _ in range(3)} == {token}
    assert len(renewals) == 1


@pytest.mark.parametrize("token", ["a\r\nX-Mine: b", "a b", "\u00e9", "\0"])
def test_an_access_token_that_fits_in_no_header_is_not_used_and_not_shown(platform_at, token):
    with Scripted(always(reply({"access_token": token}))) as server:
        server.answer_refresh = False
        with pytest.raises(Unreachable, match="no access token") as caught:
            platform_at(server).deployments()
    assert token not in str(caught.value)


def test_a_request_that_is_refused_again_and_again_is_named_after_four_tries(platform_at):
    with Scripted(always(error(401))) as server:
        with pytest.raises(BadAnswer) as caught:
            platform_at(server).deployments()
        assert caught.value.status == 401
        assert server.paths().count("GET /api/v1/deployments") == 4
        assert server.paths().count("POST /api/v1/auth/refresh") == 3


@pytest.mark.parametrize("times", [1, 2, 3])
def test_tokens_that_end_as_they_come_cost_nothing_but_tries(platform_at, times):
    refused = []

    def answer(seen):
        if len(refused) < times:
            refused.append(seen)
            return error(401)
        return reply([])

    with Scripted(answer) as server:
        assert platform_at(server).deployments() == []
        assert server.paths().count("GET /api/v1/deployments") == times + 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_sdk_token_is_a_matter_of_credentials_and_is_not_shown(platform_at, status):
    server = Scripted(always(error(status, "token sdk-token is wrong")))
    server.answer_refresh = False
    with server, pytest.raises(BadCredentials) as caught:
        platform_at(server).deployments()
    assert "sdk-token" not in str(caught.value) + str(caught.value.hint)


def test_no_access_token_to_be_had_means_unreachable(platform_at):
    server = Scripted(always(reply(b"<html>", status=502, kind="text/html")))
    server.answer_refresh = False
    with server, pytest.raises(Unreachable):
        platform_at(server).deployments()


def test_nobody_listening_is_a_fault_without_a_status(platform_at):
    with Scripted(always(None)) as server:
        platform = platform_at(server)
    with pytest.raises(BadAnswer) as caught:
        platform.environment_id()
    assert caught.value.status is None


def test_the_environment_is_asked_for_its_id_without_a_bearer(platform_at):
    with Scripted(always(reply({"environment_id": "env-1"}))) as server:
        assert platform_at(server).environment_id() == "env-1"
        assert server.paths() == ["GET /api/v1/environment-info"]
        assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize("status", [401, 403, 500])
def test_an_environment_that_tells_nothing_cannot_be_reached(platform_at, status):
    with Scripted(always(error(status))) as server, pytest.raises(Unreachable):
        recognise(platform_at(server), environment="prod", url=server.url, known=None)


@pytest.mark.parametrize("told", ["\ud800x", "a\0b", "x" * 1001])
def test_an_environment_id_that_cannot_be_kept_is_asked_for_once_more_and_is_none(
    platform_at, told
):
    good, bad = reply({"environment_id": "env-1"}), reply({"environment_id": told})
    with Scripted(one_after_the_other(bad, good, bad, bad)) as server:
        platform = platform_at(server)
        assert platform.environment_id() == "env-1"
        with pytest.raises(Unreachable, match="no environment_id that can be kept"):
            recognise(platform, environment="prod", url=server.url, known="env-1")
        assert len(server.seen) == 4


@pytest.mark.parametrize("told", [{}, {"environment_id": None}, {"environment_id": ""}])
def test_an_answer_without_an_environment_id_is_an_older_platforms(platform_at, told):
    with Scripted(always(reply(told))) as server:
        assert platform_at(server).environment_id() is None


def test_an_older_platform_has_no_environment_id(platform_at):
    with Scripted(always(error(404))) as server:
        assert platform_at(server).environment_id() is None


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("prod#old", "prod%23old"),
        ("a?b", "a%3Fb"),
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
        ("a b", "a%20b"),
        ("é→✓", "%C3%A9%E2%86%92%E2%9C%93"),
        ("...", "..."),
        ("..%2f", "..%252f"),
    ],
)
def test_a_name_is_one_quoted_segment_of_the_path(platform_at, name, path):
    with Scripted(always(reply({}))) as server:
        platform_at(server).deployment(name)
        assert server.paths()[-1] == f"GET /api/v1/deployments/{path}"


@pytest.mark.parametrize("name", ["", ".", "..", "a\0b", "a\nb", "\x1b[31m", "\x7f", "\ud83d"])
def test_a_name_that_no_path_can_carry_is_refused_before_any_request(platform_at, name):
    with Scripted(always(reply({}))) as server:
        with pytest.raises(BadAnswer, match="cannot stand in the path"):
            platform_at(server).deployment(name)
        assert server.seen == []


def test_netrc_does_not_replace_the_bearer(platform_at, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Scripted(always(reply([]))) as server:
        platform_at(server).deployments()
        assert server.seen[-1].headers["authorization"] == f"Bearer {ACCESS['access_token']}"


def through(monkeypatch, proxy):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv(name.upper(), proxy.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")


def test_a_proxy_from_the_environment_is_used_and_sees_no_bearer(platform_at, monkeypatch):
    class Elsewhere:
        url = "https://platform.invalid"

    with Scripted(always(reply([]))) as proxy:
        through(monkeypatch, proxy)
        with pytest.raises(BadAnswer):
            platform_at(Elsewhere).environment_id()
        assert proxy.paths()[0] == "CONNECT platform.invalid:443"
        assert "authorization" not in proxy.seen[0].headers


def test_what_is_on_loopback_is_asked_without_a_proxy(platform_at, monkeypatch):
    with Scripted(always(reply([]))) as server, Scripted(always(reply([]))) as proxy:
        through(monkeypatch, proxy)
        assert platform_at(server).deployments() == []
        assert proxy.seen == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_and_no_bearer_goes_along(platform_at, status):
    with Scripted(always(reply([]))) as other:
        redirect = reply(b"", status=status, headers=[f"Location: {other.url}/api/v1/deployments"])
        with Scripted(always(redirect)) as server, pytest.raises(BadAnswer, match="redirect"):
            platform_at(server).deployments()
        assert other.seen == []


def test_a_server_that_never_answers_ends_in_a_timeout(platform_at):
    with Scripted(lambda seen: (time.sleep(0.02) or b"" for _ in range(200))) as server:
        with pytest.raises(BadAnswer, match="timed out"):
            platform_at(server, timeout_s=0.2).execution("e1")


def test_a_connection_that_is_refused_is_no_timeout(platform_at):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    class Nobody:
        url = f"http://127.0.0.1:{port}"

    for sdk_token in ("sdk-token", ""):  # doctor asks without one
        with pytest.raises(BadAnswer, match="Connection refused"):
            platform_at(Nobody, sdk_token=sdk_token).environment_id()


def test_a_large_body_that_keeps_coming_is_waited_for(platform_at):
    piece = b"x" * (1 << 16)

    def slowly(seen):
        yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (24 * len(piece))
        for _ in range(24):
            time.sleep(0.05)
            yield piece

    with Scripted(slowly) as server:
        found = platform_at(server, timeout_s=0.3).value(
            "e1", Side.OUTPUT, "report", max_bytes=1 << 22
        )
        with found.content:
            assert found.size_bytes == 24 * len(piece)


def test_a_body_that_drips_ends_at_the_deadline(platform_at):
    def drip(seen):
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
        for _ in range(1000):
            time.sleep(0.05)
            yield b" "

    started = time.monotonic()
    with Scripted(drip) as server, pytest.raises(BadAnswer, match="no whole answer"):
        platform_at(server, timeout_s=0.2).execution("e1")
    assert time.monotonic() - started < 6


def test_a_header_that_drips_ends_at_the_deadline(platform_at):
    def drip(seen):
        yield b"HTTP/1.1 200 OK\r\nX-Slow: "
        for _ in range(1000):
            time.sleep(0.05)
            yield b"x"

    started = time.monotonic()
    with Scripted(drip) as server, pytest.raises(BadAnswer, match="no whole answer"):
        platform_at(server, timeout_s=0.2).execution("e1")
    assert time.monotonic() - started < 6


def test_a_body_cut_before_its_length_is_no_answer(platform_at):
    cut = b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n{"execution_id": 1}'
    with Scripted(always(cut)) as server, pytest.raises(BadAnswer):
        platform_at(server).execution("e1")


def test_a_cut_chunked_body_is_no_answer(platform_at):
    cut = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"2\r\n{}\r\n5\r\nab"
    )
    with Scripted(always(cut)) as server, pytest.raises(BadAnswer):
        platform_at(server).execution("e1")


def test_a_gzip_body_is_read_and_a_broken_one_is_no_answer(platform_at):
    packed = gzip.compress(b'{"execution_id": "e1"}')
    whole = reply(packed, headers=["Content-Encoding: gzip"])
    broken = reply(packed[:10] + b"\0" * 20, headers=["Content-Encoding: gzip"])
    with Scripted(one_after_the_other(whole, broken, broken, broken)) as server:
        assert platform_at(server).execution("e1") == {"execution_id": "e1"}
        with pytest.raises(BadAnswer):
            platform_at(server).execution("e1")


def test_the_bytes_of_a_value_come_with_their_hash(platform_at):
    with Scripted(always(reply(b"a,b\n1,2\n", kind="text/csv"))) as server:
        found = platform_at(server).value("e1", Side.OUTPUT, "report", max_bytes=100)
        with found.content as content:
            assert content.read() == b"a,b\n1,2\n"
        assert found.size_bytes == 8
        assert server.paths()[-1] == "GET /api/v1/executions/e1/outputs/report"


def test_a_value_above_the_limit_is_too_big_and_its_size_is_told(platform_at):
    with Scripted(always(reply(b"x" * 101))) as server, pytest.raises(TooBig) as caught:
        platform_at(server).value("e1", Side.INPUT, "photo", max_bytes=100)
    assert caught.value.size_bytes == 101


@pytest.mark.parametrize("length", [True, False])
def test_a_long_error_says_nothing_of_the_size_of_a_value(platform_at, length):
    page = reply(b"<html>" + b"x" * (1 << 20), status=503, length=length)
    with Scripted(always(page)) as server, pytest.raises(BadAnswer, match="HTTP 503") as caught:
        platform_at(server).value("e1", Side.OUTPUT, "report", max_bytes=100)
    assert caught.value.status == 503


def test_a_compressed_length_is_not_told_as_the_size_of_a_value(platform_at):
    packed = reply(gzip.compress(random.randbytes(1000)), headers=["Content-Encoding: gzip"])
    with Scripted(always(packed)) as server, pytest.raises(TooBig) as caught:
        platform_at(server).value("e1", Side.INPUT, "photo", max_bytes=100)
    assert caught.value.size_bytes is None


def test_a_value_is_measured_by_its_own_bytes_and_not_by_those_it_is_packed_in(platform_at):
    content = random.randbytes(1000)
    packed = gzip.compress(content)
    assert len(packed) > len(content)
    answer = reply(packed, headers=["Content-Encoding: gzip"])
    with Scripted(always(answer)) as server:
        platform = platform_at(server)
        found = platform.value("e1", Side.INPUT, "photo", max_bytes=1000)
        with found.content as file:
            assert file.read() == content
        with pytest.raises(TooBig) as caught:
            platform.value("e1", Side.INPUT, "photo", max_bytes=999)
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (None, 999)


def test_of_a_value_in_chunks_it_is_known_which_limit_it_broke(platform_at):
    head = b"HTTP/1.1 200 Some\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = head + b"40\r\n" + b"x" * 64 + b"\r\n40\r\n" + b"y" * 64 + b"\r\n0\r\n\r\n"
    with Scripted(always(answer)) as server:
        platform = platform_at(server)
        with pytest.raises(TooBig) as caught:
            platform.value("e1", Side.OUTPUT, "report", max_bytes=127)
        assert (caught.value.size_bytes, caught.value.limit_bytes) == (None, 127)
        found = platform.value("e1", Side.OUTPUT, "report", max_bytes=128)
        found.content.close()
        assert found.size_bytes == 128


def test_a_value_without_its_length_may_be_cut_and_is_not_taken(platform_at):
    with Scripted(always(reply(b"x" * 10, length=False))) as server:
        with pytest.raises(BadAnswer, match="length"):
            platform_at(server).value("e1", Side.OUTPUT, "report", max_bytes=100)


def test_a_gzip_bomb_is_stopped_at_the_limit(platform_at):
    bomb = gzip.compress(b"\0" * 50_000_000)
    with Scripted(always(reply(bomb, headers=["Content-Encoding: gzip"]))) as server:
        with pytest.raises(TooBig):
            platform_at(server).value("e1", Side.OUTPUT, "report", max_bytes=1_000_000)


def test_a_short_wish_to_wait_is_granted(platform_at, naps):
    answers = one_after_the_other(error(429, headers=["Retry-After: 7"]), reply([]))
    with Scripted(answers) as server:
        platform_at(server).deployments()
    assert naps[0] >= 7


@pytest.mark.parametrize("wish", ["3600", "9999999999", "Wed, 01 Mar 2028 12:00:00 GMT"])
def test_a_wish_to_wait_longer_than_the_run_may_ends_it(platform_at, naps, wish):
    with Scripted(always(error(429, headers=[f"Retry-After: {wish}"]))) as server:
        with pytest.raises(Unreachable, match="asks to wait"):
            platform_at(server).deployments()
    assert naps == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("-1", None),
        ("abc", None),
        ("0", None),
        ("12", 12.0),
        ("9" * 400, None),
        ("Sun, 01 Mar 2026 12:01:00 +99999999999999999999", None),
        ("Sun, 01 Mar 2026 0:0:99999999999999999999 GMT", None),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", None),
    ],
)
def test_a_wish_to_wait_is_seconds_or_a_date_and_nonsense_is_none(header, seconds):
    assert retry_after_s(header, NOON) == seconds


def test_a_token_may_be_renewed_while_another_one_is_taken_out_of_a_message():
    class Words(str):
        def replace(self, old, new):
            transport.hide("a new token")
            return Words(str.replace(self, old, new))

    transport = Transport(client="craftsync/test", bases=())
    transport.hide("secret-one")
    transport.hide("secret-two")
    assert transport._scrubbed(Words("secret-one secret-two")) == "**** ****"


def test_requests_and_bytes_are_counted_with_second_tries_and_renewals(platform_at):
    answers = one_after_the_other(error(503, "x"), reply([]))
    with Scripted(answers) as server:
        platform = platform_at(server)
        platform.deployments()
        assert platform.requests == 3
        assert platform.bytes_received == sum(
            len(json.dumps(body)) for body in (ACCESS, {"message": "x"}, [])
        )

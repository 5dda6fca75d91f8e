"""An answer means the same, be its connection new or one that is used once more."""

import gzip
import http.client
import time
import zlib

import pytest
import urllib3
from upstream.scripted import Scripted

from craftsync.errors import BadAnswer
from craftsync.upstream.connections import Connections, surroundings_of
from craftsync.upstream.deadline import Watch
from craftsync.upstream.exchange import Reply
from craftsync.upstream.transport import Transport

BODY = b'{"a": 1}'
GZIPPED = gzip.compress(BODY)


def answer(*headers, first="HTTP/1.1 200 OK", body=BODY):
    return "\r\n".join([first, *headers]).encode("latin-1") + b"\r\n\r\n" + body


def sized(*headers, **more):
    return answer(*headers, f"Content-Length: {len(more.get('body', BODY))}", **more)


PLAIN = {
    "plain": sized("Content-Type: application/json"),
    "no reason": sized(first="HTTP/1.1 200"),
    "an odd status": sized(first="HTTP/1.1 599 Odd Indeed"),
    "an error": sized("Retry-After: 3", first="HTTP/1.1 429 Slow"),
    "gzip": sized("Content-Encoding: gzip", body=GZIPPED),
    "gzip without its end": sized("Content-Encoding: gzip", body=GZIPPED[:-9]),
    "values with spaces, and none": sized("X-A:   b  c  ", "X-Empty:"),
    "many headers": sized(*(f"X-{n}: {n}" for n in range(90))),
    "kept alive": sized("Connection: Keep-Alive"),
    "cut": answer("Content-Length: 9"),
    "more than its length": answer("Content-Length: 4"),
    "length with a zero before": answer("Content-Length: 08"),
    "no body": sized(body=b""),
}
OTHERS = {
    "chunked": answer("Transfer-Encoding: chunked", body=b"3\r\n{}\n\r\n0\r\n\r\n"),
    "chunked and cut": answer("Transfer-Encoding: chunked", body=b"3\r\n{}"),
    "chunked with a length": sized("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
    "chunked gzip": answer(
        "Transfer-Encoding: chunked",
        "Content-Encoding: gzip",
        body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(GZIPPED), GZIPPED),
    ),
    "deflate": sized("Content-Encoding: deflate", body=zlib.compress(BODY)),
    "no content": answer(first="HTTP/1.1 204 No Content", body=b""),
    "not modified": sized(first="HTTP/1.1 304 Not Modified", body=b""),
    "an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n" + sized(),
    "http 1.0": sized(first="HTTP/1.0 200 OK"),
    "no version": sized(first="HTP 200 OK"),
    "no status": sized(first="HTTP/1.1 OK"),
    "a folded header": sized("X-Long: a\r\n b"),
    "a length folded": answer("Content-Length:\r\n 8"),
    "a name twice": sized("X-A: 1", "X-A: 2"),
    "two lengths": sized("Content-Length: 7"),
    "lengths in one line": answer("Content-Length: 8, 8"),
    "a length beyond all measure": answer(f"Content-Length: {'9' * 5000}"),
    "a signed length": answer("Content-Length: +8"),
    "a negative length": answer("Content-Length: -8"),
    "a space before the colon": answer("Content-Length : 8"),
    "a line without a colon": sized("nonsense"),
    "bytes beyond ascii": sized("X-A: h\xe9"),
    "a bare carriage return": sized("X-A: a\rb"),
    "lines end in a line feed": sized("X-A: b").replace(b"\r\n", b"\n"),
    "too many headers": sized(*(f"X-{n}: {n}" for n in range(101))),
    "a long header": sized(f"X-A: {'a' * 20_000}"),
    "a header too long": sized(f"X-A: {'a' * 70_000}"),
    "connection closed": sized("Connection: close"),
    "without a length": answer("Connection: close"),
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
}


def meaning(send):
    """Return what came of a request: an answer's status, body and headers, or an error."""
    try:
        found = send()
    except BadAnswer as flaw:
        return type(flaw), str(flaw)
    wanted = ("content-type", "retry-after", "content-length", "content-encoding")
    return found.status, found.body, [found.headers.get(name) for name in wanted]


def hung_up(seen, said):
    """Answer the first request plainly, the next one as told, and hang up."""
    seen.append(None)
    return sized() if len(seen) == 1 else (piece for piece in (said, b""))


def outcome(said, *, used_before):
    """Ask a server that says `said`, on a connection that had a request before, or on a new one."""
    seen = [] if used_before else [None]
    with Scripted(lambda _: hung_up(seen, said)) as server:
        transport = Transport(client="t", bases=(server.url,), timeout_s=2.0)
        try:
            if used_before:
                transport.send("GET", f"{server.url}/first", max_bytes=1000)
            return meaning(lambda: transport.send("GET", f"{server.url}/x", max_bytes=1000))
        finally:
            transport.close()


@pytest.mark.parametrize("said", (PLAIN | OTHERS).values(), ids=[*PLAIN, *OTHERS])
def test_an_answer_means_the_same_on_a_connection_that_is_used_once_more(said):
    assert outcome(said, used_before=True) == outcome(said, used_before=False)


@pytest.fixture
def ask():
    """Send requests as one thread does, and read each answer to its end, or not at all."""
    watch, opened = Watch(), []

    def send(server, *, method="GET", body=None, headers=(), read=True):
        if not opened:
            opened.append(Connections(watch, {server.url: surroundings_of(server.url)}))
        with opened[0].send(
            method,
            f"{server.url}/x",
            headers=dict(headers),
            body=body,
            timeout=urllib3.Timeout(5),
        ) as found:
            while read and found.read1(1000, decode_content=True):
                pass
            return found

    yield send
    for connections in opened:
        connections.close()
    watch.close()


@pytest.mark.parametrize(
    ("said", "is_short"),
    [*((said, True) for said in PLAIN.values()), *((said, False) for said in OTHERS.values())],
    ids=[*PLAIN, *OTHERS],
)
def test_only_a_plain_answer_is_read_the_short_way(ask, said, is_short):
    seen, found = [], None
    with Scripted(lambda _: hung_up(seen, said)) as server:
        ask(server)
        try:
            found = ask(server)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as flaw:
            found = flaw
        if is_short:
            assert isinstance(found, Reply | urllib3.exceptions.IncompleteRead)
        else:
            assert not isinstance(found, Reply)


@pytest.mark.parametrize("name", ["two lengths", "too many headers"])
def test_an_answer_that_cannot_be_read_is_closed_before_its_file(ask, name, monkeypatch):
    # From Python 3.13 on one that is left open complains when it is collected.
    made, seen = [], []

    class Watched(http.client.HTTPResponse):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            made.append(self)

    with Scripted(lambda _: hung_up(seen, OTHERS[name])) as server:
        ask(server)
        monkeypatch.setattr(http.client, "HTTPResponse", Watched)
        with pytest.raises((urllib3.exceptions.HTTPError, http.client.HTTPException)):
            ask(server)
    assert [answer.fp for answer in made] == [None]


@pytest.mark.parametrize(
    "name", ["plain", "gzip", "kept alive", "chunked", "deflate", "a name twice"]
)
def test_a_connection_goes_on_after_an_answer_that_was_read_whole(ask, name):
    with Scripted(lambda _: (PLAIN | OTHERS)[name]) as server:
        for _ in range(4):
            assert ask(server).status == 200
        assert server.connections == 1


def test_what_is_left_of_an_answer_is_never_the_beginning_of_the_next(ask):
    longer = answer("Content-Length: 2", body=b"{}" + sized(body=b"stray"))
    with Scripted(lambda seen: longer) as server:
        for _ in range(3):
            assert ask(server).headers["content-length"] == "2"


@pytest.mark.parametrize("name", ["plain", "chunked"])
def test_a_connection_whose_answer_was_not_read_whole_is_not_used_again(ask, name):
    with Scripted(lambda _: (PLAIN | OTHERS)[name]) as server:
        ask(server)
        ask(server, read=False)
        ask(server)
        assert server.connections == 2


@pytest.mark.parametrize(
    ("method", "body"), [("GET", None), ("POST", b'{"from": 1}'), ("POST", b""), ("DELETE", None)]
)
def test_both_ways_send_the_same_request(ask, method, body):
    headers = {"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": "me", "X-A": "b  c"}
    with Scripted(lambda seen: sized()) as server:
        for _ in range(3):
            ask(server, method=method, body=body, headers=headers)
        first, second, third = server.seen
        assert first == second == third


def test_a_line_break_in_a_token_adds_no_header(ask):
    with Scripted(lambda seen: sized()) as server:
        ask(server)
        with pytest.raises(ValueError, match="header value"):
            ask(server, headers={"Authorization": "Bearer a\r\nX-Mine: b"})
        assert len(server.seen) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew(ask):
    with Scripted(lambda seen: (piece for piece in (sized(),))) as server:
        for _ in range(3):
            assert ask(server).status == 200
            time.sleep(0.05)
        assert server.connections == 3

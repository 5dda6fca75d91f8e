import gzip
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime
from threading import Thread

import pytest
import requests

from craftsync.simulator import Faults, Server, World


def talk(server: Server, sent: bytes, *, until: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=2) as connection:
        connection.sendall(sent)
        received = b""
        while until not in received:
            data = connection.recv(65536)
            if not data:
                break
            received += data
        return received


def test_it_listens_on_loopback_alone(server: Server):
    assert server.url.startswith("http://127.0.0.1:")


def test_a_taken_port_is_an_error(server: Server):
    with pytest.raises(OSError, match="address already in use"):
        Server(World(), port=server.port).start()


def test_one_connection_serves_many_requests(server: Server):
    with requests.Session() as session:
        for _ in range(5):
            assert session.get(f"{server.url}/api/v1/environment-info", timeout=2).ok
    assert server._opened == 1


def test_requests_sent_together_are_answered_in_order(server: Server):
    sent = b"GET /api/v1/environment-info HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\n\r\n"
    received = talk(server, sent, until=b"Route /nowhere")
    assert received.index(b"environment_id") < received.index(b"/nowhere")


def test_a_request_may_come_in_pieces(server: Server):
    body = b'{"refresh_token": "wrong"}'
    head = b"POST /api/v1/auth/refresh HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", server.port), timeout=2) as connection:
        for at in range(0, len(head + body), 7):
            connection.sendall((head + body)[at : at + 7])
            time.sleep(0.001)
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 Unauthorized\r\n")


def test_every_answer_tells_the_time_of_the_world(server: Server):
    for path in ("environment-info", "deployments/none"):
        for _ in range(2):
            answer = requests.get(f"{server.url}/api/v1/{path}", timeout=2)
            told = parsedate_to_datetime(answer.headers["Date"])
            assert told == server.world.now.replace(microsecond=0)
            server.world.advance(timedelta(hours=7))


def test_nonsense_ends_the_connection(server: Server):
    with pytest.raises(ConnectionResetError):
        talk(server, b"nonsense\r\n\r\n", until=b"never")


def test_latency_does_not_hold_up_others(serve):
    server = serve(World(), latency_ms=150)
    threads = [
        Thread(
            target=requests.get,
            args=(f"{server.url}/api/v1/environment-info",),
            kwargs={"timeout": 5},
        )
        for _ in range(10)
    ]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.15 <= time.monotonic() - begun < 1.4


def test_bodies_can_be_compressed(serve):
    world = World()
    server = serve(world, gzip=True)
    token = world.accounts.refresh(world.sdk_token, now_s=0)
    headers = {"Authorization": f"Bearer {token}"}
    with requests.get(
        f"{server.url}/api/v1/deployments", headers=headers, stream=True, timeout=2
    ) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.raw.read(decode_content=False)).startswith(b"[{")


def test_closing_ends_what_is_still_waiting():
    faults = Faults()
    faults.once("read_timeout", times=3)
    with Server(World(), faults=faults) as server:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=2)
        connection.sendall(b"GET /api/v1/environment-info HTTP/1.1\r\n\r\n")
        while not server.world.requests.total:
            time.sleep(0.001)
    with connection:
        assert connection.recv(1) == b""


def test_a_bug_in_the_platform_is_raised_when_it_stops():
    server = Server(World())
    server.world.requests.watch(lambda request: 1 / 0)
    server.start()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/api/v1/environment-info", timeout=2)
    with pytest.raises(ZeroDivisionError):
        server.stop()


@pytest.mark.parametrize("interruption", [signal.SIGINT, signal.SIGTERM])
def test_serving_in_real_time_ends_when_interrupted(interruption):
    code = (
        "from craftsync.simulator import serve;"
        "serve(on_ready=lambda url, token: print(url, token, flush=True), executions=500)"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        url, token = process.stdout.readline().split()
        answer = requests.post(
            f"{url}/api/v1/auth/refresh", json={"refresh_token": token}, timeout=2
        )
        assert answer.ok
        process.send_signal(interruption)
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()

"""What is shut when a request's time is over, and what goes on."""

import contextlib
import socket
import time

from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.poolmanager import PoolManager
from urllib3.util.ssltransport import SSLTransport

from craftsync.upstream.deadline import Watch, _watch_pools


def shut_when_over(held_by):
    """Return what the other end of a connection reads when a request over it takes too long."""
    watch = Watch()
    here, there = socket.socketpair()
    with here, there, contextlib.closing(watch):
        there.settimeout(5)
        with watch.until(time.monotonic()) as slot:
            watch.holds(held_by(here))
            read = there.recv(1)
            return read, slot.expired


def within_tls(connection):
    """Hold a connection as urllib3 does that of TLS within TLS, to a proxy: it is no socket."""
    held = SSLTransport.__new__(SSLTransport)
    held.socket = connection
    return held


def test_a_connection_is_shut_when_its_time_is_over():
    assert shut_when_over(lambda connection: connection) == (b"", True)


def test_a_connection_within_tls_to_a_proxy_is_shut_as_well():
    assert shut_when_over(within_tls) == (b"", True)


def test_more_time_is_granted_to_a_request_and_not_to_the_next_one():
    watch = Watch()
    here, there = socket.socketpair()
    with here, there, contextlib.closing(watch):
        with watch.until(time.monotonic()) as slot:
            watch.grant(60)
            watch.holds(here)
            time.sleep(0.5)
            assert not slot.expired
        with watch.until(time.monotonic()) as slot:
            watch.holds(here)
            there.settimeout(5)
            assert there.recv(1) == b""
            assert slot.expired


def test_the_pools_of_another_kind_of_proxy_keep_their_kind_and_are_watched():
    class Socks(HTTPSConnection):
        """A connection as urllib3's SOCKS support makes them, out of options of its own."""

    class SocksPool(HTTPSConnectionPool):
        ConnectionCls = Socks

    manager = PoolManager()
    manager.pool_classes_by_scheme = {"https": SocksPool}
    watch = Watch()
    with contextlib.closing(watch):
        _watch_pools(manager, watch)
        pool = manager.pool_classes_by_scheme["https"]
        assert issubclass(pool, SocksPool)
        assert issubclass(pool.ConnectionCls, Socks)
        assert pool.ConnectionCls.getresponse is not Socks.getresponse

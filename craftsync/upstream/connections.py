"""One thread's connections: found by `requests`, opened by `urllib3`, then used without them.

`requests` knows proxies, certificates and their variables; it also works out which connection a
request goes over, each time anew, and that costs as much as the request. Here it is asked once a
host. netrc is never looked at (it would replace the bearer).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from craftsync.upstream import certificates
from craftsync.upstream.deadline import Watch, WatchedAdapter
from craftsync.upstream.exchange import Reply, exchange, head_of, writes


class Surroundings(NamedTuple):
    """What the environment says about the way to a host."""

    proxies: Mapping[str, str]  # none for plain http, which is loopback's
    verify: bool | str
    cert: Any


@dataclass(slots=True)
class _Way:
    pool: HTTPConnectionPool
    host: str
    connection: HTTPConnection | None = None  # the one that was opened last

    def open_connection(self) -> HTTPConnection | None:
        """Return the connection where it can be used once more."""
        one = self.connection
        if one is not None and _holds_more(one):
            one.close()
        return one if one and one.is_connected else None


def _holds_more(connection: HTTPConnection) -> bool:
    """Whether TLS has more of what was sent than was read: no answer, for none was asked for.

    The socket itself does not tell, as it does of what came in the clear.
    """
    pending: Callable[[], int] | None = getattr(connection.sock, "pending", None)
    return pending is not None and pending() > 0


class Connections:
    """Keep connections open between requests; for one thread alone."""

    def __init__(self, watch: Watch, surroundings: Mapping[str, Surroundings]) -> None:
        self._adapter: Any = WatchedAdapter(
            watch, pool_connections=2, pool_maxsize=1, max_retries=0
        )
        self._watch = watch
        self._surroundings = surroundings
        self._ways: dict[str, _Way] = {}

    def send(
        self,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: urllib3.Timeout,
    ) -> urllib3.BaseHTTPResponse | Reply:
        """Send a request; what comes back is not read yet.

        Raises urllib3's own errors, `OSError` and `http.client.HTTPException`.
        """
        origin = origin_of(address)
        way = self._ways.get(origin) or self._find(origin)
        target = address[len(origin) :]
        if (
            writes(method, body)
            and (connection := way.open_connection())
            and (head := head_of(method, target, way.host, headers, body))
        ):
            self._watch.holds(connection.sock)
            return exchange(connection, method, head, body)
        response = way.pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            retries=False,
            timeout=timeout,
        )
        opened: Any = response.connection
        way.connection = opened
        return response

    def close(self) -> None:
        """Close them all; urllib3 would leave that to the garbage collector."""
        for way in self._ways.values():
            way.pool.close()
            if way.connection is not None:
                way.connection.close()
        self._adapter.close()

    def _find(self, origin: str) -> _Way:
        around = self._surroundings[origin]
        sample = requests.Request("GET", f"{origin}/").prepare()
        pool: Any = self._adapter.get_connection_with_tls_context(
            sample, around.verify, proxies=around.proxies, cert=around.cert
        )
        self._adapter.cert_verify(pool, f"{origin}/", around.verify, around.cert)
        host = urlsplit(sample.url or "").netloc
        way = self._ways[origin] = _Way(pool, host)
        return way


def surroundings_of(base: str) -> Surroundings:
    """Read what the environment says about the way to a host.

    Raises `BadSettings` where it names authorities that cannot be read.
    """
    with requests.Session() as session:
        merged = session.merge_environment_settings(base, {}, None, None, None)
    # Plain http is loopback's alone: there is no certificate, and no proxy may see the bearer.
    if urlsplit(base).scheme == "http":
        return Surroundings({}, verify=False, cert=None)
    verify = merged["verify"] or True
    if isinstance(verify, str):
        certificates.check_bundle(verify)
    return Surroundings(merged["proxies"] or {}, verify, merged["cert"])


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address that `paths.url` or the settings made."""
    end = address.find("/", address.index("://") + 3)
    return address if end < 0 else address[:end]

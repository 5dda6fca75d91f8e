"""A platform that answers some requests with what no client should swallow, made on the fly.

It stands before a simulator, to which it hands everything else. No body is ever held: the pieces
that it is made of are sent again and again.
"""

import contextlib
import http.client
import re
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MB = 1 << 20
_KEPT = ("authorization", "content-type", "content-length", "craft-ai-client", "user-agent")


class Body:
    """A body in pieces: how often each is sent, and the headers that come before."""

    def __init__(self, *pieces, status=200, pause_s=0.0, told=None, **headers):
        self.pieces = pieces
        self.status = status
        self.pause_s = pause_s
        self.told = told  # a Content-Length; without one it is sent in chunks
        self.headers = {"Content-Type": "application/json", **headers}

    def __iter__(self):
        for piece, times in self.pieces:
            for _ in range(times):
                yield piece
                if self.pause_s:
                    time.sleep(self.pause_s)


FOREVER = 1 << 62


def endless(piece=b" " * MB, **more):
    """Return a body without an end."""
    return Body((piece, FOREVER), **more)


def redirect(address, status=302):
    return Body(status=status, Location=address)


def wide(keys=10**6):
    """Return one object of so many keys."""
    named = b",".join(b'"k%07d":%d' % (n, n) for n in range(keys))
    return Body((b'{"execution_id":"t3","status":"x",' + named + b"}", 1))


def large(first, piece, last, *, size=2048 * MB, **more):
    """Return a body of that size: a piece of some kilobytes, again and again."""
    block = piece * (MB // len(piece))
    return Body((first, 1), (block, size // len(block)), (last, 1), **more)


def bomb(piece=b" ", *, size=20_000 * MB):
    """Return a few megabytes of gzip that unpack to that size."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    block = piece * (MB // len(piece))
    head = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    return Body((head, 1), (again, size // MB), **{"Content-Encoding": "gzip"})


def deep(levels=100_000):
    return Body((b"[" * levels + b"]" * levels, 1))


class Hostile:
    """Serve on loopback; `spoil` a path, and its requests are answered by a body of the above.

    Bytes in its place are sent as they are: they need not be HTTP.
    """

    def __init__(self, port):
        self._behind = port
        self._spoilt = []
        self.heard = []

    def spoil(self, method, path, body):
        self._spoilt.append((method, re.compile(rf"/api/v1{path}(\?.*)?"), body))

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *given):
                pass

            def do_GET(self):
                outer.heard.append((self.command, self.path, dict(self.headers)))
                length = int(self.headers.get("Content-Length", 0))
                said = self.rfile.read(length) if length else None
                for method, path, body in outer._spoilt:
                    if method == self.command and path.fullmatch(self.path):
                        self._send(body)
                        return
                self._pass_on(said)

            do_POST = do_DELETE = do_GET  # noqa: N815 - as http.server names them

            def _send(self, body):
                if isinstance(body, bytes):
                    self.close_connection = True
                    self.wfile.write(body)
                    return
                self.send_response(body.status)
                for name, value in body.headers.items():
                    self.send_header(name, value)
                if body.told is None:
                    self.send_header("Transfer-Encoding", "chunked")
                else:
                    self.send_header("Content-Length", str(body.told))
                self.end_headers()
                self.close_connection = True
                with contextlib.suppress(OSError):  # the client has had enough
                    for piece in body:
                        chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
                        self.wfile.write(chunk if body.told is None else piece)
                    if body.told is None:
                        self.wfile.write(b"0\r\n\r\n")

            def _pass_on(self, said):
                behind = http.client.HTTPConnection("127.0.0.1", outer._behind)
                kept = {n: v for n, v in self.headers.items() if n.lower() in _KEPT}
                behind.request(self.command, self.path, said, kept)
                answer = behind.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                behind.close()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

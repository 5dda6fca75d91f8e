"""A platform behind TLS, with whatever certificate: it notes what it hears in the clear."""

import contextlib
import os
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import trustme

HOST = "127.0.0.1"


class Front:
    """Listen on loopback with a certificate, and hand all that is said to a plain server behind.

    `cut_after` ends the first connections without a farewell, each after so many bytes of answers;
    with `spoilt` answers come in the clear, as bytes that are no TLS.
    """

    def __init__(self, context, port, *, cut_after=(), spoilt=False):
        self._context = context
        self._behind = port
        self._cuts = list(cut_after)
        self._spoilt = spoilt
        self._open = []
        self._threads = []
        self.heard = b""
        self.handshakes = 0

    def __enter__(self):
        self._socket = socket.create_server((HOST, 0))
        self.url = f"https://{HOST}:{self._socket.getsockname()[1]}"
        self._start(self._accept)
        return self

    def __exit__(self, *exc):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _start(self, work):
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._start(partial(self._serve, connection))

    def _serve(self, connection):
        cut = self._cuts.pop(0) if self._cuts else None
        if cut == 0:
            connection.recv(1)
            connection.close()
            return
        try:
            ours = self._context.wrap_socket(connection, server_side=True)
        except OSError:  # the client does not like the certificate
            connection.close()
            return
        self.handshakes += 1
        theirs = socket.create_connection((HOST, self._behind))
        self._open += [ours, theirs]
        self._start(partial(self._answers, theirs, ours, cut))
        with contextlib.suppress(OSError):
            while said := ours.recv(1 << 16):
                self.heard += said
                theirs.sendall(said)
        with contextlib.suppress(OSError):
            theirs.shutdown(socket.SHUT_RDWR)

    def _answers(self, theirs, ours, cut):
        with contextlib.suppress(OSError):
            while said := theirs.recv(1 << 16):
                if self._spoilt:
                    os.write(ours.fileno(), said)
                    break
                if cut is not None and len(said) > cut:
                    ours.sendall(said[:cut])
                    break
                ours.sendall(said)
                cut = None if cut is None else cut - len(said)
        with contextlib.suppress(OSError):
            socket.socket.shutdown(ours, socket.SHUT_RDWR)


class Authority:
    """Who vouches for the certificates of a test; `file` is its own, to be trusted."""

    def __init__(self, folder):
        self._folder = folder
        self._ca = trustme.CA()
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def good(self):
        return self._issued(HOST)

    def for_another_host(self):
        return self._issued("platform.example")

    def expired(self):
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return self._issued(HOST, not_before=yesterday - timedelta(days=9), not_after=yesterday)

    def not_valid_yet(self):
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        return self._issued(HOST, not_before=tomorrow, not_after=tomorrow + timedelta(days=9))

    def unknown(self):
        return self._issued(HOST, by=trustme.CA())

    def self_signed(self):
        other, file = trustme.CA(), self._folder / "self-signed.pem"
        file.write_bytes(other.private_key_pem.bytes() + other.cert_pem.bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _issued(self, name, *, by=None, **when):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (by or self._ca).issue_cert(name, **when).configure_cert(context)
        return context

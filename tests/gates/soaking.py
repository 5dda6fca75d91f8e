"""A process that goes on mirroring, run after run, as told through a pipe; it tells what it costs.

The platform is in another process, so that what grows here is ours. Time depends on what else the
machine does; what is asked of the store is counted: statements, and steps of SQLite's own machine.
"""

import gc
import os
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, event

from craftsync import settings
from craftsync.app import App
from craftsync.errors import CraftsyncError
from craftsync.purge.policy import Criteria

PAGE = os.sysconf("SC_PAGESIZE")
STEPS_AT_ONCE = 100


class Asked:
    """Counts what all engines of this process ask of a SQLite store."""

    def __init__(self):
        self.statements = self.steps = 0
        event.listen(Engine, "connect", self._connected)
        event.listen(Engine, "before_cursor_execute", self._asked)

    def so_far(self):
        return {"statements": self.statements, "steps": self.steps}

    def _connected(self, connection, _):
        connection.set_progress_handler(self._stepped, STEPS_AT_ONCE)

    def _stepped(self):
        self.steps += STEPS_AT_ONCE

    def _asked(self, *_):
        self.statements += 1


class Worker:
    """One App after the other in one process, on a clock that is set from outside."""

    def __init__(self, environ, folder):
        self.environ = environ
        self.folder = folder
        self.now = None

    @property
    def app(self):
        loaded = settings.load(environ=self.environ, cwd=self.folder)
        return App(loaded, self.environ, now=lambda: self.now, sleep=lambda _: None)

    def sync(self, **asked):
        app = self.app
        where = app.settings.environments_to_use()
        report = app.sync(where, app.sync_options(**asked), listener=lambda _: None)
        (outcome,) = report.outcomes
        return {
            "code": outcome.exit_code,
            "fetched": outcome.fetched,
            "failed": outcome.failed,
            "listed": outcome.listed,
            "requests": outcome.requests,
        }

    def purge(self, days):
        app = self.app
        try:
            with app.reading() as conn:
                where = app.environment_held(conn, None)
                plan, _ = app.planning(conn, where).by_age(Criteria(timedelta(days=days)))
            report = app.erase(plan, listener=lambda _: None)
        except CraftsyncError as error:
            return {"code": error.exit_code, "deleted": 0, "error": str(error)}
        deleted = sum(str(one.outcome) == "deleted" for one in report.results)
        return {"code": report.exit_code, "deleted": deleted, "error": str(report.error)}


def work(pipe, environ, folder):
    """Do what is asked until nothing more is; answer with what came of it and what it cost."""
    worker, store = Worker(environ, folder), Asked()
    while asked := pipe.recv():
        what, worker.now, words = asked
        before, began_s = store.so_far(), time.process_time()
        told = getattr(worker, what)(**words)
        spent_s = time.process_time() - began_s
        counted = {name: count - before[name] for name, count in store.so_far().items()}
        pipe.send({**told, "spent_s": spent_s, **counted, **costs()})


def costs():
    """Return the memory (bytes) and the files that this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"memory": pages * PAGE, "files": sum(1 for _ in Path("/proc/self/fd").iterdir())}

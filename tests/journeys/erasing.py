"""A quiet estate with something old in it, and short words to plan and to delete."""

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner
from lab import DAY, lab

from craftsync.cli import main
from craftsync.purge.policy import Criteria
from craftsync.simulator import Line, Port, World

MINUTE = timedelta(minutes=1)
NS = 1_000_000_000


def an_estate(count=8, *, now=None, **world):
    """Executions t0 (the oldest) to t`count`-1 of `train`; every second one of `nightly`.

    They began 100 days ago, a day apart.
    """
    made = World(executions=0, pipelines=0, now=now, **world)
    long_ago = made.now - 100 * DAY
    made.add_pipeline(
        "train",
        inputs=[Port("x", "number"), Port("data", "file")],
        outputs=[Port("y", "number"), Port("model", "file")],
        created_at=long_ago - DAY,
    )
    made.add_deployment("nightly", "train", created_at=long_ago - DAY)
    for number in range(count):
        began = long_ago + number * DAY
        at = int(began.timestamp()) * NS
        made.add_execution(
            "train",
            execution_id=f"t{number}",
            created_at=began,
            deployment="nightly" if number % 2 else None,
            lines=[Line(at + n * NS, f"line {n} of t{number}") for n in range(3)],
        )
    return made


def now():
    """Tell the real time, as the commands have it, without a fraction."""
    return datetime.now(UTC).replace(microsecond=0)


def allow(lab, **purge):
    """Enable deletes in a lab, with limits that hold nothing back but what a test names."""
    free = {"enabled": "true", "max_share": "1", "keep_last": "0", "keep_last_success": "false"}
    for name, value in (free | purge).items():
        lab.environ[f"CRAFTSYNC_PURGE_{name.upper()}"] = str(value)
    return lab


@contextmanager
def mirrored(folder, world, **allowed):
    """Open a lab in which a world is mirrored, nothing was asked since, and deletes are allowed."""
    with lab(folder, world) as made:
        assert made.sync().outcome == "complete"
        made.world.requests.clear()
        yield allow(made, **allowed)


def planned(lab, older_than=30 * DAY, *, set_back=timedelta(0), **asked):
    """Plan on the lab's clock, or on one that was set back."""
    app = replace(lab.app, now=lambda: lab.world.now - set_back)
    criteria = Criteria(older_than, **{name: frozenset(values) for name, values in asked.items()})
    with app.reading() as conn:
        plan, _ = app.planning(conn, app.environment_held(conn, None)).by_age(criteria)
    return plan


def erased(lab, plan, **how):
    """Apply a plan on the lab's clock; the outcome of each item by its id."""
    report = lab.app.erase(plan, listener=lab.events.append, **how)
    lab.report = report
    return {one.item.key.execution_id: one.outcome and str(one.outcome) for one in report.results}


def run(lab, *words, **environ):
    """Run a command on the real clock."""
    words = [str(word) for word in words]
    return CliRunner(env=lab.environ | environ).invoke(main, words)


def deletes(lab):
    """Return the paths of the DELETEs that came."""
    return [one.path.removeprefix("/api/v1/") for one in lab.world.requests.deletes]


def audit(lab, columns="object_id, outcome"):
    """Return the rows of `deletions`, in the order of their intents."""
    rows = lab.rows(f"select {columns} from deletions order by intent_at, deletion_id, rowid")
    return [tuple(row.values()) for row in rows]


def outcomes(lab):
    """Return the outcomes that `deletions` tells of each object."""
    told = {}
    for name, outcome in audit(lab):
        told.setdefault(name, []).append(outcome)
    return told


def change(lab, sql, *values):
    """Change the store behind its back."""
    with closing(sqlite3.connect(lab.store)) as connection:
        assert connection.execute(sql, values).rowcount > 0
        connection.commit()

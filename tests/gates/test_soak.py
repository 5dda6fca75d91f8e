"""A month of runs every quarter of an hour, in one process: nothing is lost, and nothing grows."""

import multiprocessing
import random
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta
from statistics import median

import pytest
from gates.faulty import LEFT_OVER, gaps
from gates.happenings import FAULTS, faults_of
from gates.soaking import work
from journeys.checker import moment
from journeys.erasing import allow
from lab import DAY, lab

from craftsync.simulator import Truth, World
from craftsync.simulator.delivery import Smooth

QUARTER = timedelta(minutes=15)
RUNS_A_DAY = 96
MIB = 1 << 20

# 15,000 executions to begin with, and 1,200 a day.
PIPELINES = ("iris-train", "iris-predict", "churn-score", "text-embed", "doc-ocr", "billing-export")
AT_FIRST = 15_000
DEPLOYMENTS = {  # and how often they are called
    "embed-api": timedelta(minutes=2),
    "iris-api": timedelta(minutes=5),
    "ocr-api": timedelta(minutes=10),
    "churn-hourly": timedelta(hours=1),
    "iris-nightly": DAY,
    "billing-daily": DAY,
}

# One that deletes in truth would take along what nobody ever could see.
KINDS = [kind for kind in FAULTS if kind != "vanish_detail"]

RATE = 0.25

MOST_GROWTH = 48 * MIB
MOST_WAL = 64 * MIB

# What a run without changes asks for: to sign in, the estate, and a list for each pipeline take 20
# requests; in the store the rows of what is listed are read, and none of what is gone.
MOST_STATEMENTS = 80
MOST_REQUESTS, REQUESTS_A_FETCHED = 20, 4
MOST_STEPS, STEPS_A_LISTED = 10_000, 16
MOST_SLOWER = 3.0  # though twice as much is listed in the end: time alone proves little


def too_much(told):
    """Tell of what a run without changes asked for more than it may."""
    most = {
        "statements": MOST_STATEMENTS,
        "steps": MOST_STEPS + STEPS_A_LISTED * told["listed"],
        "requests": MOST_REQUESTS + REQUESTS_A_FETCHED * told["fetched"],
    }
    return [
        f"{told[name]} {name}, at most {most[name]}" for name in most if told[name] > most[name]
    ]


class Soak:
    """The days, one after the other; what each of them cost."""

    def __init__(self, made, pipe, seed=1):
        self.lab = made
        self.world = made.world
        self.pipe = pipe
        self.chance = random.Random(seed)
        self.codes = Counter()
        self.deleted = 0
        self.noted = set()
        self.flaws = []
        self.largest_wal = 0
        self.days = []
        wal = made.store.with_name(made.store.name + "-wal")

        def look(_):
            if wal.exists():
                self.largest_wal = max(self.largest_wal, wal.stat().st_size)

        self.world.requests.watch(look)

    def ask(self, what, **words):
        self.pipe.send((what, self.world.now, words))
        return self.pipe.recv()

    def sync(self, **asked):
        told = self.ask("sync", **asked)
        self.codes[told["code"]] += 1
        return told

    def calm_sync(self):
        """Sync until it is complete, and note what has to be held from now on."""
        self.lab.server.faults = Smooth()
        for _ in range(3):
            told = self.sync(accept_vanished=100_000)
            if told["code"] == 0:
                break
            self.world.advance(DAY / 24)
        else:
            self.flaws.append(f"{self.world.now}: not complete: {told}")
        self.noted |= {
            (run.execution_id, run.created_ms)
            for run in self.world.history.runs(self.world.history.clock.now_ms())
        }
        return told

    def disturbed_sync(self):
        kind = self.chance.choice(KINDS)
        self.lab.server.faults = faults_of(kind, self.chance.randrange(1000), RATE)
        self.sync()
        self.lab.server.faults = Smooth()

    def live_a_day(self, number):
        for run in range(RUNS_A_DAY):
            self.world.advance(QUARTER)
            if run == 12:
                self.calm_sync()
                told = self.ask("purge", days=3)
                self.deleted += told["deleted"]
                if told["code"] not in (0, 3):
                    self.flaws.append(f"{self.world.now}: a purge ended with {told}")
            elif run == 48:
                self.calm_sync()
                self.change(number)
            elif self.chance.random() < 0.15:
                self.disturbed_sync()
            else:
                self.sync()
        told = self.calm_sync()
        quiet = [self.sync() for _ in range(3)]
        if any(one["fetched"] > 60 or one["code"] for one in quiet):
            self.flaws.append(f"{self.world.now}: not quiet: {quiet}")
        self.flaws += [f"{self.world.now}: {flaw}" for one in quiet for flaw in too_much(one)]
        self.days.append({**quiet[-1], "spent_s": median(one["spent_s"] for one in quiet)})

    def change(self, number):
        """Some are deleted, some made again; a deployment is made again every few days."""
        runs = self.chance.sample(sorted(self.world.truth().execution_ids()), 6)
        for name in runs[:4]:
            self.world.delete_execution(name)
        for name in runs[4:]:
            self.world.recreate_execution(name)
        # On the first day all deployments are made again, and what they ran goes with them.
        for name in DEPLOYMENTS if number == 0 else ["embed-api"] if number % 4 == 3 else []:
            self.world.recreate_deployment(name, every=DEPLOYMENTS[name])

    def ends_well(self):
        """Tell what differs in the end from the truth, and from what it was of what was deleted."""
        self.world.advance(DAY)
        self.calm_sync()
        told = [*self.flaws, *(gap for gap in gaps(self.lab) if not gap.startswith(LEFT_OVER))]
        rows = self.lab.rows(
            "select execution_id, created_at, status, end_date, gone_at from executions"
        )
        held = {(row["execution_id"], row["created_at"]): row for row in rows}
        if len(held) != len(rows):
            told.append("held twice")
        lines = Counter(
            (row["execution_id"], row["execution_created_at"])
            for row in self.lab.rows("select execution_id, execution_created_at from logs")
        )
        history = self.world.history
        ever = {
            run.execution_id: run
            for name in history.streams
            for stream in history.streams[name]
            for run in map(stream.run, range(stream.count(history.clock.now_ms())))
        }
        for name, runs in history.single_ids.items():
            ever |= {(name, run.created_ms): run for run in runs}
        for run in ever.values():
            if (run.execution_id, run.created_ms) not in self.noted or run.gone_ms is None:
                continue
            true = Truth(history, run.gone_ms - 1).execution(run.execution_id)
            key = (run.execution_id, moment(true.created_at))
            row = held.get(key)
            if row is None or row["gone_at"] is None:
                told.append(f"{key} was deleted, and is held as {row}")
            elif (row["status"], row["end_date"], lines[key]) != (
                true.status,
                moment(true.end_date),
                len(true.lines),
            ):
                told.append(f"{key} is held as {row}, {lines[key]} lines; in truth {true}")
        self.held = len(held)
        self.gone = sum(row["gone_at"] is not None for row in rows)
        return told


@contextmanager
def soaking(folder, executions):
    """Start the process that mirrors, and the platform in this one."""
    world = World(seed=1, executions=executions, pipelines=PIPELINES, lines=2, keep_requests=False)
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    with lab(folder, world) as made:
        allow(made, max_deletes=250)
        made.environ["CRAFTSYNC_SYNC_SETTLE"] = "15m"
        process = spawn.Process(target=work, args=(theirs, made.environ, folder))
        process.start()
        theirs.close()  # so that its end is noticed
        try:
            yield Soak(made, ours)
        finally:
            with suppress(OSError):  # it may have died
                ours.send(None)
            process.join(30)
            process.kill()


def soaked(folder, executions, days, early):
    """Live so many days; the soak, and its figures by the day."""
    with soaking(folder, executions) as soak:
        soak.calm_sync()
        for number in range(days):
            soak.live_a_day(number)
        told = soak.ends_well()
    first, last = soak.days[early - 1], soak.days[-1]
    return soak, told, {
        "days": days,
        "runs": soak.codes.total(),
        "codes": dict(sorted(soak.codes.items())),
        "held": soak.held,
        "gone": soak.gone,
        "purged": soak.deleted,
        "memory": f"{first['memory'] // MIB} to {last['memory'] // MIB} MiB",
        "files": f"{first['files']} to {last['files']}",
        "largest_wal": f"{soak.largest_wal / MIB:.1f} MiB",
        "no_change": f"{first['spent_s'] * 1000:.0f} to {last['spent_s'] * 1000:.0f} ms",
        "of_which_listed": f"{first['listed']:,} to {last['listed']:,}",
        "steps_in_the_store": f"{first['steps']:,} to {last['steps']:,}",
        "statements": f"{first['statements']} to {last['statements']}",
        "differences": len(told),
    }  # fmt: skip


@pytest.mark.long
def test_in_a_month_of_runs_nothing_is_lost_and_nothing_grows(tmp_path, figures):
    soak, told, words = soaked(tmp_path, AT_FIRST, days=30, early=5)
    figures("soak", "a month", **words)
    first, last = soak.days[4], soak.days[-1]
    assert told[:20] == []
    assert last["memory"] - first["memory"] < MOST_GROWTH
    assert last["files"] <= first["files"]
    assert soak.largest_wal < MOST_WAL
    assert last["spent_s"] < MOST_SLOWER * first["spent_s"]
    assert soak.held >= 50_000

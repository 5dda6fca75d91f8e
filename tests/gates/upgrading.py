"""Upgrades that are killed at any statement, in a craftsync that has more revisions than this one.

Run as a process of its own with the next craftsync on its path: its parts fork from here, with
everything imported. What it is to do comes as JSON on stdin, what came of it goes out as JSON.
"""

import json
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from gates import failpoints
from sqlalchemy import Boolean, MetaData, create_engine, inspect, select, text

from craftsync.errors import CraftsyncError
from craftsync.resources import migrations_dir
from craftsync.store import dump, engine, relations, schema

PATIENCE_S = 10


def scripts():
    """Return the revisions of this craftsync, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    config.set_main_option("path_separator", "os")
    return list(ScriptDirectory.from_config(config).walk_revisions())[::-1]


# A store as a craftsync of a revision left it


def make(place, revision, source):
    """Make a store at `revision`, with the rows of `source` as far as it had a place for them."""
    url = engine.address(place)
    opened = engine.migrator(url)
    with opened.begin() as connection:
        context = MigrationContext.configure(connection, opts={"render_as_batch": True})
        with Operations.context(context):
            for script in scripts():
                script.module.upgrade()
                if script.revision == revision:
                    break
        connection.execute(text("create table alembic_version (version_num varchar(32) not null)"))
        connection.execute(text("insert into alembic_version values (:one)"), {"one": revision})
        _fill(connection, source)
        _show(connection)
    opened.dispose()


def _fill(connection, source):
    there = MetaData()
    there.reflect(connection)
    read = create_engine(f"sqlite:///file:{source}?mode=ro&uri=true")
    with read.connect() as old:
        held = MetaData()
        held.reflect(old, only=lambda name, _: name in there.tables and name != "alembic_version")
        for table in there.sorted_tables:
            if table.name not in held.tables:
                continue
            connection.execute(table.delete())  # what a revision itself put there
            rows = [
                {
                    name: bool(value) if value is not None and _is_truth(table, name) else value
                    for name, value in row._mapping.items()
                    if name in table.columns
                }
                for row in old.execute(select(held.tables[table.name]))
            ]
            if rows:
                connection.execute(table.insert(), rows)
    read.dispose()


def _is_truth(table, name):
    return name in table.columns and isinstance(table.columns[name].type, Boolean)


def _show(connection):
    """Make the views, and one of a user's own over them."""
    for relation in relations.PUBLIC:
        connection.exec_driver_sql(relation.create_view(connection.dialect.name))
    connection.exec_driver_sql("create view mine as select execution_id, status from executions")


# What is held


def held(url):
    """Return the revision, the rows of each table, the canonical dump's hash, and flaws."""
    opened = engine.reader(url)
    try:
        with opened.connect() as connection:
            tables = sorted(inspect(connection).get_table_names())
            counts = {
                name: connection.scalar(text(f'select count(*) from "{name}"')) for name in tables
            }
            revision = connection.scalar(text("select version_num from alembic_version"))
            sha256 = dump.canonical_sha256(connection)
            mine = connection.scalar(text("select count(*) from mine"))
            flaws = []
            if connection.dialect.name == "sqlite":
                for pragma in ("integrity_check", "foreign_key_check"):
                    rows = connection.exec_driver_sql(f"pragma {pragma}").all()
                    flaws += [f"{pragma}: {row}" for row in rows if row != ("ok",)]
    finally:
        opened.dispose()
    return {"revision": revision, "rows": counts, "dump": sha256, "mine": mine, "flaws": flaws}


class Kills:
    """A store at an older revision, upgraded and killed again and again."""

    def __init__(self, before, head):
        self.before = before
        self.head = head
        self.points = 0
        self.again = 0
        self.flaws = []

    def judge(self, what, found):
        """Compare what is held with what was: at the old revision, or at the newest one."""
        lost = {
            name: (rows, found["rows"].get(name))
            for name, rows in self.before["rows"].items()
            if found["rows"].get(name) != rows
        }
        told = [*found["flaws"], *([f"rows differ: {lost}"] if lost else [])]
        if found["dump"] != self.before["dump"]:
            told.append("the canonical dump differs")
        if found["mine"] != self.before["mine"]:
            told.append("the user's own view is another")
        if found["revision"] not in (self.before["revision"], self.head):
            told.append(f"it is at {found['revision']}")
        self.flaws += [f"{what}: {each}" for each in told]

    def upgrade(self, what, url):
        """Upgrade undisturbed, after a kill or for the first time."""
        self.again += 1
        done = failpoints.run(lambda: schema.upgrade(url).after, lambda: {})
        if (done.code, done.told) != (0, self.head):
            self.flaws.append(f"{what}: the next upgrade ended with {done.code}: {done.told}")
            return
        after = held(url)
        if after["revision"] != self.head:
            self.flaws.append(f"{what}: the next upgrade left it at {after['revision']}")
        self.judge(f"{what}, and upgraded", after)

    def killed(self, what, url, arm):
        """Upgrade in a child that dies; False when it came to its end."""
        end = failpoints.run(lambda: schema.upgrade(url).after, arm)
        if not end.was_killed:
            if end.code:
                self.flaws.append(f"{what}: ended with {end.code}: {end.told}")
            return False
        self.points += 1
        return True

    def told(self):
        return {"points": self.points, "upgraded_again": self.again, "flaws": self.flaws}


def in_a_file(job):
    """Kill the upgrade of a SQLite store at each operation, or at every so many."""
    folder = Path(job["folder"])
    template, store = folder / "template.db", folder / "played" / "history.db"
    store.parent.mkdir(mode=0o700)
    make(template, job["revision"], job["source"])
    url = engine.address(store)

    def set_back():
        for file in store.parent.iterdir():
            file.unlink()
        shutil.copyfile(template, store)

    set_back()
    kills = Kills(held(url), schema.head())
    kills.upgrade("undisturbed", url)
    set_back()
    points = failpoints.run(
        lambda: schema.upgrade(url).after, failpoints.counting(store.parent)
    ).points
    seen = set()

    def kill(what, arm):
        set_back()
        if not kills.killed(what, url, arm):
            return False
        kills.judge(what, held(url))
        state = (*sorted(file.name for file in store.parent.iterdir()), _content(store))
        if state not in seen or not job["step"] > 1:
            seen.add(state)
            kills.upgrade(what, url)
        return True

    n = 1
    while kill(f"killed at {n}", failpoints.dying_at(n, store.parent)):
        n += job["step"]
    at = 20_000
    while job["bytes"] and kill(f"killed at byte {at}", failpoints.dying_at_byte(at)):
        at += job["bytes"]
    full = _full(kills, job, url, set_back)
    return {**kills.told(), "operations": dict(points), "stores": len(seen), "full": full}


def _full(kills, job, url, set_back):
    """Upgrade on disks of more and more room; what is told, how often."""
    told, room = {}, 4096
    while job["bytes"]:
        set_back()
        end = failpoints.run(lambda: _or_say(url), failpoints.with_files_up_to(room))
        code = end.told[:1] if end.code == 0 else f"ended with {end.code}: {end.told}"
        told[code] = told.get(code, 0) + 1
        if code == "0":
            break
        kills.judge(f"room for {room} bytes", held(url))
        kills.upgrade(f"room for {room} bytes", url)
        room += 5 * job["bytes"]
    return told


def _or_say(url):
    try:
        schema.upgrade(url)
    except CraftsyncError as flaw:
        return f"{flaw.exit_code} {flaw}"
    return "0"


def _content(store):
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return connection.execute("select version_num from alembic_version").fetchone()[0]


def on_a_server(job):
    """Kill the upgrade of a store on PostgreSQL at each statement, or at every so many."""
    server = job["server"]

    def renew(name, template):
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)")
            connection.execute(f"create database {name} template {template}")
        return engine.address(f"{server}/{name}")

    make(renew("g8_before", "template0"), job["revision"], job["source"])
    url = renew("g8", "g8_before")
    kills = Kills(held(url), schema.head())
    url = renew("g8", "g8_before")
    n, upgraded = 1, False
    while True:
        what = f"killed at {n}"
        if upgraded:
            url = renew("g8", "g8_before")
        if not kills.killed(what, url, failpoints.dying_at(n, Path(job["folder"]))):
            break
        _alone(server)
        found = held(url)
        kills.judge(what, found)
        upgraded = found["revision"] == kills.head or n % 10 == 1
        if upgraded:
            kills.upgrade(what, url)
        n += job["step"]
    kills.judge("undisturbed", held(url))
    return kills.told()


def _alone(server):
    """Wait until the server has noticed that the killed one is gone."""
    until = time.monotonic() + PATIENCE_S
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        others = "select count(*) from pg_stat_activity where datname = 'g8'"
        while connection.execute(others).fetchone()[0]:
            if time.monotonic() > until:
                raise TimeoutError("the session of a killed process does not end")
            time.sleep(0.005)


if __name__ == "__main__":
    job = json.load(sys.stdin)
    told = on_a_server(job) if job.get("server") else in_a_file(job)
    json.dump(told, sys.stdout)

"""`doctor`: every flaw is found, told in a sentence, and comes with what mends it."""

import email.utils
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from lab import DAY, HOUR
from lab import lab as make_lab

from craftsync import settings
from craftsync.app import App, utc_now
from craftsync.cli import main
from craftsync.health import machine
from craftsync.records import ObjectKind
from craftsync.simulator import Faults, World
from craftsync.store import engine, environments, ledger

ROOT = Path(__file__).parents[2]
CLEAN = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@pytest.fixture
def lab(tmp_path):
    """A quiet platform at the real time, mirrored completely."""
    world = World(seed=2, executions=20, settled=True, now=utc_now().replace(microsecond=0) - HOUR)
    with make_lab(tmp_path, world) as made:
        made.world.advance(HOUR)
        made.sync()
        yield made


def examined(lab, **environ):
    """Let the doctor look, on the clock of the lab: its findings by check."""
    lab.environ.update(environ)
    flaws = []
    found = settings.load(environ=lab.environ, cwd=lab.folder, forgive=flaws.append)
    app = App(found, lab.environ, now=lambda: lab.world.now, sleep=lab.naps.append)
    return by_check(app.doctor(flaws))


def by_check(findings):
    told = {}
    for one in findings:
        assert (one.fix is None) == (one.state == "ok")
        told.setdefault(one.check, []).append(one)
    return told


def only(findings, check):
    (one,) = findings[check]
    return one


def wanting(findings):
    return {check for check, some in findings.items() for one in some if one.fix}


def execute(lab, *statements):
    """Change the store as no craftsync would."""
    with closing(sqlite3.connect(lab.store)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@contextmanager
def writing(lab):
    writer = engine.writer(engine.address(lab.store))
    with writer.begin() as connection:
        yield connection, environments.find(connection, "default").key
    writer.dispose()


def process(*words, cwd, **environ):
    return subprocess.run(
        [sys.executable, "-m", "craftsync", *words],
        cwd=cwd, env={**CLEAN, **environ}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


# How it ends


def test_where_all_is_well_every_check_is_ok_and_the_end_is_0(lab, monkeypatch):
    monkeypatch.chdir(lab.folder)
    ended = CliRunner(env=lab.environ).invoke(main, ["doctor", "--json"])
    rows = json.loads(ended.stdout)
    assert [row for row in rows if row["state"] != "ok"] == []
    assert ended.exit_code == 0
    assert {tuple(row) for row in rows} == {("check", "state", "finding", "fix")}
    assert {row["check"] for row in rows} == {
        "settings", "environments", "token", "reach", "access", "clock", "identity", "store",
        "schema", "integrity", "permissions", "disk", "file system", "wal", "lock", "run",
        "failures", "deletes", "redaction",
    }  # fmt: skip


def test_it_changes_nothing(lab):
    def contents():  # SQLite's own index beside the store comes and goes with readers
        own = ("-wal", "-shm")
        files = (path for path in lab.folder.iterdir() if not path.name.endswith(own))
        return {path.name: path.read_bytes() for path in files}

    before = contents()
    examined(lab)
    assert contents() == before


def test_it_works_with_nothing_at_all(tmp_path):
    ended = process("doctor", "--json", cwd=tmp_path)
    told = {row["check"]: row for row in json.loads(ended.stdout)}
    assert ended.returncode == 3
    assert "no place for the store" in told["settings"]["finding"]
    assert told["environments"]["fix"].startswith("craftsync config init")
    assert "Not looked at" in told["store"]["finding"]


def test_it_works_without_credentials_and_without_a_store(tmp_path):
    ended = process("doctor", "--json", cwd=tmp_path, HOME=str(tmp_path))
    told = {row["check"]: row for row in json.loads(ended.stdout)}
    assert ended.returncode == 3
    assert ended.stderr == ""
    assert told["settings"]["state"] == "ok"
    assert (told["store"]["state"], told["store"]["fix"]) == ("warning", "craftsync sync")
    assert list(tmp_path.iterdir()) == []


def test_no_token_is_in_what_it_says(lab):
    secret = lab.world.sdk_token
    ended = process("doctor", "-vv", cwd=lab.folder, **lab.environ)
    assert ended.returncode == 0
    assert secret not in ended.stdout + ended.stderr


# Settings and credentials


def test_every_flaw_of_the_settings_is_a_finding_and_the_rest_is_looked_at(lab):
    (lab.folder / "craftsync.toml").write_text('speed = 1\n[sync]\nworkers = "many"\n')
    (lab.folder / "craftsync.toml").chmod(0o600)
    found = examined(lab, CRAFTSYNC_SYNC_WORKERS="")
    first, second = found["settings"]
    assert "craftsync.toml:1: speed is no setting." in first.finding
    assert "craftsync.toml:3: sync.workers must be" in second.finding
    assert {first.state, second.state} == {"problem"}
    assert only(found, "store").state == only(found, "access").state == "ok"


def test_a_store_that_flawed_settings_may_name_is_not_guessed_at(lab):
    (lab.folder / "craftsync.toml").write_text("store =\n")
    found = examined(lab, CRAFTSYNC_STORE="")
    assert "Not looked at" in only(found, "store").finding
    assert "schema" not in found


def test_a_settings_file_open_to_others_is_a_finding_with_its_chmod(lab):
    path = lab.folder / "craftsync.toml"
    path.write_text("")
    path.chmod(0o644)
    warned = examined(lab)["settings"][-1]
    assert (warned.state, warned.fix) == ("warning", f"chmod 600 {path}")
    subprocess.run(warned.fix, shell=True, check=True)
    assert wanting(examined(lab)) == set()


def test_a_missing_token_leaves_the_reach_and_the_store_to_be_looked_at(lab):
    found = examined(lab, CRAFT_AI_SDK_TOKEN="")
    assert only(found, "token").state == "problem"
    assert only(found, "reach").state == only(found, "integrity").state == "ok"
    assert "access" not in found


def test_a_token_that_the_platform_refuses_is_a_problem(lab):
    refused = only(examined(lab, CRAFT_AI_SDK_TOKEN="another"), "access")
    assert refused.state == "problem"
    assert "does not accept the SDK token" in refused.finding


def test_values_stored_as_they_are_are_a_finding_constants_are_not(lab):
    assert "constants are not" in only(examined(lab), "redaction").finding
    loose = only(examined(lab, CRAFTSYNC_REDACT_ENVIRONMENT_VALUES="no"), "redaction")
    assert loose.state == "warning"


# The platform


def test_a_platform_that_does_not_answer_is_a_problem_with_a_line_to_try(lab):
    address = lab.server.url
    lab.server.stop()
    found = examined(lab)
    silent = only(found, "reach")
    assert silent.state == "problem"
    assert silent.fix == f"curl -sSv {address}/api/v1/environment-info"
    assert only(found, "integrity").state == "ok"
    lab.server.start = lambda: None


class Dated(Faults):
    """A platform that tells its time, which is `ahead` of the lab's."""

    def __init__(self, world, ahead):
        super().__init__()
        self.moment = lambda: world.now + ahead

    def deliver(self, request, platform):
        delivery = super().deliver(request, platform)
        delivery.response = delivery.response.copy()
        delivery.response.headers["Date"] = email.utils.format_datetime(self.moment(), usegmt=True)
        return delivery


@pytest.mark.parametrize(
    ("ahead", "state", "told"),
    [
        (timedelta(seconds=20), "ok", "agrees"),
        (timedelta(minutes=5), "warning", "5 minutes behind"),
        (-2 * HOUR, "warning", "2 hours ahead of"),
    ],
)
def test_a_clock_that_differs_from_the_platforms_is_a_finding(lab, ahead, state, told):
    lab.server.faults = Dated(lab.world, ahead)
    clock = only(examined(lab), "clock")
    assert (clock.state, told in clock.finding) == (state, True)


def test_another_environment_than_was_mirrored_is_a_problem(lab):
    execute(lab, "update environment set upstream_id = 'another'")
    identity = only(examined(lab), "identity")
    assert identity.state == "problem"
    (known,) = {upstream for upstream in identity.fix.split() if len(upstream) == 36}
    assert f"--accept-environment {known}" in identity.fix


# The store


def test_a_damaged_store_is_found_out(lab):
    size = lab.store.stat().st_size
    with lab.store.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * 20_000)
    found = examined(lab)["integrity"]
    assert {one.state for one in found} == {"problem"}
    assert len(found) <= 5
    assert f"mv {lab.store} {lab.store}.damaged" in found[0].fix


def test_a_row_whose_parent_is_gone_is_found_out(lab):
    execute(lab, "delete from execution where key = (select min(key) from execution)")
    told = examined(lab)["integrity"]
    assert any("belongs to no row of execution" in one.finding for one in told)


def test_a_store_of_a_newer_craftsync_is_a_problem(lab):
    execute(lab, "update alembic_version set version_num = '9999'")
    found = examined(lab)
    assert only(found, "schema").state == "problem"
    assert "pip install" in only(found, "schema").fix
    assert "run" not in found


def test_a_file_that_is_no_store_is_a_problem(lab):
    lab.store.write_text("no database, by any means\n" * 99)
    assert "is not a store of craftsync" in only(examined(lab), "store").finding


def as_somebody_else(ask):
    """Ask in a process of a user who may not enter this user's folders."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            os.write(writing, repr(ask()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


# An early polars warns of every fork once it is imported, by whichever test.
@pytest.mark.filterwarnings("ignore:Using fork:RuntimeWarning")
def test_a_store_in_a_folder_that_this_user_may_not_enter_is_a_problem(tmp_path):
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "history.db").write_bytes(b"")
    environ = {"CRAFTSYNC_STORE": str(folder / "history.db"), "HOME": str(tmp_path)}
    app = App(settings.load(environ=environ, cwd=tmp_path), environ)
    assert "There is no store" in repr(list(app.doctor()))  # and every module is loaded
    folder.chmod(0)
    said = as_somebody_else(lambda: list(app.doctor()))
    folder.chmod(0o700)
    assert "history.db may not be read." in said


def test_a_server_that_cannot_be_used_is_a_problem(lab):
    found = examined(lab, CRAFTSYNC_STORE="postgresql://ada:secret@127.0.0.1:9/history")
    assert only(found, "store").state == "problem"
    assert "secret" not in repr(found)


def test_files_open_to_others_are_found_and_their_chmod_mends_them(lab):
    copy = lab.folder / "history.db.at-0001"
    copy.write_bytes(b"")
    lab.store.chmod(0o644)
    copy.chmod(0o640)
    lab.folder.chmod(0o755)
    found = examined(lab)["permissions"]
    assert [one.state for one in found] == ["warning", "warning"]
    assert "history.db (0644)" in found[0].finding
    assert "history.db.at-0001 (0640)" in found[0].finding
    for one in found:
        subprocess.run(one.fix, shell=True, check=True)
    assert wanting(examined(lab)) == set()
    assert lab.folder.stat().st_mode & 0o777 == 0o700


def test_whoever_holds_the_lock_is_named_and_a_running_run_is_no_finding(lab):
    with writing(lab) as (connection, key):
        run = ledger.draw_run(connection)
        ledger.begin_run(connection, key, run, started_at=lab.world.now, version="0")
    holding = (
        "import sys; from craftsync.store import engine, lock\n"
        "with lock.lock(engine.address(sys.argv[1]), ()): print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(lab.store)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout.readline() == "held\n"
        found = examined(lab)
        holder.communicate("\n")
    assert f"process {holder.pid} (" in only(found, "lock").finding
    assert "is at work" in only(found, "run").finding
    assert wanting(found) == set()
    dead = examined(lab)
    assert only(dead, "lock").finding == "Nobody holds it."
    assert "its process is gone" in only(dead, "run").finding
    lab.sync()
    assert wanting(examined(lab)) == set()


def test_the_last_run_is_judged_by_its_outcome_and_its_age(lab):
    lab.world.advance(2 * DAY)
    stale = only(examined(lab), "run")
    assert (stale.state, stale.fix) == ("warning", "craftsync schedule cron --env default")
    lab.server.faults = Faults(rates={"503": 1.0})
    assert lab.sync().exit_code != 0
    lab.server.faults = Faults()
    assert only(examined(lab), "run").fix == "craftsync sync --env default"


def test_what_could_not_be_read_is_named(lab):
    with writing(lab) as (connection, key):
        for number in range(5):
            ledger.record_failure(
                connection, key, 1, ObjectKind.EXECUTION, f"e{number}", "logs", "503 after 3 tries",
                at=lab.world.now,
            )  # fmt: skip
    failures = only(examined(lab), "failures")
    assert failures.state == "warning"
    assert "execution e0 logs: 503 after 3 tries; execution e1" in failures.finding
    assert failures.finding.endswith("; and 2 more")


def test_a_delete_whose_end_nobody_knows_is_a_problem(lab):
    columns = "deletion_id, attempt, event, at, plan_id, kind, object_id, created_at, reason"
    execute(
        lab,
        f"insert into delete_event (environment_key, event_number, {columns}, requested_by,"
        " requested_at, proof_sha256, chain_sha256) select min(key), 1, 'd', 1, 'intent',"
        " '2026-01-01T00:00:00.000000Z', 'p', 'execution', 'e7; ls', '2026-01-01T00:00:00.000000Z',"
        " 'old_enough', 'ada@home', '2026-01-01T00:00:00.000000Z', '', '' from environment",
    )
    deletes = only(examined(lab), "deletes")
    assert deletes.state == "problem"
    assert "execution e7; ls" in deletes.finding
    assert "craftsync delete execution 'e7; ls' --env" in deletes.fix


def test_a_protected_name_that_nothing_ever_had_is_a_finding(lab):
    pipeline = lab.column("select pipeline_name from pipelines order by 1")[0]
    deployment = lab.column("select deployment_name from deployments order by 1")[0]
    assert "protection" not in examined(lab)
    known = {
        "CRAFTSYNC_PURGE_PROTECT_PIPELINES": pipeline.upper(),
        "CRAFTSYNC_PURGE_PROTECT_DEPLOYMENTS": deployment,
    }
    found = only(examined(lab, **known), "protection")
    assert (found.state, found.finding) == ("ok", "Every protected name is one that was held.")
    wrong = {
        "CRAFTSYNC_PURGE_PROTECT_PIPELINES": f"{pipeline},{pipeline}x",
        "CRAFTSYNC_PURGE_PROTECT_DEPLOYMENTS": "zzz",
    }
    first, second = examined(lab, **wrong)["protection"]
    assert (first.state, second.state) == ("warning", "warning")
    assert first.finding == (
        f"protect_pipelines names {pipeline}x, and no pipeline that the store ever held is called"
        " so: it protects nothing."
    )
    assert first.fix.startswith(f"Did you mean {pipeline}")
    assert second.fix == "craftsync deployments --all"


def test_a_name_that_one_of_several_environments_held_is_no_finding(lab):
    """The settings are those of all: what protects in one need not be in the other."""
    with writing(lab) as (connection, _):
        environments.enter(
            connection, "staging", url="https://s", upstream_id=None, seen_at=lab.world.now
        )
    pipeline = lab.column("select pipeline_name from pipelines order by 1")[0]
    found = examined(lab, CRAFTSYNC_PURGE_PROTECT_PIPELINES=pipeline)
    assert only(found, "protection").state == "ok"


def test_a_store_that_holds_an_environment_nobody_configured_is_fine(lab):
    del lab.environ["CRAFT_AI_ENVIRONMENT_URL"], lab.environ["CRAFT_AI_SDK_TOKEN"]
    (lab.folder / "craftsync.toml").write_text(
        f'[environments.prod]\nurl = "{lab.server.url}"\ncontrol_url = "{lab.server.url}"\n'
        'token_env = "T"\n'
    )
    (lab.folder / "craftsync.toml").chmod(0o600)
    mine, other = examined(lab, T=lab.world.sdk_token)["run"]
    assert (mine.finding, mine.fix) == ("prod: never mirrored.", "craftsync sync --env prod")
    assert other.state == "ok"


# The machine


@pytest.mark.parametrize(
    ("free", "size", "state"),
    [(99e6, 0, "problem"), (999e6, 0, "warning"), (2e9, 3e9, "warning"), (2e9, 1e9, "ok")],
)
def test_room_on_the_disk_is_judged_by_what_an_upgrade_needs(tmp_path, free, size, state):
    assert machine.room(tmp_path, free=int(free), size=int(size)).state == state


def test_the_kind_of_a_file_system_is_that_of_the_nearest_mount():
    mounts = "\n".join(
        [
            "/dev/vda / ext4 rw 0 0",
            "nas:/home /home nfs4 rw 0 0",
            "tmpfs /home/ada tmpfs rw 0 0",
            "//nas/x /mnt/my\\040share cifs rw 0 0",
            "short line",
        ]
    )
    kinds = {
        "/var/lib": "ext4",
        "/home": "nfs4",
        "/homes": "ext4",
        "/home/bob/x": "nfs4",
        "/home/ada/x": "tmpfs",
        "/mnt/my share/x": "cifs",
    }
    assert {path: machine.file_system(mounts, path) for path in kinds} == kinds
    assert machine.file_system("", "/home") == ""


def test_a_large_write_ahead_log_is_a_finding(tmp_path):
    path = tmp_path / "history.db"
    with Path(f"{path}-wal").open("wb") as log:
        log.truncate(300_000_000)
    (finding,) = machine.write_ahead_log(str(path))
    assert (finding.state, finding.fix) == ("warning", f"fuser -v {path}")

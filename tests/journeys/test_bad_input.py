"""What goes in may be wrong in every way: each has its exit code, a sentence, and what to type.

Real processes, as a terminal or cron starts them.
"""

import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import warm
from click.testing import CliRunner
from journeys.checker import Mirror
from lab import lab as make_lab

from craftsync.cli import main
from craftsync.cli.counts import Whole
from craftsync.simulator import Faults, World, json_response

ROOT = Path(__file__).parents[2]

# Runs craftsync as a user for whom the rights of files hold, root or not.
HELD_TO_RIGHTS = """
import ctypes, os, sys
for override in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    ctypes.CDLL(None).prctl(24, override, 0, 0, 0)  # PR_CAPBSET_DROP
os.execv(sys.executable, [sys.executable, "-m", "craftsync", *sys.argv[1:]])
"""


def start(lab, *words, environ=None, program=("-m", "craftsync"), **more):
    """Start craftsync in a process of its own, with this lab's settings and no other."""
    return subprocess.Popen(
        [sys.executable, *program, *words],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **lab.environ,
            **(environ or {}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **{"cwd": lab.folder, **more},
    )


def run(lab, *words, code, **more):
    """Run craftsync to its end, which is to have this code; nothing shows a traceback."""
    if more.keys() <= {"environ"}:
        done = warm.craftsync(lab, *words, **(more.get("environ") or {}))
        out, err = done.stdout, done.stderr
    else:
        with start(lab, *words, **more) as done:
            out, err = done.communicate(timeout=60)
    assert done.returncode == code, (out, err)
    assert "Traceback" not in err
    return out, err


def small():
    return World(seed=2, executions=12, settled=True)


@pytest.fixture
def lab(tmp_path):
    with make_lab(tmp_path, small(), begun=False) as made:
        yield made


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """A lab that was synced, and whose platform has been switched off since."""
    with make_lab(tmp_path_factory.mktemp("mirrored"), small()) as made:
        made.sync()
    return made


def gone(lab):
    return sum(
        lab.column(f"select count(*) from {each} where gone_at is not null")[0]
        for each in ("executions", "deployments", "pipelines")
    )


# Credentials and reach


@pytest.mark.parametrize("token", ["wrong", "expired"])
def test_a_token_that_is_not_accepted_ends_with_6_and_is_not_repeated(lab, token):
    secret = lab.environ["CRAFT_AI_SDK_TOKEN"]
    if token == "wrong":
        secret = lab.environ["CRAFT_AI_SDK_TOKEN"] = "not-the-token-9c41f7"
    else:
        lab.sync()
        lab.world.accounts.revoke_sdk_token()
    out, err = run(lab, "sync", "-q", code=6)
    assert out == ""
    error, hint = err.splitlines()
    assert re.fullmatch(r"error: The platform does not accept the SDK token \(HTTP 401\)\.", error)
    assert hint.startswith("hint: ")
    assert secret not in err
    for path in lab.folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
    assert gone(lab) == 0


def test_a_token_that_is_not_set_ends_with_6_and_names_the_variable(lab):
    del lab.environ["CRAFT_AI_SDK_TOKEN"]
    _, err = run(lab, "sync", code=6)
    assert err.splitlines() == [
        "error: The token of environment default is missing:"
        " the variable CRAFT_AI_SDK_TOKEN is not set.",
        "hint: export CRAFT_AI_SDK_TOKEN=…",
    ]
    assert not lab.store.exists()


def test_a_platform_that_does_not_listen_ends_with_7(mirrored):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
    before = gone(mirrored)
    environ = {"CRAFT_AI_ENVIRONMENT_URL": closed, "CRAFT_AI_CONTROL_URL": closed}
    _, err = run(mirrored, "sync", "-q", code=7, environ=environ)
    error, hint = err.splitlines()
    assert error.startswith(f"error: {closed} does not answer: ")
    assert hint.startswith("hint: ")
    assert gone(mirrored) == before == 0


@pytest.mark.parametrize("spared", [False, True], ids=["everything", "all but signing in"])
def test_a_proxys_page_for_everything_ends_with_7_and_nothing_is_gone(lab, spared):
    lab.sync()
    lab.server.faults = Faults(rates={"502": 1}, spare_sign_in=spared)
    out, err = run(lab, "sync", "-q", code=7)
    assert out == ""
    assert "502" in err
    assert err.splitlines()[-1].startswith("hint: ")
    assert gone(lab) == 0
    assert lab.column("select outcome from sync_runs order by run_id")[-1] == "failed"


@pytest.mark.parametrize("told", ["\ud800x", "a\0b"])
def test_an_environment_id_that_no_store_can_hold_ends_with_7_and_is_not_held(lab, told):
    lab.world.override("GET", "/environment-info", json_response({"environment_id": told}))
    _, err = run(lab, "sync", "-q", code=7)
    assert "no environment_id that can be kept" in err
    assert lab.column("select upstream_id from environments") == [None]
    lab.world.restore("GET", "/environment-info")
    run(lab, "sync", "-q", code=0)
    assert lab.column("select upstream_id from environments") == [lab.world.environment_id]


def test_a_malformed_listing_ends_with_3_and_names_its_scope(lab):
    lab.world.override("GET", "/pipelines/iris-train/executions", json_response({"no": "list"}))
    _, err = run(lab, "sync", "-q", code=3)
    first, named = err.splitlines()
    assert re.fullmatch(
        r"craftsync: partial: 1 of \d+ parts not stored; the next sync tries again", first
    )
    assert re.fullmatch(r"  iris-train +executions +.*a listing was asked for.*", named)


def test_a_name_from_upstream_cannot_drive_the_terminal(lab):
    odd = [{"execution_id": "\x1b]0;pwned\x07\u202e", "status": "x", "pipeline_name": "never-run"}]
    lab.world.override("GET", "/pipelines/never-run/executions", json_response(odd))
    _, err = run(lab, "sync", code=3)
    assert not set(err) & {"\x1b", "\x07", "\u202e"}


# The store


READERS = (
    ["status"],
    ["show", "x"],
    ["logs", "x"],
    ["db", "current"],
)


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_reader_without_a_store_ends_with_8_and_says_what_to_type(lab, words):
    out, err = run(lab, *words, code=8)
    assert out == ""
    assert err.splitlines() == [
        f"error: There is no store at {lab.store}.",
        "hint: craftsync sync",
    ]
    assert list(lab.folder.iterdir()) == []


@pytest.mark.parametrize("words", [["status"], ["sync"]], ids=" ".join)
def test_a_file_that_is_no_store_ends_with_8_and_is_left_alone(lab, words):
    lab.store.write_bytes(b"my diary, since 2019\n" * 300)
    _, err = run(lab, *words, code=8)
    assert err.splitlines()[0] == f"error: {lab.store} is not a store of craftsync."
    assert lab.store.read_bytes() == b"my diary, since 2019\n" * 300


def test_another_programs_database_is_no_store_and_is_left_alone(lab):
    with closing(sqlite3.connect(lab.store)) as other:
        other.execute("create table cookies (name)")
        other.commit()
    before = lab.store.read_bytes()
    _, err = run(lab, "sync", code=8)
    assert "is not a store of craftsync" in err
    assert lab.store.read_bytes() == before


def refused_at_revision(number, lab, *words):
    """Run a command on a new store that says to be at another revision; what is on stderr."""
    lab.app.upgrade()
    with closing(sqlite3.connect(lab.store)) as store:
        store.execute("update alembic_version set version_num = ?", [number])
        store.commit()
    return run(lab, *words, code=8)[1]


@pytest.mark.parametrize("words", [["status"], ["sync"]], ids=" ".join)
def test_a_newer_store_ends_with_8_and_is_left_alone(lab, words):
    err = refused_at_revision("9999", lab, *words)
    error, hint = err.splitlines()
    assert "newer" in error
    assert "9999" in error
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("words", [["db", "upgrade"], ["sync"]], ids=" ".join)
def test_a_store_whose_tables_are_not_those_of_its_revision_ends_with_8(lab, words):
    err = refused_at_revision("0001", lab, *words)
    assert "its tables are not those of its revision" in err
    assert err.splitlines()[-1].startswith("hint: ")


def test_a_folder_in_the_place_of_the_store_ends_with_8(lab):
    lab.store.mkdir()
    _, err = run(lab, "sync", code=8)
    assert f"{lab.store}" in err.splitlines()[0]


def test_a_damaged_store_ends_with_8(lab):
    lab.sync()
    held = bytearray(lab.store.read_bytes())
    held[4096 : len(held)] = b"\xff" * (len(held) - 4096)
    lab.store.write_bytes(held)
    _, err = run(lab, "sync", code=8)
    assert err.splitlines()[-1].startswith("hint: ")


@pytest.mark.parametrize("place", ["store", "folder"])
def test_a_store_that_may_not_be_written_ends_with_8(lab, place):
    lab.app.upgrade()
    lab.store.with_name("history.db.lock").unlink()
    what, mode = (lab.store, 0o400) if place == "store" else (lab.folder, 0o500)
    what.chmod(mode)
    _, err = run(lab, "sync", code=8, program=("-c", HELD_TO_RIGHTS))
    what.chmod(0o700)
    error, hint = err.splitlines()
    assert error.startswith(f"error: The store {lab.store}")
    assert hint.startswith("hint: ls -ld ")
    assert lab.rows("select * from sync_runs") == []


# Settings


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('store = "x.db"\n[sync]\nworker = 3\n', 3, "worker"),
        ('[environments.prod]\nurl = "https://x.example"\ntoken = "s3cret-here"\n', 3, "token"),
        ('[environments.prod]\nurl = "http://x.example"\ntoken_env = "T"\n', 2, "https://"),
        ("[sync]\nsettle = \"soon\"\n", 2, "settle"),
        ("[redact]\npatterns = [\"(\"]\n", 2, "patterns"),
        ("[sync\nworkers = 3\n", 1, ""),
    ],
    ids=["unknown key", "literal token", "http", "duration", "pattern", "no TOML"],
)  # fmt: skip
def test_a_bad_setting_ends_with_6_and_names_file_and_line(lab, text, line, told):
    (lab.folder / "craftsync.toml").write_text(text)
    out, err = run(lab, "status", code=6)
    assert out == ""
    assert f"craftsync.toml:{line}" in err.splitlines()[0]
    assert told in err
    assert "s3cret-here" not in err
    assert not lab.store.exists()


def test_an_environment_that_is_not_configured_ends_with_6(lab):
    _, err = run(lab, "sync", "--env", "prod", code=6)
    assert err.splitlines() == [
        "error: There is no environment 'prod' in the settings.",
        "hint: Configured: default.",
    ]


def test_several_environments_want_a_choice(lab):
    url = lab.server.url
    (lab.folder / "craftsync.toml").write_text(
        "".join(
            f'[environments.{name}]\nurl = "{url}"\ncontrol_url = "{url}"\ntoken_env = "T"\n'
            for name in ("prod", "staging")
        )
    )
    environ = {"T": lab.world.sdk_token}
    _, err = run(lab, "sync", code=2, environ=environ)
    assert "prod" in err
    assert "staging" in err
    run(lab, "sync", "-q", "--all-envs", code=0, environ=environ)
    one = lab.column("select execution_id from executions limit 1")[0]
    _, err = run(lab, "show", one, code=2, environ=environ)
    assert "hint: Add --env prod" in err
    _, err = run(lab, "show", one, "--env", "pord", code=2, environ=environ)
    assert "prod, staging" in err


@pytest.mark.parametrize(
    "words",
    [
        ["sync", "--workers", "0"],
        ["sync", "--settle", "soon"],
        ["sync", "--lookback", "7 days"],
        ["sync", "--accept-vanished", "-1"],
        ["sync", "--pipelin", "x"],
        ["status", "--max-age", "2"],
        ["runs", "--since", "yesterday"],
        ["runs", "--limit", "-1"],
        ["logs", "x", "--limit", "1", "--tail", "1"],
        ["show"],
        ["show", "pipeline", "x"],
        ["sync", "--metrics-file", "-"],
        ["db", "backup", "-"],
        ["purge", "plan", "--older-than", "90d", "-o", "-"],
        ["purge", "apply", "-"],
        ["export", "parquet", "-"],
        ["demo", "--keep", "-"],
        ["query", "durations", "--show", "--json"],
        ["query", "durations", "--show", "--format", "csv"],
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_2_before_anything_is_done(lab, words):
    ended = CliRunner(env=lab.environ).invoke(main, words)
    assert ended.exit_code == 2
    assert ended.stderr.startswith("error: ")
    assert not lab.store.exists()


BEYOND = (str(1 << 63), "99999999999999999999", "9" * 5000)
COUNTED = (
    ["runs", "--limit"],
    ["logs", "x", "--limit"],
    ["logs", "x", "--tail"],
    ["search", "x", "--limit"],
    ["search", "x", "--context"],
    ["sql", "select 1", "--limit"],
    ["sync", "--accept-vanished"],
    ["sync", "--max-requests"],
    ["sync", "--max-file-bytes"],
    ["sync", "--workers"],
    ["purge", "apply", "plan.json", "--max-deletes"],
    ["delete", "deployment", "x", "--expect-executions"],
    ["simulate", "--executions"],
    ["simulate", "--port"],
    ["simulate", "--seed"],
)


@pytest.mark.parametrize("words", COUNTED, ids=" ".join)
def test_a_number_beyond_64_bits_ends_with_2_and_says_so(lab, words):
    for number in BEYOND:
        ended = CliRunner(env=lab.environ).invoke(main, [*words, number])
        assert ended.exit_code == 2
        assert "is beyond what can be counted" in ended.stderr
        assert len(ended.stderr) < 300
        ended = CliRunner(env=lab.environ).invoke(main, [*words, f"-{number}"])
        assert ended.exit_code == 2
        assert f"-{number[:19]}" in ended.stderr
        assert "at least" in ended.stderr
    assert not lab.store.exists()


def test_no_option_reads_a_whole_number_in_another_way():
    for name, option in options_of(main):
        if isinstance(option.type, click.types.IntParamType) and not option.count:
            assert isinstance(option.type, Whole), f"{name} {option.opts}"


def options_of(command, name=""):
    """Give every option of every command below."""
    with click.Context(command) as ctx:
        for one in command.params:
            yield name, one
        for inner in command.list_commands(ctx) if isinstance(command, click.Group) else ():
            yield from options_of(command.get_command(ctx, inner), f"{name} {inner}")


def test_the_largest_number_of_64_bits_is_one_that_can_be_asked_for(mirrored):
    for words in (["runs"], ["search", "x"], ["sql", "select 1"]):
        run(mirrored, *words, "--limit", str((1 << 63) - 1), code=0)


def test_a_time_too_far_back_is_told_to_be_too_long(lab):
    _, err = run(lab, "runs", "--since", "99999999d", code=2)
    assert "of a thousand years at the most" in err


def test_an_unknown_pipeline_ends_with_2_and_names_the_nearest(lab):
    _, err = run(lab, "sync", "-q", "--pipeline", "iris-trian", code=2)
    error, hint = err.splitlines()
    assert error == "error: No pipeline is called iris-trian."
    assert hint.startswith("hint: Did you mean iris-train")


@pytest.mark.parametrize("words", [["show"], ["logs"]], ids=" ".join)
def test_an_unknown_id_ends_with_2_and_names_the_nearest(mirrored, words):
    known = mirrored.column("select execution_id from executions limit 1")[0]
    out, err = run(mirrored, *words, known + "x", code=2)
    error, hint = err.splitlines()
    assert out == ""
    assert known + "x" in error
    assert re.search(rf"Did you mean .*{known}", hint)


def test_an_unknown_deployment_ends_with_2_and_names_the_nearest(mirrored):
    _, err = run(mirrored, "show", "deployment", "fraud-ap", code=2)
    assert "fraud-api" in err.splitlines()[1]


# Forms


def test_what_sync_and_status_say_to_machines_has_its_form(lab):
    lab.world.mutate_execution(next(lab.world.truth().executions("iris-train")).execution_id,
                               created_at=None)  # fmt: skip
    out, err = run(lab, "sync", "--json", code=3)
    told = json.loads(out)
    assert out.count("\n") == 1
    assert list(told) == ["run_id", "environments", "exit_code"]
    (one,) = told["environments"]
    assert list(one) == [
        "environment", "outcome", "listed", "fetched", "unchanged", "gone", "withheld", "failed",
        "requests", "bytes_received", "seconds",
    ]  # fmt: skip
    assert (told["exit_code"], one["environment"], one["outcome"]) == (3, "default", "partial")
    assert (one["listed"], one["fetched"], one["gone"]) == (11, 11, 0)
    assert one["unchanged"] == one["listed"] - one["fetched"]
    assert [sorted(each) for each in one["failed"]] == [
        ["error", "object_id", "object_kind", "part"]
    ]
    assert one["requests"] == lab.world.requests.total
    out, _ = run(lab, "status", "--json", code=0)
    told = json.loads(out)
    assert list(told) == ["store", "schema", "environments"]
    assert (told["store"], told["schema"]) == (str(lab.store), "0002")
    (one,) = told["environments"]
    assert list(one) == [
        "environment", "last_complete_at", "age_s", "last_outcome", "executions", "gone",
        "unsettled", "parts", "failures", "in_doubt",
    ]  # fmt: skip
    assert (one["last_complete_at"], one["age_s"], one["last_outcome"]) == (None, None, "partial")
    assert (one["executions"], one["failures"], one["in_doubt"]) == (11, 1, 0)
    counted = lab.rows("select state, count(*) as n from parts group by 1")
    assert one["parts"] == {row["state"]: row["n"] for row in counted}
    _, err = run(lab, "status", "--max-age", "2w", code=5)
    assert "never" in err


def test_status_ends_with_5_when_it_is_too_old_and_0_when_it_is_not(mirrored):
    out, _ = run(mirrored, "status", "--json", "--max-age", "9999w", code=0)
    one = json.loads(out)["environments"][0]
    at = one["last_complete_at"]
    assert at == f"{mirrored.world.now:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert abs(one["age_s"] - (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()) < 60
    _, err = run(mirrored, "status", "--max-age", "1s", code=5)
    assert err.startswith("error: default is ")


@pytest.mark.parametrize("manner", [(), ("--raw",), ("--json",), ("--tail", "9")], ids=str)
def test_a_reader_of_a_log_may_go_away_before_its_first_line(mirrored, manner):
    (longest,) = mirrored.column(
        "select execution_id from logs group by 1 order by count(*) desc limit 1"
    )
    process = start(mirrored, "logs", longest, *manner)
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), told) == (0, "")


def test_db_current_is_one_line(mirrored):
    assert run(mirrored, "db", "current", code=0) == ("0002 (head)\n", "")


def test_quiet_is_silent_and_every_file_is_for_its_user_alone_whatever_the_umask(lab):
    store = lab.folder / "deep" / "down" / "history.db"
    environ = {"CRAFTSYNC_STORE": str(store)}
    assert run(lab, "sync", "-q", code=0, environ=environ, umask=0) == ("", "")
    made = [path for path in lab.folder.rglob("*") if not path.name.startswith(".")]
    assert store in made
    modes = {str(path.relative_to(lab.folder)): stat.S_IMODE(path.stat().st_mode) for path in made}
    assert modes == {name: 0o700 if (lab.folder / name).is_dir() else 0o600 for name in modes}


def test_a_sync_that_was_whole_says_nothing_on_stderr(lab):
    out, err = run(lab, "sync", code=0)
    assert err == ""
    assert out.startswith("default: complete: 12 executions listed, 12 new")


# Interrupted and busy


@contextmanager
def slow(tmp_path):
    """A sync of forty executions that has come some way and has some way to go."""
    world = World(seed=3, executions=40, settled=True)
    with make_lab(tmp_path, world, latency_ms=40) as lab:
        lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "2"
        with start(lab, "sync") as process:
            deadline = time.monotonic() + 30
            while world.requests.count("GET", "*/executions/*") < 25:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            lab.environ["CRAFTSYNC_SYNC_WORKERS"] = "16"  # what ends it has no reason to be slow
            try:
                yield lab, process
            finally:
                process.kill()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sync_ends_with_130_and_the_next_one_completes(tmp_path, sent):
    with slow(tmp_path) as (lab, process):
        process.send_signal(sent)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130, (out, err)
        assert "interrupted; what was saved stays, and it is safe to run again" in err
        assert "Traceback" not in err
        assert lab.column("select outcome from sync_runs") == ["interrupted"]
        assert lab.column("pragma integrity_check") == ["ok"]
        (saved,) = lab.column("select count(*) from executions")
        assert 0 < saved < 40
        outcome = lab.sync()
        assert (outcome.exit_code, outcome.fetched) == (0, 40 - saved)
        assert Mirror(lab).differences() == []


def test_while_one_runs_others_wait_and_when_it_is_killed_the_next_one_completes(tmp_path):
    with slow(tmp_path) as (lab, process):
        process.send_signal(signal.SIGSTOP)
        _, err = run(lab, "sync", code=75)
        error, hint = err.splitlines()
        assert error == f"error: Another craftsync is at work on {lab.store}."
        assert "--skip-if-busy" in hint
        assert run(lab, "sync", "-q", "--skip-if-busy", code=0) == ("", "")
        out, _ = run(lab, "sync", "-q", "--skip-if-busy", "--json", code=0)
        assert json.loads(out) == {"run_id": None, "environments": [], "exit_code": 0}
        out, _ = run(lab, "status", "--json", code=0)
        assert json.loads(out)["environments"][0]["last_outcome"] == "running"
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert lab.sync().exit_code == 0
        outcomes = lab.column("select outcome from sync_runs order by run_id")
        assert outcomes == ["interrupted", "complete"]
        assert Mirror(lab).differences() == []


# The built-in platform


def test_simulate_prints_three_lines_that_sync_works_with(tmp_path, lab):
    environ = {"HOME": str(tmp_path)}
    with start(lab, "simulate", "--seed", "7", "--executions", "9", environ=environ) as serving:
        lines = [serving.stdout.readline() for _ in range(3)]
        try:
            exported = dict(
                re.fullmatch(r"export (CRAFT_AI_\w+)=(\S+)\n", line).groups() for line in lines
            )
            assert list(exported) == [
                "CRAFT_AI_SDK_TOKEN", "CRAFT_AI_ENVIRONMENT_URL", "CRAFT_AI_CONTROL_URL",
            ]  # fmt: skip
            out, _ = run(lab, "sync", "--json", code=0, environ=exported)
            assert json.loads(out)["environments"][0]["fetched"] >= 9
        finally:
            serving.send_signal(signal.SIGTERM)
            out, err = serving.communicate(timeout=30)
    assert out == ""
    assert "Traceback" not in err


@pytest.mark.parametrize("faults", ["500:2", "nothing:0.1", "500:x"])
def test_simulate_refuses_faults_it_does_not_know(lab, faults):
    _, err = run(lab, "simulate", "--faults", faults, code=2)
    assert err.startswith("error: ")


def test_simulate_on_a_port_that_is_taken_ends_with_2_and_names_it(lab):
    port = lab.server.port
    _, err = run(lab, "simulate", "--port", str(port), "--executions", "1", code=2)
    assert err.startswith(f"error: Port {port} of loopback cannot be listened on: Address already")
    assert "hint: Name another --port" in err


def test_demo_shows_two_syncs_and_a_status_and_leaves_nothing_behind(lab, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = {"TMPDIR": str(temporary), "HOME": str(temporary)}
    for name in ("CRAFT_AI_SDK_TOKEN", "CRAFT_AI_ENVIRONMENT_URL", "CRAFTSYNC_STORE"):
        del lab.environ[name]
    out, err = run(lab, "demo", code=0, environ=environ)
    assert err == ""
    assert len(re.findall(r"^done in .* requests, .* received$", out, re.MULTILINE)) == 2
    assert "last run: complete" in out
    assert list(temporary.iterdir()) == []


def test_demo_never_writes_over_another_store(lab):
    lab.store.touch()
    _, err = run(lab, "demo", "--keep", str(lab.folder), code=2)
    assert "history.db" in err
    assert lab.store.read_bytes() == b""

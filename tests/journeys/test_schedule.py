"""`schedule`: cron and systemd understand what is printed, and it syncs what is in force."""

import os
import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from lab import lab as make_lab

from craftsync.cli import main, timetable
from craftsync.simulator import World

ROOT = Path(__file__).parents[2]
PROD = """\
store = "history.db"
[environments.prod]
url = "https://acme.example"
token_env = "CRAFT_PROD_TOKEN"
"""
STAGING = """\
[environments.staging]
url = "https://stg.example"
token_file = "/secrets/staging"
"""
OUTER = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"),
    *("CURL_CA_BUNDLE", "XDG_CONFIG_HOME"),
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with settings in it, and nothing of this shell around it."""
    here = tmp_path / "my 100% $HOME"
    here.mkdir(mode=0o700)
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in OUTER:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return here


def told(*words, text=PROD, **environ):
    if text:
        Path("craftsync.toml").write_text(text)
        Path("craftsync.toml").chmod(0o600)
    return CliRunner(env=environ).invoke(main, ["schedule", *words])


def line_of(*words, **given):
    done = told(*words, **given)
    assert done.exit_code == 0, done.stderr
    *comments, line = done.stdout.splitlines()
    assert all(comment.startswith("#") for comment in comments)
    return line


def command_in(line):
    """What the shell of cron is given: the sixth field, a bare % ends it."""
    rest = re.fullmatch(r"(?:\S+\s+){5}(.*)", line)[1]
    return re.split(r"(?<!\\)%", rest)[0].replace("\\%", "%")


# How often


@pytest.mark.parametrize(
    ("every", "when", "calendar"),
    [
        ("1m", "* * * * *", "*:0/1"),
        ("15m", "*/15 * * * *", "*:0/15"),
        ("900s", "*/15 * * * *", "*:0/15"),
        ("60m", "0 * * * *", "00/1:00"),
        ("6h", "0 */6 * * *", "00/6:00"),
        ("1d", "0 0 * * *", "00:00"),
        ("24h", "0 0 * * *", "00:00"),
    ],
)
def test_an_interval_is_said_in_the_words_of_cron_and_of_systemd(folder, every, when, calendar):
    assert line_of("cron", "--every", every).startswith(f"{when}  ")
    assert f"\nOnCalendar={calendar}\n" in told("systemd", "--every", every).stdout


def test_without_words_it_is_every_quarter_of_an_hour(folder):
    assert line_of("cron").startswith("*/15 * * * *  ")


@pytest.mark.parametrize(
    ("every", "near"),
    [
        ("7m", "6m or 10m"),
        ("45m", "30m or 1h"),
        ("90m", "1h or 2h"),
        ("5h", "4h or 6h"),
        ("36h", "24h"),
        ("2d", "24h"),
        ("30s", "1m"),
        ("0m", "1m"),
    ],
)
@pytest.mark.parametrize("kind", ["cron", "systemd"])
def test_an_interval_that_would_not_be_even_is_wrong_usage_that_names_those_near(
    folder, kind, every, near
):
    refused = told(kind, "--every", every)
    assert refused.exit_code == 2
    assert f"it can keep {near}." in refused.stderr
    assert refused.stdout == ""


def test_every_allowed_interval_divides_the_hour_or_the_day():
    for every in timetable.EVEN:
        assert timetable.DAY % every == 0 * every
        assert every >= timetable.HOUR or timetable.HOUR % every == 0 * every


# What is run


def test_the_line_names_environment_store_folder_and_executable(folder):
    line = line_of("cron")
    begun = command_in(line).split(" && ")
    assert begun[0] == f"cd {shlex.quote(str(folder))}"
    words = shlex.split(begun[-1])
    assert words[0] == "exec"
    assert Path(words[1]).is_absolute()
    assert os.access(words[1], os.X_OK)
    assert words[-7:] == [
        *("sync", "--env", "prod", "--store", f"{folder}/history.db"),
        *("-q", "--skip-if-busy"),
    ]


def test_the_environment_and_the_store_are_those_asked_for(folder):
    line = line_of("cron", "--env", "staging", "--store", "/x/y.db", text=PROD + STAGING)
    assert " sync --env staging --store /x/y.db -q" in line
    both = line_of("cron", "--all-envs", text=PROD + STAGING)
    assert " sync --env prod --env staging --store" in both


def test_of_several_environments_one_has_to_be_named(folder):
    assert told("cron", text=PROD + STAGING).exit_code == 2
    assert told("cron", "--env", "nope", text=PROD).exit_code == 6


def test_what_the_run_reads_from_variables_is_named_and_never_printed(folder):
    done = told(
        "cron",
        CRAFT_PROD_TOKEN="canary-1",
        CRAFTSYNC_SYNC_WORKERS="4",
        HTTPS_PROXY="http://u:canary-2@proxy",
        CRAFTSYNC_STORE="postgresql://ada:canary-3@db/history",
    )
    assert "canary" not in done.output
    needs = next(line for line in done.stdout.splitlines() if "NAME=value" in line)
    for name in ("CRAFT_PROD_TOKEN", "CRAFTSYNC_SYNC_WORKERS", "HTTPS_PROXY", "CRAFTSYNC_STORE"):
        assert name in needs
    assert "--store" not in done.stdout


def test_the_clients_own_variables_go_into_the_file_too(folder):
    done = told(
        "cron", text="", CRAFT_AI_SDK_TOKEN="canary", CRAFT_AI_ENVIRONMENT_URL="https://x.example"
    )
    assert "CRAFT_AI_SDK_TOKEN, CRAFT_AI_ENVIRONMENT_URL, and" in done.stdout
    assert "default.env" in done.stdout
    assert "cd " not in done.stdout  # no settings lie in this folder


def test_a_run_that_needs_no_variable_reads_no_file(folder):
    assert ".env" not in line_of("cron", text='store = "h.db"\n' + STAGING)


def test_a_path_that_no_line_can_hold_is_wrong_usage(folder):
    assert told("cron", "--store", "/x/a\nb.db").exit_code == 2
    assert told("systemd", "--store", "/x/a\nb.db").exit_code == 2


def test_the_printed_line_syncs(tmp_path, monkeypatch):
    """As cron does it: its own shell, nearly no environment, another folder."""
    home = tmp_path / "it's 100%"
    home.mkdir(mode=0o700)
    with make_lab(home, World(seed=2, executions=5, pipelines=1)) as lab:
        monkeypatch.chdir(home)
        variables = {name: lab.environ[name] for name in lab.environ if name != "HOME"}
        line = line_of("cron", text="", **variables)
        mine = home / "prod.env"
        del variables["CRAFTSYNC_STORE"]  # the line names it
        mine.write_text("".join(f"{name}='{value}'\n" for name, value in variables.items()))
        begun = command_in(line).split(" && ")
        assert begun[0] == "set -a"
        begun[1] = f". {shlex.quote(str(mine))}"  # where it is on another machine
        done = subprocess.run(
            ["/bin/sh", "-c", " && ".join(begun)],
            cwd="/", env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert lab.column("select outcome from sync_runs") == ["complete"]


# systemd


def units_of(text):
    """Split what is printed at the comments that say where each file goes."""
    parts = re.split(r"^# (\S+/(\S+\.(?:service|timer)))$", text, flags=re.MULTILINE)
    return dict(zip(parts[2::3], parts[3::3], strict=True))


def test_two_units_are_printed_with_where_they_go_and_what_starts_them(folder):
    done = told("systemd", "--every", "1h")
    assert done.exit_code == 0
    units = units_of(done.stdout)
    assert list(units) == ["craftsync-prod.service", "craftsync-prod.timer"]
    assert "Type=oneshot" in units["craftsync-prod.service"]
    assert "UMask=0077" in units["craftsync-prod.service"]
    assert "enable --now craftsync-prod.timer" in done.stdout
    assert "canary" not in done.stdout


def test_a_user_gets_units_of_a_user_and_root_those_of_the_system(folder):
    run = timetable.Run("prod", "prod", ("/x", "sync"), (), None, None, is_root=False)
    mine = timetable.systemd(run, timetable.HOUR)
    assert "# ~/.config/systemd/user/craftsync-prod.timer" in mine
    assert "systemctl --user enable" in mine
    assert "enable-linger" in mine
    assert "network-online" not in mine
    run = timetable.Run("prod", "prod", ("/x", "sync"), (), None, None, is_root=True)
    assert "# /etc/systemd/system/craftsync-prod.service" in timetable.systemd(run, timetable.HOUR)


def test_words_are_quoted_as_systemd_reads_them():
    words = ("/x y/craftsync", "--store", '/a "b" $c 100% \\d;', "plain")
    run = timetable.Run("prod", "prod", words, (), None, None, is_root=True)
    assert (
        r'ExecStart="/x y/craftsync" --store "/a \"b\" $$c 100%% \\d;" plain'
        in timetable.systemd(run, timetable.HOUR)
    )


def test_systemd_finds_no_fault_with_the_units(folder, tmp_path):
    units = units_of(told("systemd").stdout)
    for name, text in units.items():
        (tmp_path / name).write_text(text)
        unit = ConfigParser(interpolation=None, strict=True)
        unit.read_string(text)
        assert set(unit) >= {"Unit", "Service" if name.endswith("service") else "Timer"}
    if analyze := shutil.which("systemd-analyze"):
        done = subprocess.run(
            [analyze, "verify", "--man=no", *(str(tmp_path / name) for name in units)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert [line for line in done.stderr.splitlines() if "craftsync-prod" in line] == []

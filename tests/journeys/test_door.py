"""How commands end: every way has its code, on a door of little commands and in real processes.

Run as a script, this file is that door.
"""

import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from craftsync import __version__
from craftsync.cli import (
    COMMANDS,
    SAVING,
    Door,
    formats,
    main,
    manner,
    options,
    safe_text,
    say,
    streams,
)
from craftsync.errors import EXIT_CODES, Busy, Interrupted, Partial, StoreUnusable, Usage
from craftsync.resources import queries_dir

SECRET = "canary-9c41f7"
NAMES = "déploiement→✓"


FLAWS = {
    "partial": Partial("1 part waits."),
    "bug": RuntimeError("boom"),
    "interrupt": KeyboardInterrupt(),
    "wrong": click.UsageError("No such thing."),
}


@click.group(cls=Door, name="craftsync")
@manner.options
def door() -> None:
    """Little commands, one for each way to end."""


def refuse(_: click.Context, __: click.Parameter, value: str | None) -> None:
    if value:
        raise Busy("Another craftsync holds the lock.", hint="Wait.")


@door.command()
@options.common
@click.option("--code", type=int, default=0)
@click.option("--number", type=int)
@click.option("--busy", callback=refuse, expose_value=False)
def end(code, number) -> None:
    """End with a code."""
    say.note("This went well.")
    click.get_current_context().exit(code)


@door.command()
def value():
    """Return a code."""
    return 5


@door.command()
@options.common
@click.argument("what", default="boom")
def crash(what) -> None:
    """Meet a bug."""
    safe_text.remember(SECRET)
    if what == "eof":
        raise EOFError
    raise RuntimeError(f"{what} with Bearer abc.def and {SECRET} \x1b[2J")


@door.command()
@options.common
@click.option("--hint")
@click.argument("message", default="The store is gone.")
def fail(message, hint) -> None:
    """Fail with a sentence."""
    raise StoreUnusable(message, hint=hint)


@door.command()
def ask() -> None:
    """Ask before doing it."""
    click.confirm("Really?", abort=True)
    click.echo("done")


@door.command()
def bar() -> None:
    """Show progress, then fail."""
    say.progress("1 of 2 \x1b[2J" + "x" * 200)
    say.progress("2 of 2")
    raise StoreUnusable("The store is gone.")


@door.command()
@click.argument("what", type=click.Choice(["text", "bytes", "nothing"]))
def passing(what) -> None:
    """Show progress, then print data, or nothing at all."""
    say.progress("2 of 2")
    if what == "text":
        streams.out("a\nb\n")
    elif what == "bytes":
        streams.out_bytes(b"a\nb\n")


@door.command()
def stop() -> None:
    """Stop as asked."""
    raise Interrupted("stopped after 3 batches")


@door.command()
@options.printing
@click.option("--count", default=1)
@click.option("--then", type=click.Choice([*FLAWS, "five"]))
def rows(how, count, then):
    """Print rows, then perhaps fail."""
    columns = {"name": "text", "n": "integer"}
    formats.rows(columns, ((NAMES, n) for n in range(count)), **how)
    if then in FLAWS:
        raise FLAWS[then]
    return 5 if then else None


@door.command()
@click.option("--count", default=100_000)
@click.argument("mark", type=click.Path(path_type=Path))
def work(count, mark) -> None:
    """Work, then print what was done."""
    for number in range(count):
        say.note(f"{number}")
    mark.write_text("done")
    with streams.after_work():
        streams.out("summary\n" * count)
    click.get_current_context().exit(3)


@door.command()
@click.option("--ignore-first", is_flag=True)
def wait(ignore_first) -> None:
    """Wait for a signal."""
    try:
        say.note("ready")
        signal.pause()
    except KeyboardInterrupt:
        if not ignore_first:
            raise
        say.note("once more")
        signal.pause()


@door.command()
def make() -> None:
    """Make a file and a folder."""
    Path("file").write_text("x")
    Path("folder").mkdir()


@door.command()
@options.window
@options.limit(50)
@options.created_at
@options.duration("--max-age")
@options.printing
def ranges(window, limit, created_at, max_age, how) -> None:
    """Print what the options say."""
    thing = {
        "since": window.since,
        "until": window.until,
        "limit": limit,
        "created_at": created_at,
        "max_age": max_age,
    }
    formats.one(thing, **how)


@door.command()
@options.settings
@options.workers
@options.settle
def settings(found) -> None:
    """Print settings."""
    streams.out(f"{found.store} {found.sync.workers} {found.sync.settle}\n")


def run(*words, environ=None, **arguments):
    """Call a little command in this process."""
    return CliRunner(env=environ).invoke(door, list(words), **arguments)


def process(*words, program=(__file__,), environ=None, **arguments):
    """Call a little command in a process of its own."""
    return subprocess.run(
        [sys.executable, *program, *words],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **(environ or {})},
        check=False,
        timeout=60,
        **{"capture_output": True, **arguments},
    )


def shell(line, *, buffered=True, **arguments):
    """Run a line of shell in which $DOOR is the door of little commands."""
    return subprocess.run(
        ["bash", "-c", f'DOOR="{sys.executable} {__file__}"; {line}'],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONUNBUFFERED": "" if buffered else "1",
        },
        capture_output=True,
        check=False,
        timeout=60,
        **arguments,
    )


def on_a_terminal(*words, environ=None):
    """Call a little command whose streams are a terminal of 40 columns; returns what it shows."""
    ours, theirs = pty.openpty()
    known = {"TERM": "xterm", "COLUMNS": "40", "NO_COLOR": ""}
    with subprocess.Popen(
        [sys.executable, __file__, *words],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **known,
            **(environ or {}),
        },
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        shown = b""
        try:
            while some := os.read(ours, 4096):
                shown += some
        except OSError:  # Linux says so at the end of a terminal
            pass
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


# Codes


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["end"], 0),
        (["--help"], 0),
        (["end", "--help"], 0),
        (["value"], 5),
        (["end", "--code", "3"], 3),
        (["crash"], 1),
        (["crash", "eof"], 1),
        (["end", "--number", "x"], 2),
        (["end", "--nunber", "1"], 2),
        (["nobody"], 2),
        ([], 2),
        (["--log-format", "xml", "end"], 2),
        (["ask"], 4),
        (["fail"], 8),
        (["end", "--busy", "1"], 75),
        (["stop"], 130),
    ],
)
def test_every_way_to_end_has_its_code(words, code):
    ended = run(*words)
    assert ended.exit_code == code
    assert code == 5 or code in EXIT_CODES
    assert process(*words, stdin=subprocess.DEVNULL).returncode == code


def test_a_confirmed_question_goes_on():
    assert run("ask", input="y\n").exit_code == 0
    refused = run("ask", input="n\n")
    assert refused.exit_code == 4
    assert "error: Not confirmed: nothing was changed." in refused.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_ends_a_command_with_130_and_a_sentence(sent, times):
    words = ["wait"] if times == 1 else ["wait", "--ignore-first"]
    with waiting(*words, hangup=signal.SIG_DFL) as running:
        assert running.stderr is not None
        for _ in range(times):
            assert running.stderr.readline() in ("ready\n", "once more\n")
            running.send_signal(sent)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert (out, err) == ("", "craftsync: interrupted\n")


def waiting(*words, hangup):
    """Start a command that waits, where a lost terminal has this effect."""
    return subprocess.Popen(
        [sys.executable, __file__, *words],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, hangup),  # noqa: PLW1509 - no threads yet
    )


def test_under_nohup_a_lost_terminal_ends_nothing():
    with waiting("wait", hangup=signal.SIG_IGN) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "ready\n"
        running.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=0.5)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)
    assert running.returncode == 130


def test_what_was_saved_is_spoken_of_by_commands_that_save_alone():
    def ended(name):
        """Say a command of ours in whose place stands one that is stopped."""

        @click.command()
        def stopped():
            raise KeyboardInterrupt

        return CliRunner().invoke(Door(name="craftsync", commands={name: stopped}), [name])

    assert set(COMMANDS) >= SAVING
    for name in COMMANDS:
        said = "; what was saved stays, and it is safe to run again" * (name in SAVING)
        assert ended(name).exit_code == 130
        assert ended(name).stderr == f"craftsync: interrupted{said}\n"


def test_an_interruption_may_say_what_was_reached():
    assert run("stop").stderr == "craftsync: stopped after 3 batches\n"


# What is said


def test_an_error_is_a_sentence_and_a_hint():
    failed = run("fail", "--hint", "craftsync db upgrade")
    assert failed.stderr == "error: The store is gone.\nhint: craftsync db upgrade\n"
    assert failed.stdout == ""


def test_wrong_words_are_told_with_the_nearest_and_where_help_is():
    assert run("end", "--nubmer", "1").stderr == (
        "error: No such option '--nubmer'. Did you mean '--number'?\nhint: craftsync end --help\n"
    )
    assert "Did you mean 'crash'?" in run("crsh").stderr


def test_without_words_help_is_shown_on_stderr():
    shown = run()
    assert "Usage: craftsync" in shown.stderr
    assert shown.stdout == ""


def test_text_from_elsewhere_cannot_drive_a_terminal_or_forge_a_hint():
    failed = run("fail", "a\x1b]0;pwn\x07b\u202ec\nhint: rm -rf ~")
    assert failed.stderr == ("error: a\\x1b]0;pwn\\x07b\\u202ec\n       hint: rm -rf ~\n")
    assert run("end", "--\x1b[2J").stderr.startswith("error: No such option '--\\x1b[2J'")


@pytest.mark.parametrize("words", [["crash"], ["-vv", "crash"], ["--log-format", "json", "crash"]])
def test_a_bug_is_shown_with_its_traceback_and_without_secrets(words):
    crashed = process(*words)
    said = crashed.stderr.decode()
    assert "Traceback (most recent call last)" in said
    assert "RuntimeError: boom" in said
    assert SECRET not in said
    assert "abc.def" not in said
    assert "\x1b" not in said
    assert crashed.stdout == b""


@pytest.mark.parametrize("words", [["-q", "end"], ["end", "-q"], ["-q", "end", "-q"]])
def test_quiet_is_silent_on_success(words):
    assert run(*words).output == ""


def test_quiet_does_not_keep_errors_back():
    assert "error: " in run("-q", "fail").stderr


def test_a_run_does_not_speak_as_the_one_before():
    run("-q", "--log-format", "json", "end")
    assert run("end").stderr == "This went well.\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--log-format", "json", "fail", "--hint", "x"],
        ["fail", "--hint", "x", "--log-format=json"],
        ["fail", "--log-format", "json", "--hint", "x"],
    ],
)
def test_for_machines_an_error_is_an_object_on_a_line(words):
    (line,) = run(*words).stderr.splitlines()
    assert json.loads(line) == {"level": "error", "message": "The store is gone.", "hint": "x"}


def test_for_machines_wrong_words_are_an_object_too_wherever_the_option_stands():
    said = json.loads(run("end", "--nunber", "1", "--log-format", "json").stderr)
    assert said["level"] == "error"
    assert said["hint"] == "craftsync end --help"


# Streams

BUFFERING = pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])


@pytest.mark.parametrize(
    "line",
    [
        "$DOOR rows --count 200000 --format csv | head -1",
        "$DOOR rows --count 200000 --format table | head -1",
        "$DOOR rows --count 1 --format json | true",
        "$DOOR --help | true",
    ],
)
@BUFFERING
def test_a_reader_who_has_seen_enough_is_no_failure(line, buffered):
    ended = shell(f"{line}; exit ${{PIPESTATUS[0]}}", buffered=buffered)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("flaw", "code", "sentence"),
    [
        ("partial", 3, "error: 1 part waits."),
        ("bug", 1, "RuntimeError: boom"),
        ("interrupt", 130, "craftsync: interrupted"),
        ("wrong", 2, "error: No such thing."),
        ("five", 5, ""),
    ],
)
def test_a_broken_pipe_does_not_hide_how_the_command_ended(flaw, code, sentence):
    ended = shell(f"$DOOR rows --then {flaw} --format csv | true; exit ${{PIPESTATUS[0]}}")
    assert ended.returncode == code
    assert sentence in ended.stderr.decode()
    assert process("rows", "--then", flaw, "--format", "csv").stdout.decode() == (
        f"name,n\n{NAMES},0\n"
    )


@BUFFERING
def test_work_is_finished_whether_or_not_anybody_reads(tmp_path, buffered):
    mark = tmp_path / "mark"
    ended = shell(f"$DOOR work {mark} 2>&1 | head -1; exit ${{PIPESTATUS[0]}}", buffered=buffered)
    assert ended.returncode == 3
    assert mark.read_text() == "done"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_failure(closed, tmp_path):
    assert shell(f"$DOOR rows --count 10 {closed}").returncode == 0
    assert shell(f"$DOOR fail {closed}").returncode == 8
    assert shell(f"$DOOR work --count 3 {tmp_path}/mark {closed}").returncode == 3
    assert (tmp_path / "mark").read_text() == "done"


@pytest.mark.parametrize(
    "words",
    [
        "rows --count 3 --format csv",
        "rows --count 200000 --format jsonl",
        "rows --count 200000 --format table",
        "--help",
    ],
)
@BUFFERING
def test_a_full_disk_behind_stdout_is_told_in_a_sentence(words, buffered):
    ended = shell(f"$DOOR {words} > /dev/full", buffered=buffered)
    assert ended.returncode == 2
    assert ended.stderr.decode() == (
        "error: Standard output cannot be written: No space left on device.\n"
    )


@BUFFERING
def test_a_full_disk_behind_stderr_changes_no_code(buffered):
    assert shell("$DOOR fail 2> /dev/full", buffered=buffered).returncode == 8


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ("table", "d\\xe9ploiement\\u2192\\u2713  0"),
        ("csv", "d\\xe9ploiement\\u2192\\u2713,0"),
        ("jsonl", '{"name": "d\\u00e9ploiement\\u2192\\u2713", "n": 0}'),
    ],
)
def test_under_cron_names_that_ascii_cannot_say_are_shown_readably(chosen, shown):
    environ = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, __file__]
    printed = subprocess.run(
        [*command, "rows", "--format", chosen],
        env=environ,
        capture_output=True,
        check=False,
    )
    assert (printed.returncode, printed.stderr) == (0, b"")
    assert printed.stdout.decode("ascii").splitlines()[-1] == shown
    failed = subprocess.run(
        [*command, "fail", NAMES], env=environ, capture_output=True, check=False
    )
    assert failed.returncode == 8
    assert failed.stderr.decode("ascii").startswith("error: d")


def test_what_is_not_a_terminal_gets_no_control_characters():
    ended = process("rows", "--count", "3")
    assert not re.search(rb"[\x00-\x09\x0b-\x1f]", ended.stdout + ended.stderr)


def test_on_a_terminal_a_table_fits_and_its_header_is_bold():
    shown = on_a_terminal("ranges", "--tz", "Europe/Paris", "--since", "2026-03-01")
    header, since, *_ = shown.splitlines()
    assert header == "\x1b[1mkey         value\x1b[0m"
    assert since == "since       2026-03-01T01:00:00.000000+…"
    assert "\x1b" not in on_a_terminal("ranges", environ={"NO_COLOR": "1"})
    assert "\x1b" not in on_a_terminal("ranges", environ={"TERM": "dumb"})


def test_on_a_terminal_progress_is_one_line_that_gives_way():
    first, second, rest = on_a_terminal("bar", environ={"NO_COLOR": "1"}).split("\r\x1b[2K")[1:]
    assert first.startswith("1 of 2 \\x1b[2Jxxx")
    assert len(first) == 39
    assert (second, rest) == ("2 of 2", "error: The store is gone.\n")
    assert run("bar").stderr == "error: The store is gone.\n"


@pytest.mark.parametrize(
    ("what", "printed"), [("text", "a\nb\n"), ("bytes", "a\nb\n"), ("nothing", "")]
)
def test_progress_gives_way_to_data_and_to_the_end(what, printed):
    assert on_a_terminal("passing", what) == f"\r\x1b[2K2 of 2\r\x1b[2K{printed}"
    assert run("passing", what).stderr == ""


def test_errors_are_coloured_on_a_terminal_alone():
    assert on_a_terminal("fail").startswith("\x1b[31m\x1b[1merror: \x1b[0mThe store")


def test_whatever_is_made_is_private(tmp_path):
    shell(f"cd {tmp_path} && umask 022 && $DOOR make")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700


# Options


def test_times_are_read_in_utc_and_durations_count_back():
    words = ["--since", "2026-03-01", "--until", "2026-03-01T12:00:00+01:00", "--max-age", "2h"]
    thing = json.loads(run("ranges", *words, "--json").stdout)
    assert thing == {
        "since": "2026-03-01T00:00:00.000000Z",
        "until": "2026-03-01T11:00:00.000000Z",
        "limit": 50,
        "created_at": None,
        "max_age": 7200.0,
    }
    thing = json.loads(run("ranges", "--since", "1h", "--until", "1h", "--json").stdout)
    assert thing["since"] == thing["until"]


@pytest.mark.parametrize(
    "words",
    [
        ["ranges", "--since", "soon"],
        ["ranges", "--since", "1h", "--until", "2h"],
        ["ranges", "--created-at", "1h"],
        ["ranges", "--max-age", "-1"],
        ["ranges", "--limit", "-1"],
        ["ranges", "--tz", "Europe/Pariss"],
        ["ranges", "--tz", "../etc/passwd"],
        ["ranges", "--tz", "Europe"],
        ["ranges", "--format", "xml"],
        ["ranges", "--json", "--format", "csv"],
        ["ranges", "--format", "parquet"],
        ["ranges", "-o", "/nowhere/at/all"],
        ["ranges", "-o", "/"],
        ["settings", "--workers", "0"],
        ["settings", "--settle", "1x"],
        ["settings", "--store", "mysql://h/d"],
    ],
)
def test_wrong_words_are_wrong_usage(words):
    assert run(*words).exit_code == Usage.exit_code


def test_an_unknown_zone_is_answered_with_the_nearest():
    assert "Did you mean Europe/Paris" in run("ranges", "--tz", "Europe/Pariss").stderr
    assert run("ranges", "--tz", "utc").exit_code == 0


def test_a_dash_is_standard_output():
    assert json.loads(run("ranges", "--json", "-o", "-").stdout)["limit"] == 50


@pytest.mark.parametrize(
    "words",
    [
        ["--store", "/x/h.db", "settings", "--workers", "3", "--settle", "2h"],
        ["settings", "--settle", "2h", "--store", "/x/h.db", "--workers", "3"],
    ],
)
def test_flags_override_settings_before_the_command_and_after_it(words):
    environ = {"CRAFTSYNC_STORE": "/y/h.db", "CRAFTSYNC_SYNC_WORKERS": "9"}
    assert run(*words, environ=environ).stdout == "/x/h.db 3 2:00:00\n"


def test_bad_settings_end_with_6():
    ended = run("settings", environ={"CRAFTSYNC_SYNC_WORKERS": "many"})
    assert ended.exit_code == 6
    assert ended.stderr.startswith("error: CRAFTSYNC_SYNC_WORKERS must be")


def test_a_folder_that_is_gone_is_told_in_a_sentence(tmp_path):
    ended = shell(
        f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; $DOOR settings"
    )
    assert ended.returncode == 6
    assert b"The folder this command runs in is gone." in ended.stderr


# The real door


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_says_what_the_commands_say(name):
    lazy = COMMANDS[name]
    command = getattr(import_module(lazy.module), lazy.attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str(limit=200) == lazy.short_help


def test_help_lists_every_command_and_imports_click_alone():
    program = (
        "-c",
        "import sys; from craftsync.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted({name for name in sys.modules if name.startswith('craftsync.')}))\n"
        "print(*sorted(set(sys.modules) & {'sqlalchemy', 'alembic', 'duckdb', 'requests', 'rich',"
        " 'tomllib', 'platformdirs', 'zoneinfo', 'subprocess'}))",
    )
    *shown, ours, theirs = process(program=program, text=True).stdout.split("\n")[:-1]
    for name, lazy in COMMANDS.items():
        assert any(line.split() == [name, *lazy.short_help.split()] for line in shown), name
    assert ours.split() == [
        "craftsync.cli",
        "craftsync.cli.manner",
        "craftsync.cli.safe_text",
        "craftsync.cli.say",
        "craftsync.cli.streams",
        "craftsync.errors",
    ]
    assert theirs == ""


def test_help_costs_little():
    before = os.times()
    process("--help", program=("-m", "craftsync"))
    after = os.times()
    spent = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    assert spent < 0.3  # twice the budget: other work may run beside


def test_the_version_is_told():
    assert CliRunner().invoke(main, ["--version"]).stdout == f"craftsync {__version__}\n"


@pytest.mark.parametrize("program", [("-m", "craftsync")])
def test_the_module_is_the_command(program):
    ended = process("nobody", program=program, text=True)
    assert ended.returncode == 2
    assert ended.stderr.endswith("hint: craftsync --help\n")


# config and completion


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, and a user without settings."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("CRAFT_AI_", "CRAFTSYNC_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_config_init_writes_a_private_file_once(folder):
    os.umask(os.umask(0o022))
    first = CliRunner().invoke(main, ["config", "init"])
    assert (first.exit_code, first.stdout) == (0, "")
    path = folder / "craftsync.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.read_text()
    second = CliRunner().invoke(main, ["config", "init"])
    assert second.exit_code == 2
    assert "it stays as it is" in second.stderr
    assert path.read_text() == written
    assert CliRunner().invoke(main, ["config", "show"]).exit_code == 0


def test_config_init_does_not_follow_a_link(folder):
    (folder / "craftsync.toml").symlink_to(folder / "elsewhere")
    assert CliRunner().invoke(main, ["config", "init"]).exit_code == 2
    assert not (folder / "elsewhere").exists()


def test_config_show_prints_keys_values_and_sources_without_secrets(folder):
    path = folder / "craftsync.toml"
    path.write_text('[environments.prod]\nurl = "https://a.example"\ntoken_env = "T"\n')
    path.chmod(0o644)
    environ = {"T": SECRET, "CRAFTSYNC_STORE": f"postgresql://u:{SECRET}@h/d"}
    shown = CliRunner(env=environ).invoke(main, ["config", "show", "--format", "jsonl"])
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [list(row) for row in rows] == [["key", "value", "source"]] * len(rows)
    assert {"key": "environments.prod.token_env", "value": "T", "source": f"{path}:3"} in rows
    assert rows[0]["value"] == "postgresql://u:****@h/d"
    assert SECRET not in shown.output
    assert shown.stderr.startswith(f"warning: {path} is open to others (mode 0644)")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell):
    printed = CliRunner().invoke(main, ["completion", shell])
    assert printed.exit_code == 0
    assert "_CRAFTSYNC_COMPLETE" in printed.stdout


def test_completion_without_a_shell_names_them_in_one_sentence():
    error, _ = CliRunner().invoke(main, ["completion"]).stderr.splitlines()
    assert error.endswith("Choose from: bash, zsh, fish")


def test_a_shell_completes_the_names_of_commands():
    environ = {
        "_CRAFTSYNC_COMPLETE": "bash_complete",
        "COMP_WORDS": "craftsync conf",
        "COMP_CWORD": "1",
    }
    completed = process(program=("-m", "craftsync"), environ=environ, text=True)
    assert completed.stdout == "plain,config\n"


def completed(typed, **environ):
    """Return what a shell is given for the word after what is typed."""
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - (not typed.endswith(" ")))}
    shell = {"_CRAFTSYNC_COMPLETE": "bash_complete", "HOME": "/nowhere"} | words | environ
    made = process(program=("-X", "importtime", "-m", "craftsync"), environ=shell, text=True)
    assert "duckdb" not in made.stderr
    return [line.removeprefix("plain,") for line in made.stdout.splitlines() if line]


def test_a_shell_completes_the_names_of_questions_the_users_own_too(tmp_path):
    folder = tmp_path / "craftsync" / "queries"
    folder.mkdir(parents=True)
    body = "-- title: Mine\n-- asks: What is mine?\n-- gives: n\nselect 1 as n\n"
    (folder / "fail_mine.sql").write_text(body)
    (folder / "fail_broken.sql").write_text("-- title: one\n-- title: two\n-- param: x\n")
    found = completed("craftsync query fail", XDG_CONFIG_HOME=str(tmp_path))
    assert found == ["fail_mine", "failure_rate", "failures_by_input"]
    assert len(completed("craftsync query ")) == len(list(queries_dir().glob("*.sql")))


def test_a_shell_completes_the_parameters_of_the_question_that_is_named():
    assert completed("craftsync query failure_rate -p b") == ["by="]
    assert "since=" in completed("craftsync query failure_rate -p ")
    assert completed("craftsync query nothing -p ") == []


if __name__ == "__main__":
    door(prog_name="craftsync")

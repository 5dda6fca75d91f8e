"""A report on a terminal and in markdown: it fits, and nothing from upstream is more than text."""

import os
import pickle
import pty
import re
import struct
import subprocess
import sys
from fcntl import ioctl
from termios import TIOCSWINSZ

import pytest
from report.conftest import eventful, many, report_on

from craftsync.cli import report_text
from craftsync.report import telling
from craftsync.report.document import Cell, Tone

HOSTILE = '\x1b[31m\u202e<b>*_|`[x](http://e)"&'


@pytest.fixture
def hostile(history):
    """Sections in which every text from upstream would do harm."""
    return telling.of(report_on(eventful(history, lambda text: f"{HOSTILE}{text}")))


def test_nothing_from_upstream_drives_a_terminal(hostile):
    text = "\n".join(report_text.terminal(hostile))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count(r"\x1b[31m\u202e<b>") > 10


def test_nothing_from_upstream_is_a_mark_in_markdown(hostile):
    lines = list(report_text.markdown(hostile))
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "<b>" not in text
    assert not re.search(r"(?<!\\)[`*\[\]]", text.replace("`craftsync", ""))
    for table in re.findall(r"(?:^\|.*\n)+", text + "\n", re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1, table


def test_every_finding_has_its_section(history):
    titles = [section.title for section in telling.of(report_on(eventful(history)))]
    assert titles == [
        "", "", "By day", "Deployments", "Failures", "Regressions", "Stuck", "Missed schedules",
        "Drift of outputs", "Settings changed", "The mirror",
    ]  # fmt: skip


def test_a_calm_week_is_told_in_few_words(history):
    history.run(at="2026-03-26")
    text = "\n".join(report_text.terminal(telling.of(report_on(history))))
    assert "None of 1 run failed; there is nothing from the 7 days before" in text
    assert "Only 1 run ended: a rate of fewer than 20 says little." in text
    assert "0.0 % of 1" in text
    for title in ("Failures", "Regressions", "Stuck", "Missed", "Drift", "Settings"):
        assert f"\n{title}" not in text


def test_what_needs_somebody_is_said_first(history):
    sections = telling.of(report_on(eventful(history)))
    said = " ".join(sections[0].sentences)
    assert "82 of 272 runs failed (30.1 %), more than in the 7 days before (0.0 % of 40)" in said
    assert "2 of them were errors of the platform." in said
    assert (
        "To look at: 1 deployment that fails more, 1 commit that made it worse, 2 new errors,"
        " 1 stuck run, 2 missed runs of a schedule, 1 output that moved." in said
    )


def test_of_an_empty_time_it_is_said_where_there_is_something_to_see(history):
    assert "holds no execution yet" in said_of(report_on(history))
    history.run(at="2026-02-01 10:00")
    assert "craftsync report --since 2026-02-01 --until 2026-02-02" in said_of(report_on(history))


def said_of(report):
    return " ".join(telling.of(report)[0].sentences)


@pytest.mark.parametrize(("held", "tone"), [(0, Tone.BAD), (1, Tone.BAD), (2, Tone.PLAIN)])
def test_parts_that_are_not_held_stand_out_the_more_so_when_none_is(history, held, tone):
    history.run("e1", at="2026-03-26")
    for number in range(2):
        history.add(
            "parts", execution_id="e1", execution_created_at="2026-03-26", part="input",
            name=f"i{number}", state="ok" if number < held else "pending",
        )  # fmt: skip
    (row,) = telling.of(report_on(history))[-1].table.rows
    assert row[5] == Cell(f"{50 * held}.0 %", tone)


def test_rows_that_are_not_shown_are_counted(history):
    for number in range(20):
        history.run(at="2026-03-26", deployment=f"d{number:02}")
    text = "\n".join(report_text.terminal(telling.of(report_on(history))))
    assert "d14" in text
    assert "d15" not in text
    assert "and 5 more" in text


SHOW = """
import sys, pickle
from craftsync.cli import report_text
sections = pickle.load(open(sys.argv[1], "rb"))
for line in report_text.terminal(sections):
    print(line)
"""


@pytest.fixture
def seen(hostile, tmp_path):
    """Give what shows sections to a process with a terminal, or a pipe, of its own."""
    file = tmp_path / "sections"
    file.write_bytes(pickle.dumps(hostile))

    def show(*, columns=None, **environ):
        command = [sys.executable, "-c", SHOW, str(file)]
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environ}
        if columns is None:
            return subprocess.run(command, env=environ, capture_output=True, check=True).stdout
        mine, theirs = pty.openpty()
        ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(command, env=environ, stdout=theirs, stderr=theirs)
        os.close(theirs)
        read = b""
        while True:
            try:
                some = os.read(mine, 1 << 16)
            except OSError:  # the end, as Linux tells it
                some = b""
            if not some:
                break
            read += some
        assert process.wait() == 0, read
        os.close(mine)
        return read.replace(b"\r\n", b"\n")

    return show


COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("columns", [60, 80, 100, 132])
def test_on_a_terminal_no_line_is_wider_than_it(seen, columns):
    text = seen(columns=columns, LANG="C.UTF-8", TERM="xterm").decode()
    lines = COLOUR.sub("", text).splitlines()
    assert max(map(len, lines)) <= columns
    assert min(len(line) for line in lines if "Failure rate" in line) > 20


def test_it_is_coloured_on_a_terminal_alone_and_not_where_no_colour_is_wanted(seen):
    assert COLOUR.search(seen(columns=100, LANG="C.UTF-8", TERM="xterm").decode())
    for text in (
        seen(columns=100, LANG="C.UTF-8", TERM="xterm", NO_COLOR="1"),
        seen(LANG="C.UTF-8", TERM="xterm"),
    ):
        assert "\x1b" not in text.decode()


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LANG": "POSIX"}, {}])
def test_under_a_plain_locale_all_of_it_is_ascii(seen, locale):
    assert seen(**locale).decode("ascii")
    assert seen(columns=80, TERM="xterm", **locale).decode("ascii")
    assert "▁" in seen(LC_ALL="C.UTF-8").decode()


def test_against_too_few_runs_no_change_is_said(history):
    many(history, 19, "2026-03-20 03:00", "Failed", pipeline="train")
    many(history, 60, "2026-03-27 03:00", pipeline="train")
    said = "\n".join(report_text.terminal(telling.of(report_on(history))))
    assert "had too few to compare with" in said
    assert " pt" not in said
    many(history, 1, "2026-03-21 03:00", "Failed", pipeline="train")
    assert " pt" in "\n".join(report_text.terminal(telling.of(report_on(history))))


def test_a_number_of_runs_is_not_compared_with_a_period_that_is_held_in_part(history):
    many(history, 30, "2026-03-24 03:00", "Error", pipeline="train")
    many(history, 90, "2026-03-27 03:00", "Error", pipeline="train")
    said = "\n".join(report_text.terminal(telling.of(report_on(history))))
    assert "The history begins within the 7 days before." in said
    assert "\N{MULTIPLICATION SIGN}" not in said
    history.run("e0", at="2026-01-01")
    said = "\n".join(report_text.terminal(telling.of(report_on(history))))
    assert said.count("\N{MULTIPLICATION SIGN} 3.0") == 2


def test_of_a_pipeline_without_a_run_it_is_said_where_to_look(history):
    history.run("e0", at="2026-03-30")
    history.add("pipelines", pipeline_name="idle", created_at="2026-03-01")
    said = "\n".join(report_text.terminal(telling.of(report_on(history, pipeline_name="idle"))))
    assert "The mirror holds no execution of these. What it holds: `craftsync runs`" in said

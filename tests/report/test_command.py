"""`craftsync report` from the outside: forms, files, thresholds, exit codes."""

import json
import os
from pathlib import Path

import pytest
from lab import DAY, lab
from query import words

from craftsync.report.model import FIGURES
from craftsync.simulator import World

ROOT = str(Path(__file__).parents[2])


def craftsync(made, *said, **environ):
    """Say a command of this checkout, whichever one is installed."""
    return words.craftsync(made, *said, PYTHONPATH=ROOT, **environ)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with lab(tmp_path_factory.mktemp("report"), World(seed=2, executions=60, settled=True)) as one:
        one.sync()
        yield one


def reported(made, *words, **environ):
    """Report on all that the world of the test has."""
    since = (made.world.now - 90 * DAY).isoformat()
    until = (made.world.now + DAY).isoformat()
    return craftsync(made, "report", "--since", since, "--until", until, *words, **environ)


def told(made, *words, **environ):
    done = reported(made, *words, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_headline_agrees_with_the_store(made):
    report = json.loads(told(made, "--json"))
    row = made.one(
        "select count(*) runs, sum(lower(status) in ('failed', 'error')) bad,"
        " sum(lower(status) = 'error') error, sum(lower(status) in ('succeeded', 'success')) ok"
        " from executions"
    )
    headline = report["headline"]
    assert (headline["runs"], headline["error"]) == (row["runs"], row["error"])
    assert headline["failure_rate"] == row["bad"] / (row["bad"] + row["ok"])
    assert sum(one["runs"] for one in report["deployments"]) == row["runs"]
    assert sum(one["failed"] + one["error"] for one in report["buckets"]) == row["bad"]
    assert sum(one["n"] for one in report["failures"]) == row["bad"]


def test_every_figure_of_the_headline_can_be_a_threshold(made):
    report = json.loads(told(made, "--json"))
    assert set(report["headline"]) == {*FIGURES, "few"}
    condition = " and ".join(f"not {name} < -1e300" for name in FIGURES)
    assert reported(made, "--fail-if", condition).returncode == 5


def test_a_threshold_that_is_crossed_ends_with_5_after_the_report(made):
    done = reported(made, "--fail-if", "runs > 1000000 or failure_rate >= 0")
    assert done.returncode == 5
    assert "Failure rate" in done.stdout
    assert done.stderr.startswith(
        "error: The report meets --fail-if: runs > 1000000 or failure_rate >= 0\nhint: "
    )
    assert reported(made, "--fail-if", "runs > 1000000").returncode == 0


def test_of_several_thresholds_each_counts(made):
    done = reported(made, "--fail-if", "runs >= 0", "--fail-if", "runs > 1000000")
    assert done.returncode == 5
    assert "error: The report meets --fail-if: runs >= 0\nhint: runs is " in done.stderr


@pytest.mark.parametrize(
    ("condition", "place"), [("failure_rate >", 14), ("failurerate > 1", 0), ("stuck = 'x'", 8)]
)
def test_a_condition_that_cannot_be_read_is_pointed_at(made, condition, place):
    done = reported(made, "--fail-if", condition)
    assert (done.returncode, done.stdout) == (2, "")
    shown, mark = done.stderr.splitlines()[1:3]
    assert mark.index("^") - shown.index(condition[:5]) == place


def test_nothing_in_the_period_is_said_and_ends_with_0(made, tmp_path):
    page = tmp_path / "empty.html"
    done = craftsync(
        made, "report", "--since", "2001-01-01", "--until", "2001-01-08", "--html", str(page),
        "--format", "table", "--fail-if", "failure_rate > 0 or failure_rate <= 0",
    )  # fmt: skip
    assert done.returncode == 0
    assert "Nothing ran in this time." in done.stdout
    assert "Nothing ran in this time." in page.read_text()


def test_a_page_is_private_whole_and_the_only_thing_that_is_written(made, tmp_path):
    page = tmp_path / "report.html"
    page.write_text("what was there")
    page.chmod(0o644)
    done = reported(made, "--html", str(page))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"The page is in {page}.\n"
    assert page.stat().st_mode & 0o777 == 0o600
    assert page.read_text().startswith("<!doctype html>")
    assert page.read_text().endswith("</html>\n")
    assert list(tmp_path.iterdir()) == [page]
    assert told(made, "-q", "--html", "-") == page.read_text()


def test_a_page_and_a_report_can_come_together(made, tmp_path):
    page, text = tmp_path / "report.html", tmp_path / "report.md"
    told(made, "-q", "--html", str(page), "--format", "markdown", "-o", str(text))
    assert text.read_text().startswith("# craftsync report\n")
    assert "| deployment | pipeline |" in text.read_text()
    assert text.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("option", ["--html", "-o"])
def test_a_file_that_cannot_be_written_is_a_sentence(made, option):
    done = reported(made, option, "/nowhere/report")
    assert (done.returncode, done.stdout) == (2, "")
    assert "/nowhere/report cannot be written" in done.stderr


@pytest.mark.parametrize("until", ["2026-01-01", "2026-02-01"])
def test_an_empty_period_is_refused(made, until):
    done = craftsync(made, "report", "--since", "2026-02-01", "--until", until)
    assert (done.returncode, done.stdout) == (2, "")
    assert "The period is empty" in done.stderr


@pytest.mark.parametrize("since", ["0d", "0s", "now"])
def test_a_period_that_begins_now_is_empty_too(made, since):
    done = craftsync(made, "report", "--since", since)
    assert (done.returncode, done.stdout) == (2, "")
    assert "The period is empty" in done.stderr


def test_an_unknown_environment_and_a_period_to_come_are_refused(made):
    assert reported(made, "--env", "nowhere").returncode == 2
    assert craftsync(made, "report", "--since", "2999-01-01").returncode == 2
    assert craftsync(made, "report", "--json", "--format", "table").returncode == 2


def test_a_week_is_the_usual_period(made):
    report = json.loads(craftsync(made, "report", "--until", "2026-01-08", "--json").stdout)
    assert report["since"] == "2026-01-01T00:00:00.000000Z"
    assert report["before_since"] == "2025-12-25T00:00:00.000000Z"


@pytest.mark.parametrize("edge", [("--until", "0001-01-02"), ("--until", "9999-12-31")])
@pytest.mark.parametrize("since", [(), ("--since", "0001-01-01")])
def test_the_edges_of_the_calendar_are_no_trouble(made, edge, since):
    words = ("report", *since, *edge, "--tz", "America/New_York")
    done = craftsync(made, *words, "--html", "-", "--format", "table")
    assert (done.returncode, done.stderr) == (0, "")


def test_instants_are_printed_in_a_zone_if_asked(made):
    report = json.loads(told(made, "--tz", "Europe/Paris", "--json"))
    assert report["until"][-6:] in ("+01:00", "+02:00")
    assert " CE" in told(made, "--tz", "Europe/Paris").splitlines()[0]


def test_a_pipeline_by_its_name(made):
    report = json.loads(told(made, "--json"))
    name = report["deployments"][0]["pipeline_name"]
    alone = json.loads(told(made, "--pipeline", name, "--json"))
    assert {one["pipeline_name"] for one in alone["deployments"]} == {name}
    none = reported(made, "--pipeline", f"{name[:-1]}?")
    assert (none.returncode, none.stdout) == (2, "")
    assert f"Did you mean {name}" in none.stderr


def test_it_needs_no_network_and_no_home(made, tmp_path):
    page = tmp_path / "report.html"
    done = reported(
        made, "-q", "--html", str(page), HOME=str(tmp_path / "none"), NO_PROXY="",
        HTTPS_PROXY="http://127.0.0.1:9", CRAFT_AI_ENVIRONMENT_URL="http://127.0.0.1:9",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert page.exists()
    assert not (tmp_path / "none").exists()


def test_without_a_store_it_ends_with_8(tmp_path, made):
    done = craftsync(made, "report", CRAFTSYNC_STORE=str(tmp_path / "none.db"))
    assert (done.returncode, done.stdout) == (8, "")


def test_the_demo_ends_with_a_report(made):
    done = craftsync(made, "demo")
    assert done.returncode == 0
    assert "Failure rate" in done.stdout
    assert os.linesep.join(["", "The mirror", "  environment"]) in done.stdout

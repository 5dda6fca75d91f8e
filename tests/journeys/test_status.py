"""`status`: how fresh, how much, and since when something fails or is in doubt."""

from contextlib import suppress

import pytest
from journeys.erasing import allow, an_estate, erased, now, planned, run
from lab import DAY, HOUR
from lab import lab as make_lab

from craftsync import times
from craftsync.errors import CraftsyncError
from craftsync.simulator import Faults, json_response


@pytest.fixture
def lab(tmp_path):
    """Eight settled executions, mirrored; the world's clock began two days before ours."""
    with make_lab(tmp_path, an_estate(now=now() - 2 * DAY)) as made:
        assert made.sync().outcome == "complete"
        yield made


def status(lab, *words):
    """Return what is said, and the figures of the one environment."""
    (one,) = lab.app.status()["environments"]
    return run(lab, "status", *words).stdout, one


def later(lab, after):
    """Mirror once more, so much later, whatever comes of it; return when that was."""
    lab.world.advance(after)
    with suppress(CraftsyncError):
        lab.sync()
    return times.utc_text(lab.world.now)


def test_where_nothing_fails_nothing_is_said_of_since_when(lab):
    said, one = status(lab)
    assert (one["failing_since"], one["in_doubt_since"]) == (None, None)
    assert "since" not in said
    assert "failing" not in said


def test_the_first_failure_is_when_it_has_been_failing_since_until_it_is_over(lab):
    lab.world.deny("/pipelines/train/executions")
    began = later(lab, HOUR)
    later(lab, 5 * HOUR)
    said, one = status(lab)
    assert (one["failing_since"], one["failures"]) == (began, 1)
    assert f"failing       since {began[:10]} {began[11:16]} UTC, a day" in said
    assert "sync_failures" in said
    lab.world.allow("/pipelines/train/executions")
    later(lab, HOUR)
    said, one = status(lab)
    assert one["failing_since"] is None
    assert "failing" not in said


def test_the_time_is_shown_in_the_zone_that_is_asked_for(lab):
    lab.world.deny("/pipelines/train/executions")
    began = later(lab, HOUR)
    said, _ = status(lab, "--tz", "Asia/Tokyo")
    tokyo = times.parse_utc_text(began) + 9 * HOUR
    assert f"failing       since {tokyo:%Y-%m-%d %H:%M} JST" in said


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "markdown"])
def test_other_programs_get_the_instants_of_that_zone_too(lab, form):
    said, one = status(lab, "--tz", "Asia/Tokyo", "--format", form)
    tokyo = times.parse_utc_text(one["last_complete_at"]) + 9 * HOUR
    assert f"{tokyo:%Y-%m-%dT%H:%M:%S.%f}+09:00" in said
    assert one["last_complete_at"] not in said
    assert one["last_complete_at"] in status(lab, "--format", form)[0]


def test_runs_that_failed_wholly_are_failing_since_the_first_of_them(lab):
    lab.server.faults = Faults(rates={"500": 1}, spare_sign_in=False)
    began = later(lab, HOUR)
    later(lab, HOUR)
    said, one = status(lab)
    assert (one["last_outcome"], one["failing_since"]) == ("failed", began)
    assert "failing       since" in said
    lab.server.faults.active = False
    later(lab, HOUR)
    assert status(lab)[1]["failing_since"] is None


def test_a_delete_in_doubt_says_since_when(lab):
    allow(lab)
    answered = json_response({"execution_id": "t0"})
    lab.world.override("DELETE", "/executions/t0", answered)
    assert erased(lab, planned(lab, 99 * DAY)) == {"t0": "in_doubt"}
    intent = lab.one("select intent_at from deletions")["intent_at"]
    said, one = status(lab)
    assert (one["in_doubt"], one["in_doubt_since"]) == (1, intent)
    assert f"deletes in doubt 1 since {intent[:10]} {intent[11:16]} UTC, 2 days" in said

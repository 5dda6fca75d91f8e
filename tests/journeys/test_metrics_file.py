"""The metrics file: what a sync did, as Prometheus reads it, for an exporter of another user."""

import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from lab import HOUR
from lab import lab as make_lab
from prometheus_client.parser import text_string_to_metric_families

from craftsync.app import SyncReport
from craftsync.errors import Usage
from craftsync.report import metrics_file
from craftsync.simulator import Faults, World


@pytest.fixture
def lab(tmp_path):
    with make_lab(tmp_path, World(seed=2, executions=10, pipelines=2)) as made:
        yield made


def samples(path):
    """Read the file as Prometheus would: value by name, the outcome's by its state."""
    found = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        for sample in family.samples:
            labels = dict(sample.labels)
            environment = labels.pop("environment")
            found[environment, sample.name, *labels.values()] = sample.value
    return found


def states(found, environment="default"):
    return {
        key[2]: value
        for key, value in found.items()
        if key[:2] == (environment, "craftsync_last_run_outcome")
    }


def written(lab, *outcomes):
    path = lab.folder / "craftsync.prom"
    lab.app.write_metrics(path, SyncReport(1, outcomes, True))
    return path


def test_every_figure_of_a_run_is_in_the_file(lab):
    outcome = lab.sync()
    found = samples(written(lab, outcome))
    figures = {
        "timestamp_seconds": outcome.started_at.timestamp(),
        "duration_seconds": outcome.seconds,
        "exit_code": 0,
        "listed": outcome.listed,
        "fetched": outcome.fetched,
        "unchanged": outcome.unchanged,
        "gone": outcome.gone,
        "withheld": outcome.withheld_count,
        "failed": len(outcome.failed),
        "requests": outcome.requests,
        "received_bytes": outcome.bytes_received,
    }
    for name, value in figures.items():
        assert found["default", f"craftsync_last_run_{name}"] == value, name
    complete = found["default", "craftsync_last_complete_timestamp_seconds"]
    assert complete == outcome.started_at.timestamp()
    assert states(found) == {state: float(state == "complete") for state in metrics_file.OUTCOMES}


def test_a_run_that_was_not_complete_keeps_the_time_of_the_last_that_was(lab):
    complete = lab.sync()
    lab.world.advance(HOUR)
    lab.server.faults = Faults(rates={"503": 1.0})
    failed = lab.sync()
    assert failed.exit_code != 0
    found = samples(written(lab, failed))
    assert found["default", "craftsync_last_run_exit_code"] == failed.exit_code
    assert found["default", "craftsync_last_run_timestamp_seconds"] == (
        (complete.started_at + HOUR).timestamp()
    )
    assert found["default", "craftsync_last_complete_timestamp_seconds"] == (
        complete.started_at.timestamp()
    )
    assert [state for state, value in states(found).items() if value] == [failed.outcome]


def test_an_environment_that_was_never_complete_has_an_age_that_rings(lab):
    lab.server.faults = Faults(rates={"503": 1.0})
    found = samples(written(lab, lab.sync()))
    assert found["default", "craftsync_last_complete_timestamp_seconds"] == 0


def test_every_outcome_of_a_run_is_a_state(lab):
    outcome = lab.sync()
    for state in metrics_file.OUTCOMES:
        found = samples(written(lab, replace(outcome, outcome=state)))
        assert [name for name, value in states(found).items() if value] == [state]


def test_several_environments_stand_side_by_side(lab):
    outcome = lab.sync()
    other = replace(outcome, environment="staging", listed=7, exit_code=3, outcome="partial")
    found = samples(written(lab, outcome, other))
    assert found["staging", "craftsync_last_run_listed"] == 7
    assert found["default", "craftsync_last_run_listed"] == outcome.listed
    assert states(found, "staging")["partial"] == 1


def test_another_user_may_read_the_file_whatever_the_umask(lab):
    path = written(lab, lab.sync())
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_the_file_is_replaced_as_a_whole_through_a_link_too(lab):
    outcome = lab.sync()
    target = lab.folder / "there.prom"
    target.write_text("older")
    target.chmod(0o600)
    (lab.folder / "craftsync.prom").symlink_to(target)
    written(lab, outcome)
    assert (lab.folder / "craftsync.prom").is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert samples(target)["default", "craftsync_last_run_listed"] == outcome.listed
    assert [path for path in lab.folder.iterdir() if ".tmp" in path.name] == []


def test_a_device_or_a_pipe_is_written_to_and_stays(lab):
    pipe = lab.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    outcome = lab.sync()
    for path in (pipe, Path("/dev/null")):
        metrics_file.write(path, [outcome], last_complete={})
    assert b"craftsync_last_run_listed" in os.read(reader, 100_000)
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_place_that_cannot_be_written_is_wrong_usage_and_leaves_nothing(lab):
    outcome = lab.sync()
    with pytest.raises(Usage, match="No such file"):
        metrics_file.write(lab.folder / "no" / "x.prom", [outcome], last_complete={})
    (lab.folder / "folder.prom").mkdir()
    with pytest.raises(Usage):
        metrics_file.write(lab.folder / "folder.prom", [outcome], last_complete={})
    assert [path for path in lab.folder.iterdir() if ".tmp" in path.name] == []


def test_a_run_shorter_than_a_second_keeps_its_fraction(lab):
    outcome = replace(lab.sync(), seconds=timedelta(milliseconds=250).total_seconds())
    found = samples(written(lab, outcome))
    assert found["default", "craftsync_last_run_duration_seconds"] == 0.25

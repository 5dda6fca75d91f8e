"""A token of an endpoint that user code prints is not stored, even after it was replaced."""

from collections import Counter

import pytest
from journeys.erasing import allow, deletes, now, run
from lab import DAY, HOUR
from lab import lab as make_lab

from craftsync.simulator import Line, World

FIRST, SECOND = "ept-4b1f0c2d9a7e8866", "ept-99c0ffee55aa1234"
YES = ("--yes-environment", "default")


def printing(token, at):
    return [Line(int(at.timestamp()) * 10**9, f"calling with EndpointToken {token}")]


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def store(request):
    """A file that the lab makes, or a database."""
    return None if request.param == "SQLite" else request.getfixturevalue("database")


@pytest.fixture
def lab(tmp_path, store):
    """An endpoint whose two old executions print its token, mirrored; then it got another."""
    world = World(executions=0, pipelines=0, now=now())
    born = world.now - 100 * DAY
    world.add_pipeline("train", created_at=born)
    world.add_deployment("api", "train", created_at=born, endpoint_token=FIRST)
    for number in range(2):
        at = born + (number + 1) * HOUR
        world.add_execution(
            "train", execution_id=f"t{number}", created_at=at, deployment="api",
            lines=printing(FIRST, at),
        )  # fmt: skip
    with make_lab(tmp_path, world, store=store) as made:
        assert made.sync().exit_code == 0
        world.mutate_deployment("api", endpoint_token=SECOND)
        world.add_execution(
            "train", execution_id="t2", created_at=world.now - 2 * HOUR, deployment="api",
            lines=printing(SECOND, world.now - HOUR),
        )  # fmt: skip
        assert made.sync().exit_code == 0
        yield made


def test_no_printed_token_is_stored_whichever_the_endpoint_has_now(lab):
    printed = Counter(lab.column("select message from logs"))
    assert len(printed) == 2
    assert all("EndpointToken redacted:" in message for message in printed)
    assert lab.sync(full=True).exit_code == 0
    assert Counter(lab.column("select message from logs")) == printed


def test_a_token_that_stands_as_a_fingerprint_is_no_drift_and_keeps_nothing_from_going(lab):
    told = run(lab, "verify", "--execution", "t0", "--execution", "t2", "--format", "jsonl")
    assert (told.exit_code, told.stdout) == (0, ""), told.stderr
    done = run(allow(lab), "delete", "execution", "t0", "t2", *YES)
    assert done.exit_code == 0, done.stderr
    assert sorted(deletes(lab)) == ["executions/t0", "executions/t2"]

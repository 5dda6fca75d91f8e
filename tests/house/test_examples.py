"""What the docs say to type works as it stands there."""

import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lab import lab
from query.words import craftsync

from craftsync.simulator import World

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(name, kind):
    found = BLOCK.findall((DOCS / name).read_text(encoding="utf-8"))
    return [text for language, text in found if language == kind]


def commands(name):
    lines = "".join(blocks(name, "console")).splitlines()
    return [shlex.split(line)[2:] for line in lines if line.startswith("$ craftsync ")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with lab(
        tmp_path_factory.mktemp("docs"), World(seed=1, executions=200, now=datetime.now(UTC))
    ) as one:
        one.sync()
        yield one


@pytest.mark.parametrize("words", commands("asking.md"), ids=" ".join)
def test_a_command_in_the_docs_works(made, words):
    done = craftsync(made, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_python_in_the_docs_works(made, monkeypatch):
    for name, value in made.environ.items():
        monkeypatch.setitem(os.environ, name, value)
    names = {}
    for text in blocks("asking.md", "python"):
        exec(text, names)
    assert sum(row["n"] for row in names["counted"]) == 200
    assert names["statuses"].height == 200
    assert len(names["runs"]) > 0


def test_a_question_of_the_users_own_is_asked_as_the_docs_write_it(made):
    folder = made.folder / ".config/craftsync/queries"
    folder.mkdir(parents=True)
    (folder / "authors.sql").write_text(blocks("asking.md", "sql")[0])
    done = craftsync(made, "query", "authors", "-p", "since=2000-01-01", "--format", "csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("created_by,n\n")
    assert len(done.stdout.splitlines()) > 1


def test_the_join_in_the_docs_is_one(made):
    done = craftsync(made, "sql", blocks("asking.md", "sql")[1], "--format", "csv")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.long
def test_the_tutorial_works_from_its_first_command_to_its_last(tmp_path):
    world = World(seed=7, executions=300, now=datetime.now(UTC))
    lines = "".join(blocks("tutorial.md", "console")).splitlines()
    script = "\n".join(["set -eux", *(line.removeprefix("$ ") for line in lines)])
    with lab(tmp_path, world) as one:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", script],
            env={**one.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert one.world.requests.deletes
    assert "deleted_by_craftsync" in done.stdout
    assert (tmp_path / "report.html").stat().st_size > 10_000

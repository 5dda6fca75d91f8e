"""The lock files: all that is installed is pinned, and each file of it is known by its hash."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [
    Path("requirements.lock"),
    Path("tests/conformance/sdk-0.64.1.lock"),
    Path("tests/conformance/sdk-0.74.7.lock"),
    Path("tests/query/spark.lock"),
]
PINNED = re.compile(r"(?P<name>[a-z0-9-]+)(\[[a-z,]+\])?==(?P<version>[\w.+]+)( ; .+)?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins(lock):
    """Return a lock's requirements: all words of each, a line of continuations being one."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return [line.split(" --hash", 1) for line in text.replace(" \\\n   ", "").splitlines()]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_line_of_a_lock_is_one_version_with_its_hashes(lock):
    found = pins(lock)
    assert len(found) >= 2
    for pin, *hashes in found:
        assert PINNED.fullmatch(pin), pin
        assert hashes, f"{pin} has no hash"
        assert all(HASH.fullmatch(each) for each in f"--hash{hashes[0]}".split()), pin


def test_every_dependency_of_the_project_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    named = {re.split(r"[^\w.-]", each, maxsplit=1)[0].lower() for each in asked}
    locked = {PINNED.fullmatch(pin)["name"] for pin, *_ in pins(LOCKS[0])}
    assert named
    assert {re.sub(r"[-_.]+", "-", name) for name in named} - locked == set()


def test_every_pin_is_installed_with_its_hashes_only():
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in made.splitlines() if re.search(r" -r \S", line)]
    assert len(installs) == len(LOCKS)
    assert all("--require-hashes" in line for line in installs)

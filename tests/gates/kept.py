"""Gates at full size that passed are kept, so that a run that was stopped goes on where it stood.

Where the variable GATES_KEPT names a folder, each long test that passes is taken down there, with
its figures, under the hash of all code that it depends on: another run of the same code leaves it
out, and shows its figures with its own. Without the folder all run anew. What is quick is run each
time.
"""

import json
import os
import re
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from gates.summary import GATE

VARIABLE = "GATES_KEPT"
LONG = "long"
ROOT = Path(__file__).parents[2]
CODE = ("craftsync", "migrations", "queries", "tests", "pyproject.toml", "requirements.lock")
TESTS = re.compile(r"tests/(?:.+/)?test_\w+\.py")
# A module that takes something of others, or runs copies of them, depends on them too.
OF_OTHERS = re.compile(rb"(?m)^\s*(?:from|import)\b.*\b(?:copies|test_\w+)\b")


def plugin(config, root=ROOT):
    """Return the plugin of this process, or None where nothing is kept."""
    folder = os.environ.pop(VARIABLE, "")  # tests that run tests have nothing to do with it
    if hasattr(config, "workerinput"):
        return LeftOut(config.workerinput.get(VARIABLE, ()))
    if not folder:
        return None
    return Kept(Path(folder).absolute() / "passed.jsonl", root)


class Code:
    """All code there is now: the hash of each file, and which tests have to do with others."""

    def __init__(self, root):
        paths = [root / name for name in CODE]
        inner = [path for folder in paths if folder.is_dir() for path in folder.rglob("*")]
        self.hashes, self.of_others = {}, set()
        for path in sorted({*paths, *inner}):
            if path.is_file() and "__pycache__" not in path.parts:
                name, held = path.relative_to(root).as_posix(), path.read_bytes()
                self.hashes[name] = sha256(held).hexdigest()
                if TESTS.fullmatch(name) and OF_OTHERS.search(held):
                    self.of_others.add(name)

    def digest(self, test):
        """Return the hash of all that a test depends on: names and bytes, and this Python.

        That is all but other modules of tests, unless its own has to do with others.
        """
        own = test.partition("::")[0]
        whole = sha256(sys.version.encode())
        for name, held in self.hashes.items():
            if name == own or own in self.of_others or not TESTS.fullmatch(name):
                whole.update(f"\0{name}\0{held}".encode())
        return whole.hexdigest()


class LeftOut:
    """Leaves out what has passed: all there is to do in a worker of xdist."""

    def __init__(self, passed):
        self.passed = passed

    def pytest_collection_modifyitems(self, config, items):
        """Take away the tests that are kept; the others that are long say so with their results."""
        for item in items:
            if item.get_closest_marker(LONG):
                item.user_properties.append((LONG, True))
        if gone := [item for item in items if item.nodeid in self.passed]:
            config.hook.pytest_deselected(items=gone)
            items[:] = [item for item in items if item.nodeid not in self.passed]


class Kept(LeftOut):
    """What earlier runs have passed, by test with its figures; what passes in this one is added."""

    def __init__(self, path, root):
        super().__init__({})
        self.path, self.root = path, root
        self.code = Code(root)
        self._told = {}
        for line in path.read_bytes().splitlines() if path.exists() else ():
            try:
                digest, test, figures = json.loads(line)
            except ValueError:
                continue  # cut off amid its writing
            if digest == self.code.digest(test):
                self.passed[test] = figures

    def pytest_report_header(self):
        """Say what is left out, and how to have it run."""
        if self.passed:
            return f"kept: {len(self.passed)} long tests passed with this code, see {self.path}"
        return None

    @pytest.hookimpl(optionalhook=True)  # of xdist
    def pytest_configure_node(self, node):
        """Tell a worker what to leave out."""
        node.workerinput[VARIABLE] = list(self.passed)

    def pytest_runtest_logreport(self, report):
        """Take down a test once all of it has passed, what it leaves behind too."""
        test = report.nodeid
        if LONG not in dict(report.user_properties):  # a keyword may be the name of a parameter
            return
        if report.when == "call" and report.passed:
            self._told[test] = [told for name, told in report.user_properties if name == GATE]
        if report.when == "teardown" and report.passed and test in self._told:
            digest = self.code.digest(test)
            if Code(self.root).digest(test) == digest:  # else the code was changed meanwhile
                self._add(digest, test, self._told[test])

    def _add(self, *line):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps(line)}\n")

"""G3: the guard of the reading side is proved by switching it off: its tests notice."""

import ast
import re
import subprocess
import sys

from gates.copies import copy_to, environ

GUARDED_BY = ("tests/rules/test_plan.py", "tests/journeys/test_the_guard.py")
AT_LEAST = 8

PYTEST = (*(sys.executable, "-m", "pytest"), "-q", "--tb=no", "-pno:cacheprovider")


def test_with_the_guard_switched_off_its_tests_fail(tmp_path, figures):
    copy_to(
        tmp_path,
        *("tests/lab.py", "tests/warm.py", "tests/journeys/conftest.py"),
        *("tests/journeys/checker.py", *GUARDED_BY),
    )
    switch_off(tmp_path / "craftsync/sync/plan.py", "too_many")
    for module in GUARDED_BY:
        ended = subprocess.run(
            [*PYTEST, f"--maxfail={AT_LEAST}", module],
            cwd=tmp_path,
            env={**environ(tmp_path), "PYTEST_XDIST_WORKER": ""},
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )
        failed = re.findall(r"^FAILED (.+?)(?: - |$)", ended.stdout, re.MULTILINE)
        passed = int(re.search(r"(\d+) passed", ended.stdout)[1])
        name = module.rpartition("/")[2]
        figures("G3", "the guard switched off", each=name, failed=len(failed), passed=passed)
        assert len(failed) == AT_LEAST, ended.stdout
        assert "ERROR" not in ended.stdout
        assert passed > 0


def switch_off(module, name):
    """Let a function of a module answer False, whatever it is asked."""
    lines = module.read_text().splitlines(keepends=True)
    (function,) = (
        node
        for node in ast.parse("".join(lines)).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    first = function.body[0].lineno - 1
    lines[first : function.end_lineno] = ["    return False\n"]
    module.write_text("".join(lines))

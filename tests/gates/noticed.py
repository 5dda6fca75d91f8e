"""Run tests against each mutant of a module, each in a child forked from a warmed parent.

A process of its own, for the module under change must not be imported before: it is given the
folder of a copy of the package, the module and its tests, and prints the mutants left alive.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import hypothesis
import pytest
from gates import mutants

LONGEST_S = 120  # a mutant that never ends is noticed as well
EARLY = "ignore::pytest.PytestAssertRewriteWarning"  # hypothesis is there before pytest looks
hypothesis.settings.register_profile("mutants", max_examples=30, derandomize=True, deadline=None)
OPTIONS = (
    "--hypothesis-profile=mutants",
    "-q",
    "-x",
    "--tb=no",
    "-pno:cacheprovider",
    "-pno:xdist",
    f"-W{EARLY}",
)


def main(folder: str, module: str, *tests: str) -> None:
    """Print as JSON how many mutants there were and which of them no test noticed."""
    os.chdir(folder)
    target = Path(folder, module)
    source = target.read_text(encoding="utf-8")
    if not _passes(tests, quietly=False):
        sys.exit("the tests fail on the module as it is")
    made, alive = 0, []
    for what, mutant in mutants.of(source):
        target.write_text(mutant, encoding="utf-8")
        made += 1
        if _passes(tests):
            alive.append(what)
    print(json.dumps({"made": made, "alive": alive}))  # noqa: T201


def _passes(tests: tuple[str, ...], *, quietly: bool = True) -> bool:
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY) if quietly else 2, 1)
        os.dup2(1, 2)
        os._exit(pytest.main([*OPTIONS, *tests]))
    ends = time.monotonic() + LONGEST_S
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A guard is proved by taking it out: the tests that stand for it fail, each of them."""

import re
import subprocess
import sys

import pytest
from gates import copies
from gates.guards import GUARDS

FAILED = re.compile(r"^FAILED (tests/[\w/]+\.py::\w+)", re.MULTILINE)
ERROR = re.compile(r"^ERROR (\S+?)(?:\[|$| - )", re.MULTILINE)
PYTEST = (*(sys.executable, "-m", "pytest"), "-q", "--tb=no", "-pno:cacheprovider", "-pno:xdist")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package and its tests in a folder where both may be spoilt."""
    folder = tmp_path_factory.mktemp("guards")
    copies.copy_to(folder, "tests", "docs")
    return folder


def outcome(folder, tests):
    """Run tests on the package of a folder; return the words of pytest."""
    ended = subprocess.run(
        [*PYTEST, *tests],
        cwd=folder,  # not ours: it comes first where modules are looked for
        env=copies.environ(folder),
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    # What fails may leave the simulator with an error of its own.
    errors = set(ERROR.findall(ended.stdout)) - set(FAILED.findall(ended.stdout))
    assert not errors, ended.stdout
    return ended.stdout


@pytest.mark.parametrize("name", GUARDS)
def test_the_text_of_a_guard_stands_where_it_is_said_to(name):
    guard = GUARDS[name]
    text = (copies.ROOT / "craftsync" / guard.module).read_text(encoding="utf-8")
    assert text.count(guard.text) == 1, f"{name}: look where it went in {guard.module}"


@pytest.mark.long
def test_with_all_guards_in_their_places_every_test_of_them_passes(copy):
    named = sorted({test for guard in GUARDS.values() for test in guard.tests})
    assert " failed" not in outcome(copy, named)


@pytest.mark.long
@pytest.mark.parametrize("name", GUARDS)
def test_without_a_guard_the_tests_that_stand_for_it_fail(name, copy, figures):
    guard = GUARDS[name]
    module = copy / "craftsync" / guard.module
    source = module.read_text(encoding="utf-8")
    spoilt = source.replace(guard.text, guard.without)
    assert spoilt != source
    try:
        module.write_text(spoilt, encoding="utf-8")
        said = outcome(copy, guard.tests)
    finally:
        module.write_text(source, encoding="utf-8")
    failed = FAILED.findall(said)
    figures("G4", "long: without a guard", each=name, guards=1, tests_failed=len(failed))
    unmoved = [test for test in guard.tests if not any(one.startswith(test) for one in failed)]
    assert unmoved == [], said

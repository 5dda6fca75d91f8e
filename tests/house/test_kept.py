"""A run of the long tests that was stopped goes on where it stood, if the code is the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gates.kept import ROOT, Code

TESTS = Path(__file__).parents[1]
SETTINGS = """
[tool.pytest.ini_options]
markers = ["long: at full size"]
"""
CONFTEST = """
from pathlib import Path
from gates import kept
from gates.conftest import figures
from gates.summary import KEPT, pytest_terminal_summary

def pytest_configure(config):
    if plugin := kept.plugin(config, Path(__file__).parents[1]):
        config.pluginmanager.register(plugin, KEPT)
"""
SUITE = """
import os
import pytest

@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_long(part, figures):
    figures("G0", "long: a part", points=10 + part, codes={0: 1})

@pytest.fixture
def left_behind():
    yield
    assert not os.environ.get("SPOILT")

@pytest.mark.long
def test_spoilt_at_its_end(left_behind, figures):
    figures("G0", "long: a part", points=100, codes={0: 1})

@pytest.mark.parametrize("size", ["long"])
def test_quick(size):
    pass
"""


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/conftest.py").write_text(CONFTEST)
    (tmp_path / "tests/test_it.py").write_text(SUITE)
    return tmp_path


def run(folder, *options, **environ):
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(TESTS),
            "GATES_KEPT": ".gates",
            "GATES_TABLE": "",
            **environ,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ended.stdout.splitlines()[-1].partition(" in ")[0], ended.stdout


@pytest.mark.parametrize(
    "workers", [pytest.param((), marks=pytest.mark.long), ("-n", "2")], ids=["one", "two"]
)
def test_what_passed_is_left_out_and_its_figures_are_shown(suite, workers):
    table = suite / "table.md"
    table.write_text("<!-- gates: -->\n<!-- end of gates -->")
    last, _ = run(suite, *workers, SPOILT="yes")
    assert last == "4 passed, 1 error"
    last, told = run(suite, *workers, GATES_TABLE=str(table))
    assert last.startswith("2 passed")
    assert "3 tests" not in told
    for points in (10, 11, 100):
        assert f"points {points}" in told
    assert "4 tests passed, 0 failed. 2 of them had passed in earlier runs" in table.read_text()
    assert "| G0 | long: a part (3 tests) | points 121, codes {0: 1} |" in table.read_text()


def test_once_the_code_has_changed_all_of_it_runs(suite):
    run(suite)
    assert run(suite)[0].startswith("1 passed")
    with (suite / "tests/test_it.py").open("a") as file:
        file.write("\n")
    assert run(suite)[0] == "4 passed"


MODULES = {
    "tests/test_it.py": "import helper",
    "tests/deep/test_other.py": "",
    "tests/test_of_another.py": "def test():\n    from deep.test_other import it",
    "tests/test_of_copies.py": "from gates import copies",
    "tests/helper.py": "",
    "tests/deep/conftest.py": "",
    "tests/some.lock": "",
    "craftsync/test_command.py": "",
    "migrations/one.py": "",
    "pyproject.toml": "",
    "docs/some.md": "",
}
OF_OTHERS = {"tests/test_of_another.py", "tests/test_of_copies.py"}
SUITES = {"tests/test_it.py", "tests/deep/test_other.py", *OF_OTHERS}


@pytest.mark.parametrize("changed", MODULES)
def test_what_passed_runs_again_once_anything_that_it_depends_on_has_changed(changed, tmp_path):
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    before = Code(tmp_path)
    with (tmp_path / changed).open("a") as file:
        file.write("# more")
    now = Code(tmp_path)
    again = {name for name in SUITES if before.digest(f"{name}::t") != now.digest(f"{name}::t")}
    if changed in SUITES:
        assert again == {changed, *OF_OTHERS}
    else:
        assert again == (set() if changed == "docs/some.md" else SUITES)


def test_what_runs_other_tests_depends_on_all_of_them():
    code = Code(ROOT)
    gates = {path for path in code.hashes if path.startswith("tests/gates/test_")}
    run = {path for path in gates if '"-m", "pytest"' in (ROOT / path).read_text("utf-8")}
    assert len(run) == 2
    assert run | {"tests/gates/test_g4_mutants.py"} <= code.of_others


def test_a_line_that_was_cut_off_is_a_test_that_runs_again(suite):
    run(suite)
    [kept] = (suite / ".gates").iterdir()
    kept.write_bytes(kept.read_bytes()[:-20])
    assert run(suite)[0].startswith("2 passed")
    assert run(suite)[0].startswith("1 passed")


@pytest.mark.long
def test_without_a_folder_nothing_is_kept(suite):
    assert run(suite, GATES_KEPT="")[0] == "4 passed"
    assert run(suite, GATES_KEPT="")[0] == "4 passed"
    assert sorted(path.name for path in suite.glob(".g*")) == []

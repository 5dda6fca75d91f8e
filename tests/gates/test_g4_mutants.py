"""The two pure modules that guard every delete: all branches, and nine of ten mutants noticed."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from gates import mutants
from gates.processes import ROOT

GUARDS = {"policy": "tests/rules/test_policy.py", "proof": "tests/rules/test_proof.py"}
LEAST = 0.9
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-pno:cacheprovider")


@pytest.mark.long
@pytest.mark.parametrize("module", GUARDS)
def test_nine_of_ten_mutants_are_noticed(module, tmp_path, figures):
    for name in ("craftsync", "migrations", "queries"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests/rules").mkdir(parents=True)
    shutil.copy(ROOT / GUARDS[module], tmp_path / GUARDS[module])
    target = tmp_path / "craftsync/purge" / f"{module}.py"
    source = target.read_text()
    assert passes(tmp_path, GUARDS[module])
    made, alive = 0, []
    for what, mutant in mutants.of(source):
        target.write_text(mutant)
        made += 1
        if passes(tmp_path, GUARDS[module]):
            alive.append(what)
    figures("G4", f"long: mutants of purge/{module}.py", made=made, alive=len(alive))
    assert made > 50
    assert len(alive) <= made * (1 - LEAST), "\n".join(alive)


def passes(folder, tests):
    ended = subprocess.run(
        [*PYTEST, tests],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ended.returncode == 0 and re.search(r"\d+ passed", ended.stdout) is not None

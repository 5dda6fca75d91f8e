"""The drawing of the house is a test: arrows, sizes, no room that nobody placed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "craftsync").rglob("*.py"))


def test_every_import_contract_is_kept():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_enough_to_be_read(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400


def test_nothing_is_called_utils():
    assert [module for module in MODULES if module.stem in {"utils", "helpers", "common"}] == []

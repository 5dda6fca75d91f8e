"""The four pure modules that guard everything: nine of ten mutants are noticed by their rules."""

import json
import subprocess
import sys

import pytest
from gates import copies

GUARDS = {
    "sync/plan": "tests/rules/test_plan.py",
    "purge/policy": "tests/rules/test_policy.py",
    "purge/proof": "tests/rules/test_proof.py",
    "upstream/redact": "tests/rules/test_redact.py",
}
NEEDED = ("tests/rules/wire.py", "tests/gates")
LEAST = 0.9


@pytest.mark.long
@pytest.mark.parametrize("module", GUARDS)
def test_nine_of_ten_mutants_are_noticed(module, tmp_path, figures):
    copies.copy_to(tmp_path, GUARDS[module], *NEEDED)
    ended = subprocess.run(
        [sys.executable, "-m", "gates.noticed", tmp_path, f"craftsync/{module}.py", GUARDS[module]],
        cwd=tmp_path,  # not ours: it comes first where modules are looked for
        env=copies.environ(tmp_path),
        check=False,
        capture_output=True,
        text=True,
        timeout=3000,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    made, alive = told["made"], told["alive"]
    figures("G4", f"long: mutants of {module}.py", made=made, alive=len(alive))
    assert made > 50
    assert len(alive) <= made * (1 - LEAST), "\n".join(alive)
    sys.stdout.write("\n".join(["alive:", *alive]))

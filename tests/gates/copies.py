"""A copy of the package and of some tests in a folder of its own, where it may be spoilt."""

import os
import shutil

from gates.processes import ROOT

_BYTECODE = shutil.ignore_patterns("__pycache__")


def copy_to(folder, *tests):
    """Copy the package, and of the tests only the named files or folders."""
    for name in ("craftsync", "migrations", "queries"):
        shutil.copytree(ROOT / name, folder / name, ignore=_BYTECODE)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in tests:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=_BYTECODE)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def environ(folder):
    """Return an environment in which the copy is the package."""
    paths = os.pathsep.join(map(str, (folder, folder / "tests")))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}

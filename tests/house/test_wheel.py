"""The wheel is whole: built, installed elsewhere, it makes a first sync from there."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, cwd, **environ):
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the wheel into an environment of its own, which borrows the dependencies of ours."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    done = run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--disable-pip-version-check", "--target", site, wheel, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    import sqlalchemy

    ours = Path(sqlalchemy.__file__).parents[1]
    (site / "borrowed.pth").write_text(f"{ours}\n")
    return python


def test_a_wheel_installed_elsewhere_mirrors_the_simulator(installed, tmp_path):
    where = run(installed, "-c", "import craftsync; print(craftsync.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where.stdout
    demo = run(installed, "-m", "craftsync", "demo", "--keep", tmp_path / "kept", cwd=tmp_path)
    assert demo.returncode == 0, demo.stderr
    (store,) = (tmp_path / "kept").glob("*.db")
    status = run(
        installed, "-m", "craftsync", "status", "--json",
        cwd=tmp_path, CRAFTSYNC_STORE=str(store),
    )  # fmt: skip
    assert status.returncode == 0, status.stderr

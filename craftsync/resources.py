"""Where the folders that are no Python package lie, in a checkout and in a wheel.

`migrations/` and `queries/` stand at the top of a checkout; a wheel carries them inside the
package, under a leading underscore. Nobody else knows.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def migrations_dir() -> Path:
    """Return the folder with Alembic's `env.py` and `versions/`."""
    return _folder("migrations")


def queries_dir() -> Path:
    """Return the folder with one named question a file."""
    return _folder("queries")


def _folder(name: str) -> Path:
    carried = _PACKAGE / f"_{name}"
    return carried if carried.is_dir() else _PACKAGE.parent / name

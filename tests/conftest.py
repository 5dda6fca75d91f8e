"""What all tests share: empty stores on both engines, their order, and the gates' figures."""

import pytest
from gates import kept
from gates.summary import KEPT, pytest_terminal_summary
from lab import an_empty_store
from postgres.databases import database, empty_store, postgres

__all__ = ["database", "empty_store", "postgres", "pytest_terminal_summary"]


def pytest_configure(config):
    """Go on where the last run of the long tests stood, if that is asked for."""
    if plugin := kept.plugin(config):
        config.pluginmanager.register(plugin, KEPT)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An empty store in a file, at the newest revision: copies of it share one identity."""
    path = tmp_path_factory.mktemp("template") / "history.db"
    path.write_bytes(an_empty_store())
    return path


_LAST = "test_g5_model.py::test_in_many"


def pytest_collection_modifyitems(items):
    """Leave what takes longest to the end: whoever stops a run has seen all else."""
    items.sort(key=lambda item: _LAST in item.nodeid)

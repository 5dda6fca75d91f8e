"""What all tests share: empty stores on both engines, their order, and the gates' figures."""

import compiled
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


@pytest.fixture(scope="session", autouse=True)
def compiled_once():
    """Let all stores in files share what was compiled for one: a sixth less to compute."""
    with compiled.once("sqlite"):
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An empty store in a file, at the newest revision: copies of it share one identity."""
    path = tmp_path_factory.mktemp("template") / "history.db"
    path.write_bytes(an_empty_store())
    return path


# What takes longest comes first, so that no worker is left with it while the others have nothing
# to do; but gates of hours come last: whoever stops a run has seen all else.
_FIRST = (
    "test_g5_model.py::test_in_whatever_order",
    "test_g1_kill.py::test_killed_at_any_operation",
    "test_g3_guard.py::test_with_the_guard_switched_off",
)
_LAST = "test_g5_model.py::test_in_many"


def pytest_collection_modifyitems(items):
    """Put the tests in an order in which they end soonest."""
    items.sort(key=_order)


def _order(item):
    return (_LAST in item.nodeid, not any(name in item.nodeid for name in _FIRST))

"""What all tests share: empty stores on both engines, their order, and the gates' figures."""

import os

import pytest
from gates.summary import pytest_terminal_summary
from lab import an_empty_store
from postgres.databases import database, empty_store, postgres

__all__ = ["database", "empty_store", "postgres", "pytest_terminal_summary"]


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An empty store in a file, at the newest revision: copies of it share one identity."""
    path = tmp_path_factory.mktemp("template") / "history.db"
    path.write_bytes(an_empty_store())
    return path


_LONG = ("tests/gates/", "tests/house/test_examples.py", "tests/query/test_replica.py")
_LONGEST = "test_g5_model.py::test_in_many"


@pytest.hookimpl(trylast=True)  # when those that are not asked for are gone
def pytest_collection_modifyitems(items):
    """Let each worker begin with its share of what takes long; what takes longest comes last.

    Workers are given equal parts of the list. One that had all gates would be the last to end, and
    whoever stops a run of the longest has seen all else.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    last = [item for item in items if _LONGEST in item.nodeid]
    long = [item for item in items if item.nodeid.startswith(_LONG) and item not in last]
    short = [item for item in items if not item.nodeid.startswith(_LONG)]
    files = list({item.path: None for item in long})
    left = len(items)
    items.clear()
    for worker in range(workers):
        mine = set(files[worker::workers])
        hand = [item for item in long if item.path in mine]
        share = max(left // (workers - worker) - len(hand), 0)
        items += hand + short[:share]
        del short[:share]
        left -= len(hand) + share
    items += short + last

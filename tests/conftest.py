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


def pytest_collection_modifyitems(items):
    """Let each worker begin with its share of what takes long; what takes longest comes last.

    Workers are given equal parts of the list. One that had all gates would be the last to end, and
    whoever stops a run of the longest has seen all else.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    last = [item for item in items if _LONGEST in item.nodeid]
    rest = [item for item in items if _LONGEST not in item.nodeid]
    long = [item for item in rest if item.nodeid.startswith(_LONG)]
    files = list({item.path: None for item in long})
    short = [item for item in rest if not item.nodeid.startswith(_LONG)]
    size = -(-len(short) // workers)
    items[:] = last
    for worker in reversed(range(workers)):
        mine = set(files[worker::workers])
        part = short[worker * size : (worker + 1) * size]
        items[:0] = [item for item in long if item.path in mine] + part

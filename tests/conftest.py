"""What all tests share: a database server, their order, and the table of the gates' figures."""

from gates.summary import pytest_terminal_summary
from postgres.databases import database, empty_store, postgres

__all__ = ["database", "empty_store", "postgres", "pytest_terminal_summary"]

_LAST = "test_g5_model.py::test_in_many"


def pytest_collection_modifyitems(items):
    """Leave what takes longest to the end: whoever stops a run has seen all else."""
    items.sort(key=lambda item: _LAST in item.nodeid)

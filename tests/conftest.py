"""What all tests share: a database server, and the table of the gates' figures at the end."""

from gates.summary import pytest_terminal_summary
from postgres.databases import database, empty_store, postgres

__all__ = ["database", "empty_store", "postgres", "pytest_terminal_summary"]

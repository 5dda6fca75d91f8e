"""What all tests share: the table of the gates' figures at the end of a run."""

from gates.summary import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]

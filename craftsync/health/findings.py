"""What an examination finds: a value with a state, and the words to type against it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum, auto


class State(StrEnum):
    """What a finding means for the next sync."""

    OK = auto()
    WARNING = auto()  # it works, but not for long, or not as it is meant to
    PROBLEM = auto()  # it fails, or has failed


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `fix` is what to type, None where all is well."""

    check: str
    state: State
    finding: str
    fix: str | None


def ok(check: str, finding: str) -> Finding:
    """Find that all is well."""
    return Finding(check, State.OK, finding, None)


def warning(check: str, finding: str, fix: str) -> Finding:
    """Find what should be mended."""
    return Finding(check, State.WARNING, finding, fix)


def problem(check: str, finding: str, fix: str) -> Finding:
    """Find what must be mended."""
    return Finding(check, State.PROBLEM, finding, fix)


def or_ok(findings: Iterable[Finding], check: str, finding: str) -> Iterator[Finding]:
    """Give the findings, or that all is well where there are none."""
    empty = True
    for one in findings:
        empty = False
        yield one
    if empty:
        yield ok(check, finding)

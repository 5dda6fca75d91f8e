"""The figures of the gates, as a table at the end of a run of the tests.

A gate tells its figures as properties of its test, so they also come from the workers of xdist.
Where the variable GATES_TABLE names a document, the table is written there too, between its marks,
with one row for all that is about the same.
"""

import os
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

GATE = "gate"
KEPT = "gates kept"  # what passed before, where a run goes on
BLOCK = re.compile(r"(?s)(<!-- gates: [^>]*-->\n).*(<!-- end of gates -->)")


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Show what each gate measured, failed ones too, and those that earlier runs have passed."""
    told = [row for reports in terminalreporter.stats.values() for row in _rows(reports)]
    kept = config.pluginmanager.get_plugin(KEPT)
    if kept is not None:
        told += [row for figures in kept.passed.values() for row in figures]
    if not told:
        return
    terminalreporter.section("gates")
    rows = sorted(
        (gate, what if each is None else f"{what}, {each}", _in_words(figures))
        for gate, what, each, figures in told
    )
    width = max(len(what) for _, what, _ in rows)
    for gate, what, figures in rows:
        terminalreporter.write_line(f"{gate}  {what:<{width}}  {figures}")
    if document := os.environ.get("GATES_TABLE"):
        count = {name: len(each) for name, each in terminalreporter.stats.items()}
        write(
            Path(document),
            folded(told),
            passed=count.get("passed", 0),
            before=0 if kept is None else len(kept.passed),
            failed=count.get("failed", 0) + count.get("error", 0),
            stopped=exitstatus == pytest.ExitCode.INTERRUPTED,
        )


def folded(told):
    """Make one row of all that is about the same: what was counted is added up.

    Of what is called the most, or has grown, the largest stands; seeds are counted; other words
    stand where all have the same.
    """
    alike = defaultdict(list)
    for gate, what, _, figures in told:
        alike[gate, what].append(figures)
    return [
        (gate, what if len(them) == 1 else f"{what} ({len(them)} tests)", _in_words(_merged(them)))
        for (gate, what), them in sorted(alike.items())
    ]


def _merged(them):
    words = dict.fromkeys(word for figures in them for word in figures)
    merged = {
        word: _together(word, [figures[word] for figures in them if word in figures])
        for word in words
    }
    return {word: value for word, value in merged.items() if value is not None}


def _together(word, values):
    if len(values) == 1:
        return values[0]
    if word == "seed":
        return f"{len(set(values))} different"
    if word.startswith(("most", "grown")):
        return max(values, key=lambda value: int(re.match(r"\d+", str(value))[0]))
    if all(isinstance(value, int) for value in values):
        return sum(values)
    return values[0] if len(set(values)) == 1 else None


def _in_words(figures):
    return ", ".join(f"{word} {_grouped(value)}" for word, value in figures.items())


def _grouped(value):
    return f"{value:,}" if isinstance(value, int) else value


def write(document, rows, *, passed, failed, before=0, stopped=False):
    """Put the table between the marks of a document, which has them or is not touched."""
    text = document.read_text(encoding="utf-8")
    told = f"On {datetime.now(UTC):%Y-%m-%d}: {before + passed:,} tests passed, {failed:,} failed."
    if before:
        told += f" {before:,} of them had passed in earlier runs, with the same code of theirs."
    if stopped:
        told += " The run was stopped before its end."
    lines = [told, "", "| gate | what | figures |", "|---|---|---|"]
    lines += [f"| {' | '.join(each.replace('|', '/') for each in row)} |" for row in rows]
    table = "\n".join(["", *lines, "", ""])
    written, found = BLOCK.subn(lambda marks: marks[1] + table + marks[2], text)
    if found != 1:
        raise ValueError(f"{document} has no one place for the figures of the gates")
    document.write_text(written, encoding="utf-8")


def _rows(reports):
    for report in reports:
        if getattr(report, "when", "") == "call":  # the one at the end has them once more
            yield from (told for name, told in report.user_properties if name == GATE)

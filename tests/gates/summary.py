"""The figures of the gates, as a table at the end of a run of the tests.

A gate tells its figures as properties of its test, so they also come from the workers of xdist.
Where the variable GATES_TABLE names a document, the table is written there too, between its marks.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

GATE = "gate"
BLOCK = re.compile(r"(?s)(<!-- gates: [^>]*-->\n).*(<!-- end of gates -->)")


def pytest_terminal_summary(terminalreporter):
    """Show what each gate measured, failed ones too."""
    told = Counter(row for reports in terminalreporter.stats.values() for row in _rows(reports))
    rows = [
        (gate, what, figures if times == 1 else f"{figures} ({times} times)")
        for (gate, what, figures), times in sorted(told.items())
    ]
    if not rows:
        return
    terminalreporter.section("gates")
    width = max(len(what) for _, what, _ in rows)
    for gate, what, figures in rows:
        terminalreporter.write_line(f"{gate}  {what:<{width}}  {figures}")
    if document := os.environ.get("GATES_TABLE"):
        count = {name: len(each) for name, each in terminalreporter.stats.items()}
        write(Path(document), rows, passed=count.get("passed", 0), failed=count.get("failed", 0))


def write(document, rows, *, passed, failed):
    """Put the table between the marks of a document, which has them or is not touched."""
    text = document.read_text(encoding="utf-8")
    told = f"On {datetime.now(UTC):%Y-%m-%d}: {passed:,} tests passed, {failed:,} failed."
    lines = [told, "", "| gate | what | figures |", "|---|---|---|"]
    lines += [f"| {' | '.join(each.replace('|', '/') for each in row)} |" for row in rows]
    table = "\n".join(["", *lines, "", ""])
    written, found = BLOCK.subn(lambda marks: marks[1] + table + marks[2], text)
    if found != 1:
        raise ValueError(f"{document} has no one place for the figures of the gates")
    document.write_text(written, encoding="utf-8")


def _rows(reports) -> Iterator[tuple[str, str, str]]:
    for report in reports:
        if getattr(report, "when", "") == "call":  # the one at the end has them once more
            yield from (tuple(told) for name, told in report.user_properties if name == GATE)

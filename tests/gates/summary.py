"""The figures of the gates, as a table at the end of a run of the tests.

A gate tells its figures as properties of its test, so they also come from the workers of xdist.
"""

from collections.abc import Iterator

GATE = "gate"


def pytest_terminal_summary(terminalreporter):
    """Show what each gate measured, failed ones too."""
    rows = sorted({row for reports in terminalreporter.stats.values() for row in _rows(reports)})
    if not rows:
        return
    terminalreporter.section("gates")
    width = max(len(what) for _, what, _ in rows)
    for gate, what, figures in rows:
        terminalreporter.write_line(f"{gate}  {what:<{width}}  {figures}")


def _rows(reports) -> Iterator[tuple[str, str, str]]:
    for report in reports:
        for name, told in getattr(report, "user_properties", ()):
            if name == GATE:
                yield tuple(told)

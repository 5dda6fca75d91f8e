"""A report as one page for a browser: nothing is fetched, nothing runs, whatever upstream wrote.

All text is escaped where it goes into the page, after `clean` has shown what would hide or turn it.
There is no script; styles are allowed by their hash alone, and no request at all.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from craftsync import __version__
from craftsync.report import charts, findings_told, words
from craftsync.report.figures import change
from craftsync.report.model import Report

_TEMPLATES = Path(__file__).with_name("templates")
GROUPS, STRIPS, MULTIPLES, ROWS = 60, 40, 24, 25


def page(report: Report, *, tz: tzinfo | None, clean: Callable[[str], str]) -> str:
    """Return a report as a whole page; `clean` makes a text from elsewhere visible and harmless."""
    css = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    hashed = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (
        _environment(clean)
        .get_template("report.html")
        .render(
            report=report,
            css=Markup(css),
            policy=(
                f"default-src 'none'; style-src 'sha256-{hashed}'; img-src data:;"
                " base-uri 'none'; form-action 'none'"
            ),
            version=__version__,
            moment=partial(words.moment, tz=tz),
            zone=words.zone(report.until, tz),
            in_short=words.in_short(report),
            tiles=[] if report.is_empty else _tiles(report),
            findings=[
                one for one in findings_told.all_of(report, ROWS, tz) if one.title not in _DRAWN
            ],
            mirror=findings_told.mirror(report, tz),
            most={"groups": GROUPS, "strips": STRIPS, "multiples": MULTIPLES, "rows": ROWS},
        )
    )


_DRAWN = ("Failures", "Drift of outputs")
"""Sections that the page has in a form of its own."""


def _environment(clean: Callable[[str], str]) -> Environment:
    def shown(thing: Any) -> Any:
        if thing is None:
            return ""
        return clean(thing) if isinstance(thing, str) and not isinstance(thing, Markup) else thing

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(charts=charts, words=words)
    return made


def _tiles(report: Report) -> list[dict[str, Any]]:
    total, now = report.total, report.total.now
    sure = f"95 % sure: {words.share(now.ci_low)} to {words.share(now.ci_high)}"
    return [
        {
            "name": "Runs",
            "figure": words.count(now.runs),
            "change": words.change(total.runs_change),
            "trend": "same",
            "note": f"{now.unended:,} not ended" if now.unended else "",
        },
        {
            "name": "Failure rate",
            "figure": words.share(now.failure_rate),
            "change": words.points(total.failure_rate_delta),
            "trend": str(total.failing),
            "note": f"of only {words.things(now.ended, 'run')}" if now.is_few else sure,
        },
        {
            "name": "Platform errors",
            "figure": words.count(now.error),
            "change": words.change(change(total.before.error, now.error)),
            "trend": "same",
            "note": f"{words.share(now.error_rate)} of runs" if now.error else "",
        },
        {
            "name": "Run time, p95",
            "figure": words.seconds(now.run_p95_s),
            "change": words.change(total.run_p95_change),
            "trend": str(total.running),
            "note": f"half take less than {words.seconds(now.run_p50_s)}" if now.timed else "",
        },
        {
            "name": "Waiting time, p95",
            "figure": words.seconds(now.queue_p95_s),
            "change": words.change(total.queue_p95_change),
            "trend": str(total.waiting),
            "note": f"half wait less than {words.seconds(now.queue_p50_s)}" if now.waited else "",
        },
        {
            "name": "Stuck or missed",
            "figure": words.count(len(report.stuck) + int(report.figures["missed"] or 0)),
            "change": words.NONE,
            "trend": "same",
            "note": f"{len(report.stuck):,} stuck, {report.figures['missed']:,} missed",
        },
    ]

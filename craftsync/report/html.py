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
from craftsync.report import charts, findings_told, tiles, words
from craftsync.report.model import Report

_TEMPLATES = Path(__file__).with_name("templates")
GROUPS, STRIPS, MULTIPLES, ROWS = 25, 25, 24, 25


def page(report: Report, *, tz: tzinfo | None, clean: Callable[[str], str]) -> str:
    """Return a report as a whole page; `clean` makes a text from elsewhere visible and harmless."""
    css = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    template = _environment(clean).get_template("report.html")
    found = findings_told.all_of(report, ROWS, tz)
    return template.render(
        report=report,
        css=Markup(css),
        policy=_policy(css),
        version=__version__,
        moment=partial(words.moment, tz=tz),
        zone=words.zone(report.until, tz),
        in_short=words.in_short(report),
        tiles=() if report.is_empty else tiles.of(report),
        findings=[one for one in found if one.title not in _DRAWN],
        mirror=findings_told.mirror(report, tz),
        most={"groups": GROUPS, "strips": STRIPS, "multiples": MULTIPLES, "rows": ROWS},
    )


def _policy(css: str) -> str:
    """Allow our own styles, by their hash, and nothing that is anywhere else."""
    hashed = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{hashed}'; img-src data:; base-uri 'none';"
        " form-action 'none'"
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
        keep_trailing_newline=True,
    )
    made.globals.update(charts=charts, words=words)
    return made

"""`craftsync report`: what ran in a period, how it went, and what needs somebody."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from pathlib import Path

import click

from craftsync.app import App
from craftsync.cli import asking, formats, options, readers, report_text, say, sinks
from craftsync.cli.report_object import as_object
from craftsync.cli.safe_text import safe
from craftsync.errors import Crossed
from craftsync.query import grammar
from craftsync.report import telling
from craftsync.report.model import FIGURES, Report

_STDOUT = Path("-")
FORMATS = ("table", "markdown", "json")
_NAMES = dict.fromkeys(FIGURES, grammar.FIGURE)


@click.command()
@options.app
@click.option(
    "--since",
    metavar="TIME",
    callback=readers.read_time,
    help="From this time on: 7d, 24h, a date or an instant, in UTC. Default: a week before.",
)
@click.option(
    "--until",
    metavar="TIME",
    default="now",  # the same now that --since counts back from
    callback=readers.read_time,
    help="Before this time. Default: now.",
)
@options.environment
@options.pipeline
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a page for a browser here, with nothing in it from elsewhere. Default: none.",
)
@click.option(
    "--fail-if",
    multiple=True,
    metavar="CONDITION",
    help='End with 5 where this holds, as "failure_rate > 0.1"; repeat for more. Default: never.',
)
@click.option(
    "--format",
    "chosen",
    type=click.Choice(FORMATS),
    help="How the report is written. Default: table, none with --html.",
)
@options.as_json
@options.output
@options.zone
@asking.no_refresh
def report(
    app: App,
    *,
    since: datetime | None,
    until: datetime | None,
    environment: str | None,
    pipeline: str | None,
    html: Path | None,
    fail_if: Sequence[str],
    chosen: str | None,
    as_json: bool,
    output: Path | None,
    tz: tzinfo | None,
    no_refresh: bool,
) -> None:
    """Report on a period, beside the one before it.

    Example: craftsync report --since 7d --html report.html --fail-if "failure_rate > 0.1"

    How many ran and failed, how long they took and waited, by deployment; causes, commits that
    made it worse, runs that hang or did not come, outputs that moved, settings that changed; and
    how whole the mirror is.

    A condition compares the headline figures: runs, failed, error, failure_rate, error_rate,
    run_p50_s, run_p95_s, queue_p95_s, failure_rate_delta, run_p95_change, stuck, missed,
    new_errors, regressions, drifted, age_s, parts_held and the other names of "headline" in
    --json. A figure that is unknown fits nothing.

    Ends with 0, also when nothing ran, 2 for an unknown environment or pipeline, a condition that
    cannot be read or a file that cannot be written, 4 for what takes more memory than it may, 5
    when the condition holds, 8 when there is no store or it cannot be read.
    """
    written = formats.asked_for(chosen, as_json=as_json)
    conditions = [(words, grammar.parse(words, _NAMES)) for words in fail_if]
    for file in (html, output):
        if file is not None and file != _STDOUT:
            sinks.check(file)
    found = app.report(
        since=since,
        until=until,
        environment=environment,
        pipeline_name=pipeline,
        refresh=not no_refresh,
    )
    asking.tell_if_stale(found)
    if html is not None:
        _write_page(app, found, html, tz)
    if html is None or written is not None or output is not None:
        _write(found, written or "table", output, tz)
    if met := [words for words, one in conditions if grammar.evaluate(one, found.figures)]:
        said = "; ".join(met)
        raise Crossed(f"The report meets --fail-if: {said}", hint=_hint(found, said))


def _write(found: Report, chosen: str, output: Path | None, tz: tzinfo | None) -> None:
    if chosen == "json":
        formats.one(as_object(found), format="json", output=output, tz=tz)
        return
    sections = telling.of(found, tz=tz)
    if chosen == "markdown":
        lines = report_text.markdown(sections)
    else:
        lines = report_text.terminal(sections, to_file=output is not None)
    _print(lines, output)


def _print(lines: Iterable[str], output: Path | None) -> None:
    with sinks.text(output) as write:
        write("".join(f"{line}\n" for line in lines))


def _write_page(app: App, found: Report, file: Path, tz: tzinfo | None) -> None:
    page = app.report_page(found, tz=tz, clean=safe)
    with sinks.text(None if file == _STDOUT else file) as write:
        write(page)
    if file != _STDOUT:
        say.note(f"The page is in {file}.")


def _hint(found: Report, condition: str) -> str:
    """Name the figures that the condition speaks of."""
    named = [name for name in FIGURES if name in re.findall(r"\w+", condition)]
    said = (f"{name} is {found.figures[name]}" for name in named)
    return "; ".join(said)

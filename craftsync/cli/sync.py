"""`craftsync sync`: the mirror brought up to date."""

from pathlib import Path
from typing import Any

import click

from craftsync.app import App
from craftsync.cli import counts, options, readers, rehearsal, say, sinks, streams, summary
from craftsync.cli.formats import How
from craftsync.errors import Busy, Refused, StoreUnusable, Usage


@click.command()
@options.app
@options.environments
@options.all_environments
@click.option("--parallel", is_flag=True, help="Environments side by side. Default: in turn.")
@options.pipelines
@click.option("--full", is_flag=True, help="Fetch everything again. Default: what may differ.")
@options.duration("--lookback", help="Fetch again what ended so lately. Default: nothing settled.")
@options.settle
@click.option(
    "--dry-run", is_flag=True, help="Make the listings, print what would be done, write nothing."
)
@options.workers
@click.option(
    "--max-requests",
    type=counts.Within(min=1),
    metavar="N",
    help="Stop after so many requests, with 3. Default: as many as it takes.",
)
@options.duration("--max-duration", help="Stop after so long, with 3. Default: no limit.")
@click.option("--no-logs", is_flag=True, help="Leave logs for a later run.")
@click.option("--no-files", is_flag=True, help="Leave the bytes of file values for a later run.")
@options.max_file_bytes
@click.option(
    "--accept-vanished",
    type=counts.Within(min=0),
    default=0,
    metavar="N",
    help="Believe up to N unexplained absences in a scope. Default: none beyond the guard.",
)
@click.option(
    "--accept-environment",
    metavar="ID",
    help="Go on although upstream has become this environment. Default: refuse.",
)
@click.option("--skip-if-busy", is_flag=True, help="End with 0 when another craftsync is at work.")
@click.option(
    "--metrics-file",
    type=readers.FILE,
    metavar="FILE",
    help="Write figures for Prometheus' node exporter here. Default: none.",
)
@options.printing
@click.pass_context
def sync(
    ctx: click.Context,
    /,
    app: App,
    *,
    environments: tuple[str, ...],
    all_environments: bool,
    parallel: bool,
    dry_run: bool,
    no_logs: bool,
    no_files: bool,
    skip_if_busy: bool,
    metrics_file: Path | None,
    how: How,
    **asked: Any,
) -> None:
    """Bring the store up to date with the platform.

    Example: craftsync sync --env prod

    It is told as a table, or as --json; every other --format, and a table in a file, is for the
    rows of --dry-run.

    Ends with 0 when complete, 3 when something waits for the next run (it is named), 4 when
    absences are not believed, 6 for settings and credentials, 7 when the platform cannot be
    reached, 8 when the store cannot be used, 75 when another craftsync is at work.
    """
    is_told = how["format"] == "json" or (how["format"] == "table" and how["output"] is None)
    if not is_told and not dry_run:
        raise click.UsageError("A sync is told in a table, or as --json; rows: --dry-run.")
    if metrics_file is not None:
        sinks.check(metrics_file)
    chosen = app.settings.environments_to_use(environments, all_environments)
    wanted = app.sync_options(logs=not no_logs, files=not no_files, **asked)
    if dry_run:
        found = app.rehearse(chosen, wanted)
        ctx.exit(rehearsal.show(found, how, environments=len(chosen)))
    try:
        report = app.sync(chosen, wanted, listener=summary.progress(), parallel=parallel)
    except Busy as busy:
        if not skip_if_busy:
            raise
        say.note(f"{busy} Nothing was done.")
        if how["format"] == "json":
            summary.show_json(None, (), 0, how)
        ctx.exit(0)
    for outcome in report.outcomes:
        summary.tell(outcome, named=len(chosen) > 1, of_several=len(app.settings.environments) > 1)
    if report.outcomes and all(outcome.is_mistaken for outcome in report.outcomes):
        ctx.exit(report.exit_code)
    if metrics_file is not None:
        try:
            sinks.check(metrics_file)  # the store may have come there meanwhile
            app.write_metrics(metrics_file, report)
        except Usage as flaw:  # the sync's own code says more
            say.failure(flaw)
    if report.wrote:
        _bring_up_the_replica(app)
    with streams.after_work():
        if how["format"] == "json":
            summary.show_json(report.run_id, report.outcomes, report.exit_code, how)
        elif not say.manner.quiet:
            summary.show(report.outcomes, whole=streams.is_terminal())
    ctx.exit(report.exit_code)


def _bring_up_the_replica(app: App) -> None:
    """Let questions find what came in; what they would refuse is no failure of the mirror."""
    try:
        app.refresh_replica()
    except StoreUnusable as flaw:
        say.warning(str(flaw), hint=flaw.hint)
    except Refused as flaw:
        say.warning(
            "The replica was not brought up: it needs more memory than it may have.",
            hint=flaw.hint,
        )

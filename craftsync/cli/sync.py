"""`craftsync sync`: the mirror brought up to date."""

from datetime import timedelta

import click

from craftsync.app import App
from craftsync.cli import options, say, streams, summary
from craftsync.cli.formats import How
from craftsync.errors import Busy


@click.command()
@options.app
@options.environments
@options.all_environments
@options.pipelines
@click.option("--full", is_flag=True, help="Fetch everything again. Default: what may differ.")
@options.duration("--lookback", help="Fetch again what ended so lately. Default: nothing settled.")
@options.settle
@options.workers
@click.option("--no-logs", is_flag=True, help="Leave logs for a later run.")
@click.option("--no-files", is_flag=True, help="Leave the bytes of file values for a later run.")
@options.max_file_bytes
@click.option(
    "--accept-vanished",
    type=click.IntRange(min=0),
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
@options.printing
@click.pass_context
def sync(
    ctx: click.Context,
    app: App,
    *,
    environments: tuple[str, ...],
    all_environments: bool,
    pipelines: tuple[str, ...],
    full: bool,
    lookback: timedelta | None,
    no_logs: bool,
    no_files: bool,
    accept_vanished: int,
    accept_environment: str | None,
    skip_if_busy: bool,
    how: How,
) -> None:
    """Bring the store up to date with the platform.

    Example: craftsync sync --env prod

    Ends with 0 when complete, 3 when something waits for the next run (it is named), 4 when
    absences are not believed, 6 for settings and credentials, 7 when the platform cannot be
    reached, 8 when the store cannot be used, 75 when another craftsync is at work.
    """
    try:
        report = app.sync(
            app.settings.environments_to_use(environments, all_environments),
            app.sync_options(
                pipelines=pipelines,
                full=full,
                lookback=lookback,
                logs=not no_logs,
                files=not no_files,
                accept_vanished=accept_vanished,
                accept_environment=accept_environment,
            ),
            listener=summary.progress(),
        )
    except Busy as busy:
        if not skip_if_busy:
            raise
        say.note(f"{busy} Nothing was done.")
        ctx.exit(0)
    for outcome in report.outcomes:
        summary.tell(outcome)
    with streams.after_work():
        if how["format"] == "json":
            summary.show_json(report.run_id, report.outcomes, report.exit_code, how)
        elif not say.manner.quiet:
            summary.show(report.outcomes, whole=streams.is_terminal())
    ctx.exit(report.exit_code)

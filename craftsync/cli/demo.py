"""`craftsync demo`: the main job on a make-believe platform, with no account and no network."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from craftsync import settings
from craftsync.app import App, utc_now
from craftsync.cli import freshness, options, readers, report_text, streams, summary
from craftsync.errors import Usage
from craftsync.report import telling
from craftsync.simulator import Server, World

AGES_BY = timedelta(hours=3)


@click.command()
@options.common
@click.option(
    "--keep",
    type=readers.FOLDER,
    metavar="DIR",
    help="Leave the store in this folder. Default: a temporary one, removed at the end.",
)
@click.pass_context
def demo(ctx: click.Context, keep: Path | None) -> None:
    """Try it all on a make-believe platform.

    Example: craftsync demo --keep ./craftsync-demo

    Serves the simulator on loopback, mirrors it into a fresh store, lets it age by three hours,
    and mirrors it again: then only what may have changed is fetched; and reports on it. Ends with
    0.
    """
    # It ages up to now: what one keeps of it is no store out of the future.
    world = World(seed=1, executions=200, now=utc_now().replace(microsecond=0) - AGES_BY)
    with _folder(keep) as folder, Server(world) as server:
        environ = {
            "CRAFT_AI_SDK_TOKEN": world.sdk_token,
            "CRAFT_AI_ENVIRONMENT_URL": server.url,
            "CRAFT_AI_CONTROL_URL": server.url,
            "CRAFTSYNC_STORE": str(folder / "history.db"),
            "HOME": str(folder),
        }
        mine = settings.load(environ=environ, cwd=folder)
        app = App(mine, environ, now=lambda: world.now)
        code = 0
        streams.out("A first sync: everything is new.\n\n")
        code |= _sync(app)
        world.advance(AGES_BY)
        streams.out("\nThree hours later: only what may have changed is fetched.\n\n")
        code |= _sync(app)
        streams.out("\n")
        freshness.show(app.status(), now=app.now())
        streams.out("\nAnd what there is to report (craftsync report):\n\n")
        _report(app)
        if keep is not None:
            streams.out(f"\nLook around: craftsync runs --store {folder / 'history.db'}\n")
    ctx.exit(code)


def _report(app: App) -> None:
    found = telling.of(app.report(), shown=telling.Length(groups=5, others=3))
    streams.out("".join(f"{line}\n" for line in report_text.terminal(found)))


def _sync(app: App) -> int:
    report = app.sync(
        app.settings.environments_to_use(), app.sync_options(), listener=summary.progress()
    )
    for outcome in report.outcomes:
        summary.tell(outcome)
    summary.show(report.outcomes, whole=True)
    return report.exit_code


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Give a private folder, which stays if it is to be kept."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="craftsync-demo-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = not (keep / "history.db").exists()
    except OSError as flaw:
        raise streams.cannot_write(keep, flaw) from flaw
    if not fresh:
        raise Usage(f"There is a history.db in {keep} already.", hint="Name another folder.")
    yield keep.absolute()

"""`craftsync db`: the store itself."""

import click

from craftsync.app import App
from craftsync.cli import options, say, streams


@click.group()
def db() -> None:
    """Look after the store."""


@db.command()
@options.app
def upgrade(app: App) -> None:
    """Make the store, or bring it to the schema of this craftsync.

    Example: craftsync db upgrade

    A SQLite store with data in it is copied beside itself first. Ends with 0, 8 when the store
    cannot be upgraded, 75 when another craftsync is at work.
    """
    done = app.upgrade()
    if done.before == done.after:
        say.note(f"The store is at {done.after} already.")
    else:
        kept = f" The store as it was: {done.backup}" if done.backup else ""
        say.note(f"The store is at {done.after} now.{kept}")


@db.command()
@options.app
def current(app: App) -> None:
    """Print the revision the store is at.

    Example: craftsync db current

    Ends with 0, 8 when there is no store or it cannot be read.
    """
    found, head = app.revision()
    streams.out(f"{found}{' (head)' if found == head else ''}\n")

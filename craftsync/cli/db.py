"""`craftsync db`: the store itself."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import click
import humanize

from craftsync.app import App
from craftsync.cli import formats, options, readers, say, sinks, streams
from craftsync.cli.formats import How
from craftsync.errors import Usage
from craftsync.store import backup as backups
from craftsync.store import copying, engine
from craftsync.store import dump as dumps

_BESIDE = ("", "-wal", "-shm", "-journal", ".lock")


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


@db.command()
@options.app
@click.argument("file", type=readers.FILE, metavar="FILE")
def backup(app: App, file: Path) -> None:
    """Copy the store into a file, also while a sync writes.

    Example: craftsync db backup /backup/history.db

    The copy is the store as it was at one moment, for this user alone, and a store itself: use it
    with --store. It appears as a whole or not at all, and replaces a file of that name. Ends with
    0, 2 when the file cannot be written, 8 when there is no store, it cannot be read, or it is on
    a server, where pg_dump does this.
    """
    url = app.url()
    _refuse_a_live_database(file, engine.path_of(url))
    with sinks.replacing(file) as draft:
        revision = backups.copy_store(
            url, draft, progress=lambda share: say.progress(f"{share:.0%} copied")
        )
        size = humanize.naturalsize(draft.stat().st_size)
        _forget_its_log(file)
    say.note(f"{file} is a copy of the store at {revision}: {size}.")


def _refuse_a_live_database(file: Path, store: str | None) -> None:
    """Refuse to replace the store itself, or a database whose log would then be another's."""
    sinks.check_place(file)
    if file.exists() and not file.is_file():
        raise Usage(f"{file} cannot be written: it is no file.")
    target = os.path.realpath(file)
    if store is not None and target in {os.path.realpath(store) + end for end in _BESIDE}:
        raise Usage(f"{file} is the store itself.", hint="Name another file.")
    for log in (Path(f"{target}-wal"), Path(f"{target}-journal")):
        if log.exists() and log.stat().st_size:
            raise Usage(f"{file} is a database in use: {log} is its.", hint="Name another file.")


def _forget_its_log(file: Path) -> None:
    """Take away the empty log and the index that a reader of an earlier copy has left."""
    for end in ("-wal", "-shm"):
        Path(os.path.realpath(file) + end).unlink(missing_ok=True)


@db.command()
@options.app
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--verify", is_flag=True, help="Read both again, and compare them row by row.")
@options.printing
def copy(_: App, *, source: str, target: str, verify: bool, how: How) -> None:
    """Copy a store into another place, from SQLite to PostgreSQL or back.

    Example: craftsync db copy history.db postgresql://mia@db.example/craft --verify

    FROM and TO are paths or addresses; a password belongs in PGPASSWORD or ~/.pgpass. TO must be
    empty, or half such a copy: it then goes on where it ended. FROM may be written meanwhile: what
    is copied is one moment of it. The copy is the same store, with the same id and the same
    fingerprints. Prints each table with its rows, and with --verify the SHA-256 of its content,
    the same in both. Ends with 0, 4 when TO holds something else, 8 when a store cannot be read or
    written or the copy is not what was copied, 75 when another craftsync writes TO.
    """
    done = copying.copy(
        engine.address(source),
        engine.address(target),
        verify=verify,
        progress=lambda table, rows: say.progress(f"{table}: {rows:,} rows"),
    )
    columns = {"table": "text", "rows": "bigint", "sha256": "text"}
    formats.rows(columns, ((one.table, one.rows, one.sha256) for one in done), **how)
    say.note(f"{engine.place(engine.address(target))} is a copy of the store now.")


@db.command()
@options.app
@click.option("--canonical", is_flag=True, help="In the canonical form, the one there is.")
@options.output
def dump(app: App, *, canonical: bool, output: Path | None) -> None:
    """Print what the platform showed, in a form that two stores can be compared by.

    Example: craftsync db dump --canonical -o history.jsonl

    A JSON object a line, without what comes from a clock of ours: two mirrors of the same history
    print the same. The SHA-256 of it all is told on stderr; sha256sum of the lines gives the same.
    Ends with 0, 2 without --canonical, 8 when there is no store or it cannot be read.
    """
    if not canonical:
        raise Usage(
            "A store is dumped in its canonical form only.", hint="craftsync db dump --canonical"
        )
    digest = hashlib.sha256()

    def lines() -> Iterator[str]:
        with app.reading() as connection:
            for line in dumps.canonical_lines(connection):
                yield f"{line}\n"

    with sinks.text(output) as write:
        for line in lines():
            digest.update(line.encode())
            write(line)
    say.note(f"sha256 {digest.hexdigest()}")

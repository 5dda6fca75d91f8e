"""`craftsync export`: the history for other engines."""

from pathlib import Path

import click

from craftsync.app import App
from craftsync.cli import options, readers
from craftsync.cli.formats import How, rows

_COLUMNS = {
    "relation": "text",
    "files": "bigint",
    "written": "bigint",
    "rows": "bigint",
    "bytes": "bigint",
}


@click.group()
def export() -> None:
    """Give the history to other engines."""


@export.command()
@options.app
@click.argument("folder", type=readers.FOLDER, metavar="DIR")
@click.option(
    "--since-last", is_flag=True, help="Write only what changed since. Default: everything."
)
@options.printing
def parquet(app: App, *, folder: Path, since_last: bool, how: How) -> None:
    """Write the public relations as Parquet: a folder a relation, by environment and month.

    The layout is Hive's, as Spark, polars and DuckDB read it; manifest.json, written last, names
    every file with its hash and row count.

    Example: craftsync export parquet /lake/craftsync --since-last

    Ends with 0, 2 when the folder holds something else or cannot be written, 4 for what takes
    more memory than it may, 8 when there is no store or it cannot be read, 75 while another export
    writes the folder.
    """
    done = app.export(folder, since_last=since_last)
    told = ((one.relation, one.files, one.written, one.rows, one.bytes) for one in done)
    rows(_COLUMNS, told, **how)

"""What `sync --dry-run` prints."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, fields

from craftsync.cli import formats, say
from craftsync.cli.formats import How
from craftsync.errors import Refused
from craftsync.sync.dry_run import Row

_COLUMNS = {field.name: "text" for field in fields(Row)} | {"requests": "integer"}


def show(found: Iterable[Row], how: How) -> int:
    """Print what a sync would do, and what it would take; return the code to end with."""
    rows = list(found)
    formats.rows(_COLUMNS, map(astuple, rows), **how)
    counts = Counter(row.action for row in rows)
    say.note(
        f"A sync would fetch {counts['fetch']:,}, ask for {counts['gone']:,} that are not listed,"
        f" and withhold {counts['withheld']:,}: {sum(row.requests for row in rows):,} requests"
        " beside the listings."
    )
    return Refused.exit_code if counts["withheld"] else 0

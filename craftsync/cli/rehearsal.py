"""What `sync --dry-run` prints."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, fields

from craftsync.cli import formats, say
from craftsync.cli.formats import How
from craftsync.errors import CraftsyncError, Refused, worst
from craftsync.sync.dry_run import Row, Unable

_COLUMNS = {field.name: "text" for field in fields(Row)} | {"requests": "integer"}


def show(found: Iterable[Row | Unable], how: How, *, environments: int) -> int:
    """Print what a sync would do, and what it would take; return the code to end with.

    What cannot be rehearsed is named; where none of so many environments can, no row is printed.
    """
    rows: list[Row] = []
    codes = []
    for one in found:
        if isinstance(one, Row):
            rows.append(one)
        else:
            say.failure(CraftsyncError(f"{one.environment}: {one.why}", hint=one.why.hint))
            codes.append(one.why.exit_code)
    if len(codes) == environments:
        return worst(codes)
    formats.rows(_COLUMNS, map(astuple, rows), **how)
    counts = Counter(row.action for row in rows)
    say.note(
        f"A sync would fetch {counts['fetch']:,}, ask for {counts['gone']:,} that are not listed,"
        f" and withhold {counts['withheld']:,}: {sum(row.requests for row in rows):,} requests"
        " beside the listings."
    )
    return worst([*codes, Refused.exit_code if counts["withheld"] else 0])

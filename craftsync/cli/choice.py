"""What the commands share that look at one execution or deployment, or choose among them."""

from collections.abc import Iterable

from sqlalchemy import Connection

from craftsync.cli import say
from craftsync.query import runs
from craftsync.query.runs import Chosen


def tell(kind: str, name: str, chosen: Chosen) -> None:
    """Say on stderr that a name had several incarnations, and which one is shown."""
    if chosen.others:
        many = "another one" if chosen.others == 1 else f"{chosen.others} others"
        say.note(
            f"The {kind} {name} has {many}; this is the one created at"
            f" {chosen.row['created_at']:%Y-%m-%dT%H:%M:%S.%fZ}. Choose with --created-at."
        )


def warn_of_unknown_statuses(
    conn: Connection, statuses: Iterable[str], environment: str | None
) -> None:
    """Say which of the statuses that were asked for no execution has: it may be a slip."""
    unknown, held = runs.unknown_statuses(conn, statuses, environment=environment)
    where = f" of {environment}" if environment else ""
    for status in unknown:
        say.warning(
            f"No execution{where} has the status {status!r}.",
            hint=f"There are: {', '.join(held)}." if held else None,
        )

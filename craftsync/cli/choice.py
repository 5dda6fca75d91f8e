"""What the commands that look at one execution or deployment share."""

from craftsync.cli import say
from craftsync.query.runs import Chosen


def tell(kind: str, name: str, chosen: Chosen) -> None:
    """Say on stderr that a name had several incarnations, and which one is shown."""
    if chosen.others:
        many = "another one" if chosen.others == 1 else f"{chosen.others} others"
        say.note(
            f"The {kind} {name} has {many}; this is the one created at"
            f" {chosen.row['created_at']:%Y-%m-%dT%H:%M:%S.%fZ}. Choose with --created-at."
        )

"""What `status` shows: how fresh the mirror is, how much it holds, what is in doubt."""

from collections.abc import Mapping
from typing import Any

import humanize

from craftsync.cli import streams


def show(status: Mapping[str, Any]) -> None:
    """Print the figures of `status` for people, an environment a block."""
    lines = [f"store {status['store']}   schema {status['schema']}"]
    if not status["environments"]:
        lines.append("nothing was mirrored yet: craftsync sync")
    for one in status["environments"]:
        age = one["age_s"]
        if age is None:
            fresh = "never mirrored completely"
        else:
            fresh = f"complete {humanize.naturaldelta(age)} ago"
        parts = "   ".join(f"{count:,} {state}" for state, count in one["parts"].items() if count)
        lines += [
            f"{one['environment']}   {fresh}   last run: {one['last_outcome'] or 'none'}",
            f"  executions    {one['executions']:,}   {one['gone']:,} gone"
            f"   {one['unsettled']:,} unsettled",
            f"  parts         {parts or 'none'}",
            f"  failures      {one['failures']:,}   deletes in doubt {one['in_doubt']:,}",
        ]
    streams.out("".join(f"{line}\n" for line in lines))

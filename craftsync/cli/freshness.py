"""What `status` shows: how fresh the mirror is, how much it holds, what is in doubt."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

import humanize

from craftsync import times
from craftsync.cli import streams

_FOR_PEOPLE = ("failing_since", "in_doubt_since")
"""Keys that no other program was promised: `sync_failures` and `deletions` have what they tell."""

_INSTANT = "last_complete_at"


def promised(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the figures as other programs read them, with the keys that stay as they are.

    Instants are such, so that they are printed in the zone that is asked for.
    """
    environments = [
        {
            name: times.instant_or_none(value) if name == _INSTANT else value
            for name, value in one.items()
            if name not in _FOR_PEOPLE
        }
        for one in status["environments"]
    ]
    return {**status, "environments": environments}


def show(status: Mapping[str, Any], *, now: datetime, tz: tzinfo | None = None) -> None:
    """Print the figures of `status` for people, an environment a block; ages count to `now`."""

    def since(name: str) -> str:
        """Say since when, and how long that is; nothing where there is no such instant."""
        if one[name] is None:
            return ""
        moment = times.parse_utc_text(one[name])
        return f" since {_minute(moment, tz)}, {humanize.naturaldelta(now - moment)}"

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
            f"  failures      {one['failures']:,}"
            f"   deletes in doubt {one['in_doubt']:,}{since('in_doubt_since')}",
        ]
        if one["failing_since"] is not None:
            lines.append(f"  failing      {since('failing_since')}")
        if one["failures"]:
            lines.append('  which         craftsync sql "select * from sync_failures"')
        elif one["failing_since"] is not None:
            lines.append(
                '  why           craftsync sql "select run_id, outcome, error from sync_runs"'
            )
    streams.out("".join(f"{line}\n" for line in lines))


def _minute(moment: datetime, tz: tzinfo | None) -> str:
    shown = times.in_zone(moment, tz)
    return f"{shown:%Y-%m-%d %H:%M} {shown.tzname() or 'UTC'}"

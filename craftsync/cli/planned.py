"""A plan of deletes as a table: what goes, what stays and why, and what would unblock it."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import humanize

from craftsync.cli import formats, say
from craftsync.cli.formats import How
from craftsync.errors import Usage
from craftsync.purge.plan import Plan, totals
from craftsync.purge.policy import Reason
from craftsync.purge.selection import Stay
from craftsync.settings.schema import span_text
from craftsync.times import utc_text

_VERDICTS = {
    "verdict": "text",
    "executions": "bigint",
    "bytes": "bigint",
    "oldest_end": "instant",
    "newest_end": "instant",
    "unblock": "text",
}
_UNBLOCK = {
    Reason.RUNNING: "craftsync sync, once they are over",
    Reason.UNDATED: "craftsync verify --execution ID: the platform tells no end",
    Reason.NOT_HELD: "craftsync sync",
    Reason.UNSETTLED: "craftsync sync, an hour after their end",
    Reason.PROTECTED: "protect_pipelines, protect_deployments under [purge]",
    Reason.LAST_N: "keep_last under [purge]",
    Reason.LAST_SUCCESS: "keep_last_success under [purge]",
    Reason.TOO_YOUNG: "a shorter --older-than",
    Reason.WOULD_EMPTY: "craftsync delete execution ID",
    Reason.OVER_LIMIT: "max_deletes, max_share under [purge]; or the next run",
}


def show(made: Plan, stays: Mapping[Reason, Stay], how: How) -> None:
    """Print how much goes, and how much stays for which reason, a row each."""
    formats.rows(_VERDICTS, list(_rows(made, stays)), **how)


def _rows(made: Plan, stays: Mapping[Reason, Stay]) -> Iterator[tuple[object, ...]]:
    going = Stay()
    for item in made.delete:
        going.add(item.end_date)
    yield _row(made.reason, going, sum(item.bytes for item in made.delete))
    for reason in Reason:
        if reason in stays:
            yield _row(reason, stays[reason], None)


def _row(reason: Reason, stay: Stay, size: int | None) -> tuple[object, ...]:
    ends = [end and utc_text(end) for end in (stay.oldest_end, stay.newest_end)]
    return str(reason), stay.count, size, *ends, _UNBLOCK.get(reason)


def tell(made: Plan, output: Path | None) -> None:
    """Say on stderr how much goes, and what to type next."""
    figures: Mapping[str, Any] = totals(made.delete)
    size = humanize.naturalsize(figures["bytes"])
    say.note(
        f"{made.environment}: {made.count:,} executions to delete, {size} of them are held here."
    )
    if made.delete and output is not None:
        typed = line(output, {})
        say.note(f"Good until {made.expires_at:%Y-%m-%dT%H:%M:%SZ}: {typed}")


def line(file: Path | None, asked: Mapping[str, Any], **more: object) -> str:
    """Return the command as it can be typed again; `more` are options of one value each."""
    words = ["craftsync", "purge", "apply"]
    if file is not None:
        words.append(str(file))
    else:
        words += ["--policy", "--older-than", span_text(asked["older_than"])]
    for option in ("statuses", "pipelines", "deployments"):
        word = {"statuses": "status"}.get(option, option[:-1])
        words += [each for name in asked.get(option, ()) for each in (f"--{word}", name)]
    for option, value in more.items():
        if value is not None:
            words += [f"--{option.replace('_', '-')}", str(value)]
    return shlex.join(words)


def read(file: Path) -> bytes:
    """Return what is in the file of a plan; raises `Usage` when it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as flaw:
        raise Usage(f"The plan {file} cannot be read: {flaw.strerror or flaw}.") from flaw

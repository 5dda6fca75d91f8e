"""What a sync says: progress while it works, a summary on stdout, what is missing on stderr."""

import shlex
from collections.abc import Callable, Iterator

import humanize

from craftsync.cli import formats, say, streams
from craftsync.cli.formats import How
from craftsync.errors import CraftsyncError
from craftsync.sync.events import Began, Event, Failure, Listed, Outcome, Saved, Withheld

_ONE = {"deployments": "deployment", "pipelines": "pipeline", "executions": "execution"}


def progress() -> Callable[[Event], None]:
    """Return a listener that shows on a terminal how far a sync is, and tells more for `-v`."""
    to_fetch = 0

    def listen(event: Event) -> None:
        nonlocal to_fetch
        match event:
            case Began(environment, url, _):
                to_fetch = 0
                say.detail(f"{environment}: listing {url}")
                say.progress(f"{environment}: listing {url}")
            case Listed(environment, pipeline_name, executions, more):
                to_fetch += more
                told = f"{pipeline_name}: {executions:,} listed, {more:,} to fetch"
                say.detail(f"{environment}: {told}")
                say.progress(told)
            case Saved(_, fetched):
                say.progress(f"{fetched:,} of {to_fetch:,} executions saved")
            case Outcome():
                say.detail(f"{event.environment}: {event.outcome} after {event.seconds:,.1f} s")
            case _:
                pass

    return listen


def show(outcomes: tuple[Outcome, ...], *, whole: bool) -> None:
    """Print how the environments were mirrored: a block each, or a line each.

    Of one that could not be meant there is nothing to tell.
    """
    for outcome in outcomes:
        if outcome.is_mistaken:
            continue
        lines = _block(outcome) if whole else [_line(outcome)]
        streams.out("".join(f"{line}\n" for line in lines))


def show_json(run_id: int | None, outcomes: tuple[Outcome, ...], exit_code: int, how: How) -> None:
    """Print the same as one object; a run that did not begin has no id."""
    formats.one(
        {
            "run_id": run_id,
            "environments": [_object(outcome) for outcome in outcomes],
            "exit_code": exit_code,
        },
        **how,
    )


def tell(outcome: Outcome, *, named: bool = False, of_several: bool = False) -> None:
    """Name on stderr whatever was not mirrored, and say what can be typed.

    Where the run is over several environments this one is `named`; where it is one `of_several`
    that are configured, a command has to be told which.
    """
    whose = f"{outcome.environment}: " if named else ""
    environment = outcome.environment if of_several else None
    if outcome.outcome == "interrupted":
        say.problem(
            f"craftsync: {whose}interrupted; what was saved stays, and it is safe to run again"
        )
    elif outcome.error:
        say.failure(CraftsyncError(f"{whose}{outcome.error}", hint=outcome.hint))
    if outcome.failed:
        for line in _failures(outcome, whose):
            say.problem(line)
    for withheld in outcome.withheld:
        say.failure(doubt(withheld, whose, environment))


def doubt(withheld: Withheld, whose: str = "", environment: str | None = None) -> CraftsyncError:
    """Say which absences are not believed, and how to have them believed.

    `environment` is named where a sync has to be told which.
    """
    there = f" --env {shlex.quote(environment)}" if environment else ""
    of_scope = f" of {withheld.scope}" if withheld.scope else ""
    scoped = f" --pipeline {shlex.quote(withheld.scope)}" if withheld.scope else ""
    believed = "Nothing was" if withheld.missing == withheld.known - withheld.listed else "None of"
    rest = "" if believed == "Nothing was" else f" {withheld.missing:,} missing was"
    what = withheld.kind if withheld.listed != 1 else _ONE.get(withheld.kind, withheld.kind)
    return CraftsyncError(
        f"{whose}Upstream lists {withheld.listed:,} {what}{of_scope}; the store knows"
        f" {withheld.known:,}. {believed}{rest} marked as gone.",
        hint=f"If they are truly gone: craftsync sync{there}{scoped}"
        f" --accept-vanished {withheld.missing}",
    )


def _failures(outcome: Outcome, whose: str) -> Iterator[str]:
    tried = outcome.parts + len(outcome.failed)
    yield (
        f"craftsync: {whose}partial: {len(outcome.failed):,} of {tried:,} parts not stored;"
        " the next sync tries again"
    )
    width = max(len(_name(failure)) for failure in outcome.failed)
    part = max(len(failure.part) for failure in outcome.failed)
    for failure in outcome.failed:
        yield f"  {_name(failure):<{width}}   {failure.part:<{part}}   {failure.why}"


def _name(failure: Failure) -> str:
    return failure.object_id or failure.object_kind


def _block(outcome: Outcome) -> list[str]:
    changed = f" ({outcome.deployments_changed:,} changed)" if outcome.deployments_changed else ""
    withheld = f"   {outcome.withheld_count:,} withheld" if outcome.withheld else ""
    return [
        f"{outcome.environment}  {outcome.url}   store {outcome.store}",
        f"  deployments   {outcome.deployments:,}{changed}   pipelines {outcome.pipelines:,}",
        f"  executions    {outcome.listed:,} listed   {outcome.new:,} new"
        f"   {outcome.running:,} still running   {outcome.gone:,} gone{withheld}",
        f"  parts         fetched {outcome.parts:,}   {outcome.too_big:,} too big"
        f"   {len(outcome.failed):,} failed",
        f"{_end(outcome)} in {outcome.seconds:,.1f} s, {_cost(outcome)} received",
    ]


def _line(outcome: Outcome) -> str:
    """Write the one line that a cron mail is worth."""
    withheld = f", {outcome.withheld_count:,} withheld" if outcome.withheld else ""
    return (
        f"{outcome.environment}: {outcome.outcome}: {outcome.listed:,} executions listed,"
        f" {outcome.new:,} new, {outcome.running:,} still running, {outcome.gone:,} gone{withheld},"
        f" {len(outcome.failed):,} failed; {_cost(outcome)}, {outcome.seconds:,.1f} s"
    )


def _end(outcome: Outcome) -> str:
    return "done" if outcome.outcome == "complete" else outcome.outcome


def _cost(outcome: Outcome) -> str:
    received = humanize.naturalsize(outcome.bytes_received)
    return f"{outcome.requests:,} requests, {received}"


def _object(outcome: Outcome) -> dict[str, object]:
    return {
        "environment": outcome.environment,
        "outcome": outcome.outcome,
        "listed": outcome.listed,
        "fetched": outcome.fetched,
        "unchanged": outcome.unchanged,
        "gone": outcome.gone,
        "withheld": outcome.withheld_count,
        "failed": [
            {
                "object_kind": str(failure.object_kind),
                "object_id": failure.object_id,
                "part": failure.part,
                "error": failure.why,
            }
            for failure in outcome.failed
        ],
        "requests": outcome.requests,
        "bytes_received": outcome.bytes_received,
        "seconds": round(outcome.seconds, 3),
    }

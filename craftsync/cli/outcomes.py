"""What came of deletes: said while they go on, and as rows at the end."""

import shlex
from collections.abc import Callable

from sqlalchemy import Connection

from craftsync.cli import say
from craftsync.errors import Interrupted
from craftsync.purge import protected
from craftsync.purge.job import WENT_WELL, Event, Progress, Result, Settled
from craftsync.purge.policy import Protection
from craftsync.purge.run import Report
from craftsync.records import Key
from craftsync.store import audit
from craftsync.store.environments import EnvironmentRow


def listener() -> Callable[[Event], None]:
    """Return what says how far the work is, and names what is kept or in doubt."""

    def hear(event: Event) -> None:
        match event:
            case Progress(done, of):
                say.progress(f"{done:,} of {of:,}")
            case Settled(_, kind, key, outcome, error):
                _name(kind, key, f"tried before: {outcome}", error)
            case Result(item, outcome, error) if outcome not in WENT_WELL:
                _name(item.kind, item.key, str(outcome), error)

    return hear


def _name(kind: str, key: Key, outcome: str, error: str | None) -> None:
    say.problem(f"{kind} {key.execution_id}: {outcome}{f': {error}' if error else ''}")


def warn_of_a_broken_chain(conn: Connection, where: EnvironmentRow) -> None:
    """Say before deletes are added to an audit that is not as it was written."""
    for flaw in audit.flaws(conn, where.key):
        say.warning(
            f"The chain of the audit of {where.name} is broken: {flaw}.",
            hint=f"craftsync purge history --env {shlex.quote(where.name)}",
        )


def warn_of_unknown_protection(
    conn: Connection, protection: Protection, where: EnvironmentRow
) -> None:
    """Say which protected names protect nothing here, before something goes that they meant."""
    for one in protected.unknown(conn, protection, where):
        say.warning(one.sentence, hint=one.hint)


def tell(report: Report) -> None:
    """Say on stderr what became of a plan, in figures, and why it ended early."""
    counts: dict[str, int] = {}
    for result in report.results:
        word = str(result.outcome or "not tried")
        counts[word] = counts.get(word, 0) + 1
    told = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in counts.items())
    if report.exit_code:
        say.problem(f"craftsync: {told or 'nothing to delete'}")
    else:
        say.note(told or "Nothing to delete.")
    if report.before:
        say.note(f"{report.before:,} of these by an earlier run of this plan.")
    if counts.get("not tried"):
        say.problem("The run stopped early: run it again, it goes on where it stopped.")
    if isinstance(report.error, Interrupted):
        say.interrupted(f"craftsync: {report.error}")
    elif report.error is not None:
        say.failure(report.error)

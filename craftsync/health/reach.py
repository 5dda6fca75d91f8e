"""Whether the platform can be reached, lets us in, and has the time that we have."""

import email.utils
import shlex
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeAlias

import humanize

from craftsync.errors import CraftsyncError
from craftsync.health.findings import Finding, ok, problem, warning
from craftsync.settings import Environment
from craftsync.upstream.answers import Answer
from craftsync.upstream.client import Platform
from craftsync.upstream.transport import Transport

Clock: TypeAlias = Callable[[], datetime]

MOST_SKEW = timedelta(minutes=1)


class Open(Protocol):
    """Open the reading side of an environment, with a token and on a transport."""

    def __call__(
        self,
        environment: Environment,
        *,
        token: str | None = None,
        transport: Callable[..., Transport] | None = None,
    ) -> AbstractContextManager[Platform]:
        """Give the platform; it is closed at the end of the block."""


class _Timed(Transport):
    """A transport that compares the platform's clock with ours at each answer."""

    def __init__(self, skews: list[timedelta], now: Clock, **rest: Any) -> None:
        super().__init__(**rest)
        self._skews = skews
        self._now = now

    def send(self, *given: Any, **rest: Any) -> Answer:
        """Send one request, and look at its date."""
        asked_at = self._now()
        answer = super().send(*given, **rest)
        answered_at = self._now()
        theirs = _moment(answer.headers.get("date"))
        if theirs is not None:
            # Their text has whole seconds, and was written some time in between.
            self._skews.append(asked_at + (answered_at - asked_at) / 2 - theirs)
        return answer


def visit(
    environment: Environment, token: str, platform: Open, *, now: Clock
) -> Generator[Finding, None, str | None]:
    """Ask an environment who it is and, with a token, for its pipelines; return its id."""
    name, skews = environment.name, list[timedelta]()
    timed = partial(_Timed, skews, now)
    with ExitStack() as opened:
        try:
            reached = opened.enter_context(platform(environment, token=token, transport=timed))
            found = reached.environment_id()
        except CraftsyncError as fault:
            address = shlex.quote(f"{environment.url}/api/v1/environment-info")
            yield problem("reach", f"{name}: {fault}", fault.hint or f"curl -sSv {address}")
            return None
        yield ok("reach", f"{name}: {environment.url} answers as {found or 'one without an id'}.")
        if token:
            yield _let_in(name, reached)
    yield from _clock(name, skews)
    return found


def _let_in(name: str, reached: Platform) -> Finding:
    """Sign in and list the pipelines: a token may be good, and not be good here."""
    try:
        count = len(reached.pipelines())
    except CraftsyncError as fault:
        return problem("access", f"{name}: {fault}", fault.hint or "craftsync config show")
    return ok("access", f"{name}: the token is accepted, and shows {count:,} pipelines.")


def _clock(name: str, skews: list[timedelta]) -> Iterator[Finding]:
    if not skews:
        yield ok("clock", f"{name}: the platform does not tell its time.")
        return
    skew = min(skews, key=abs)  # the one that was least delayed on its way
    if abs(skew) <= MOST_SKEW:
        yield ok("clock", f"{name}: this clock agrees with the platform's.")
        return
    way = "ahead of" if skew > timedelta(0) else "behind"
    yield warning(
        "clock",
        f"{name}: this clock is {humanize.precisedelta(abs(skew), format='%0.0f')} {way} the"
        " platform's; what is settled, and --since, are decided by it.",
        "timedatectl set-ntp true",
    )


def _moment(header: str | None) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(header or "")
    except (OverflowError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""What to try again, how long to wait, when to give up.

The figures are those of the AWS SDKs' standard mode: three attempts, full jitter under a ceiling
that doubles up to 20 s, and one budget that all workers share, so that a platform in trouble gets
fewer requests and not more.
"""

import email.utils
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import tenacity

from craftsync.errors import BadAnswer, Unreachable
from craftsync.times import utc_text

T = TypeVar("T")

ATTEMPTS = 3
CEILING_S = 20.0
_BUDGET = 500
_COST = 5
_COST_OF_A_TIMEOUT = 10

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class Transient(BadAnswer):
    """An answer that another attempt may mend.

    `retry_after_s` is the platform's own wish; `attempts` at the most are made in all.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        timed_out: bool = False,
        attempts: int = ATTEMPTS,
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s
        self.timed_out = timed_out
        self.attempts = attempts


class Budget:
    """What all workers of a run may spend on second attempts, refilled by each success."""

    def __init__(self) -> None:
        self._left = _BUDGET
        self._counting = threading.Lock()

    def earn(self) -> None:
        """Put back a little after a success."""
        if self._left < _BUDGET:
            with self._counting:
                self._left = min(self._left + 1, _BUDGET)

    def spend(self, *, timed_out: bool) -> bool:
        """Take the price of one more attempt; False when it cannot be paid."""
        price = _COST_OF_A_TIMEOUT if timed_out else _COST
        with self._counting:
            if self._left < price:
                return False
            self._left -= price
            return True


class Retries:
    """Run a request again while that may help and the budget lasts.

    `sleep` waits for seconds; `now` tells the time for the message of a wait that is too long;
    `longest_wait_s` tells how long a wait the run can take at present.
    """

    def __init__(
        self,
        *,
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
        longest_wait_s: Callable[[], float] = lambda: 120.0,
    ) -> None:
        self._sleep = sleep
        self._now = now
        self._longest_wait_s = longest_wait_s
        self._budget = Budget()
        self._jitter = tenacity.wait_random_exponential(multiplier=1, max=CEILING_S)

    def run(self, attempt: Callable[[], T]) -> T:
        """Return what `attempt` returns.

        Raises what it raises last, and `Unreachable` when the platform asks to wait longer than
        the run may.
        """
        try:
            answer = attempt()
        except Transient as first:
            answer = self._again(attempt, first)
        self._budget.earn()
        return answer

    def _again(self, attempt: Callable[[], T], first: Transient) -> T:
        pending: list[Transient] = [first]
        _let_go(first)

        def once() -> T:
            # The first attempt was made outside, where a success costs nothing.
            if pending:
                raise pending.pop()
            return attempt()

        return tenacity.Retrying(
            sleep=self._sleep,
            wait=self._wait,
            stop=self._stop,
            retry=tenacity.retry_if_exception_type(Transient),
            reraise=True,
        )(once)

    def _stop(self, state: tenacity.RetryCallState) -> bool:
        fault = _fault(state)
        if state.attempt_number >= fault.attempts:
            return True
        return not self._budget.spend(timed_out=fault.timed_out)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        asked = _fault(state).retry_after_s
        wait = self._jitter(state)
        if asked is None:
            return wait
        longest = self._longest_wait_s()
        if asked > longest:
            raise Unreachable(
                f"The platform asks to wait {_seconds(asked)}; this run waits"
                f" {_seconds(longest)} at the most.",
                hint=f"Try again after {self._after(asked)}.",
            )
        return max(asked, wait)

    def _after(self, asked_s: float) -> str:
        try:
            return utc_text(self._now() + timedelta(seconds=asked_s))[:19] + "Z"
        except OverflowError:
            return "a long time"


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Read Retry-After, seconds or an HTTP date; None for none, the past and nonsense."""
    text = (header or "").strip()
    if not text:
        return None
    try:
        seconds = float(int(text))
    except OverflowError:
        return None
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except (OverflowError, ValueError):
            return None
        if moment.tzinfo is None:  # "-0000" says: UTC, of a clock nobody vouches for
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return seconds if seconds > 0 else None


def _let_go(fault: BaseException | None) -> None:
    """Let go of what the frames of an attempt that is over hold: a body, and what it became."""
    while fault is not None:
        traceback.clear_frames(fault.__traceback__)
        fault = fault.__cause__ or fault.__context__


def _fault(state: tenacity.RetryCallState) -> Transient:
    outcome = state.outcome
    fault = outcome.exception() if outcome is not None else None
    if not isinstance(fault, Transient):
        raise TypeError("only a transient fault is tried again")
    return fault


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f} s"

"""What may be deleted upstream, and why the rest stays: decided over values, without I/O.

Every doubt keeps. The order of the questions is the policy: what an execution is comes first, then
whom it belongs to, then its age, and the limits at last.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum, auto
from fractions import Fraction
from typing import NamedTuple

from craftsync.records import TERMINAL, Key, PartState

SUCCESSES = frozenset({"succeeded", "success"})

GOES_ON = frozenset({"running", "pending", "queued", "created", "started"})
"""Statuses, in lower case, of what is not over, whatever else is said of it."""

HELD = frozenset({PartState.OK, PartState.ABSENT, PartState.REDACTED})
"""States of a part of which all is here that the platform has."""


class Reason(StrEnum):
    """Why an execution stays or goes: the same in the plan, on screen, in the audit, in tests."""

    RUNNING = auto()
    UNDATED = auto()
    NOT_HELD = auto()
    UNSETTLED = auto()
    PROTECTED = auto()
    LAST_N = auto()
    LAST_SUCCESS = auto()
    TOO_YOUNG = auto()
    WOULD_EMPTY = auto()
    OVER_LIMIT = auto()
    CHANGED = auto()
    OLD_ENOUGH = auto()
    NAMED = auto()  # goes because the user said so, whatever its age


class Facts(NamedTuple):
    """An execution that is there upstream, as far as the store knows.

    `states` are those that its parts are in, metrics that were never asked for left out.
    """

    execution_key: int
    key: Key
    pipeline_name: str
    deployment_name: str | None
    status: str | None
    end_date: datetime | None
    settled: bool
    states: frozenset[PartState]


class Verdict(NamedTuple):
    """An execution and why it stays, or that it is old enough to go."""

    execution: Facts
    reason: Reason


@dataclass(frozen=True, slots=True)
class Protection:
    """Names of pipelines and deployments of which nothing is deleted.

    They are compared without case: where only that differs it is a doubt, and every doubt keeps.
    """

    pipelines: Collection[str] = ()
    deployments: Collection[str] = ()
    _pipelines: Set[str] = field(init=False, repr=False)
    _deployments: Set[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Each execution is asked about: the names are folded once.
        object.__setattr__(self, "_pipelines", without_case(self.pipelines))
        object.__setattr__(self, "_deployments", without_case(self.deployments))

    def covers(self, pipeline_name: str | None, deployment_name: str | None) -> bool:
        """Whether what belongs to these is one of them, or of one of them."""
        names = (pipeline_name or "").casefold(), (deployment_name or "").casefold()
        return names[0] in self._pipelines or names[1] in self._deployments


@dataclass(frozen=True, slots=True)
class Criteria:
    """What was asked to go; empty names and statuses are no condition.

    Statuses are compared without case. One that no one knows counts as over only where it is
    named here. Age counts from the end.
    """

    older_than: timedelta
    statuses: frozenset[str] = frozenset()
    pipelines: frozenset[str] = frozenset()
    deployments: frozenset[str] = frozenset()

    def choose(self, execution: Facts) -> bool:
        """Whether an execution is one of those that were asked for."""
        if self.statuses and folded(execution.status) not in self.statuses:
            return False
        if self.pipelines and execution.pipeline_name not in self.pipelines:
            return False
        return not self.deployments or execution.deployment_name in self.deployments


@dataclass(frozen=True, slots=True)
class Limits:
    """How much goes at once, and what a pipeline keeps; `max_share` is of its executions."""

    max_deletes: int
    max_share: float
    keep_last: int
    keep_last_success: bool


def hindrance(
    execution: Facts,
    *,
    protection: Protection,
    named: Set[str] = frozenset(),
    allow: Set[PartState] = frozenset(),
) -> Reason | None:
    """Say why an execution may not go, whoever asks; None where nothing hinders.

    `named` are the statuses, in lower case, that the user takes for an end; `allow` the states of
    parts that may be missing here.
    """
    if not is_over(execution.status, named):
        return Reason.RUNNING
    if execution.end_date is None:
        return Reason.UNDATED
    if execution.states - HELD - allow:
        return Reason.NOT_HELD
    if not execution.settled:
        return Reason.UNSETTLED
    if protection.covers(execution.pipeline_name, execution.deployment_name):
        return Reason.PROTECTED
    return None


def judge(
    executions: Iterable[Facts],
    criteria: Criteria,
    limits: Limits,
    *,
    protection: Protection,
    now: datetime,
    allow: Set[PartState] = frozenset(),
) -> list[Verdict]:
    """Judge those of `executions` that were asked for, the ones that ended first in front.

    `executions` are all that are there upstream of each pipeline: the newest ones, the last
    success and the share are told from all of them.
    """
    verdicts: list[Verdict] = []
    for mine in _by_pipeline(executions).values():
        kept = _last_ones(mine, limits)
        judged = []
        for one in filter(criteria.choose, mine):
            reason = hindrance(one, protection=protection, named=criteria.statuses, allow=allow)
            reason = reason or kept.get(one.key)
            judged.append(Verdict(one, reason or _of_age(one, criteria.older_than, now)))
        if all(one.reason is Reason.OLD_ENOUGH for one in judged) and len(judged) == len(mine):
            judged[0] = judged[0]._replace(reason=Reason.WOULD_EMPTY)
        share = Fraction(str(limits.max_share)) * len(mine)
        verdicts += _within(sorted(judged, key=by_end), most=share)
    return _within(sorted(verdicts, key=by_end), most=limits.max_deletes)


def over_share(planned: Iterable[str], known: Mapping[str, int], share: float) -> list[str]:
    """Return the pipelines of which more is planned than their share.

    `planned` names the pipeline of each execution that is to go, `known` counts all of each.
    """
    exact = Fraction(str(share))
    counts = Counter(planned)
    return sorted(name for name, count in counts.items() if count > exact * known.get(name, 0))


def is_over(status: str | None, named: Set[str] = frozenset()) -> bool:
    """Whether a status is an end: to the platform, or to the user who `named` it in lower case."""
    return folded(status) in (TERMINAL | named) - GOES_ON


def folded(status: str | None) -> str:
    """Return a status as it is compared: in lower case, none as an empty one."""
    return (status or "").lower()


def without_case(names: Iterable[str]) -> Set[str]:
    """Return names as they are compared: whatever their case."""
    return frozenset(name.casefold() for name in names)


def _by_pipeline(executions: Iterable[Facts]) -> Mapping[str, Sequence[Facts]]:
    """Sort executions by their pipeline, the newest first."""
    found: dict[str, list[Facts]] = defaultdict(list)
    for one in sorted(executions, key=_by_birth, reverse=True):
        found[one.pipeline_name].append(one)
    return found


def _last_ones(mine: Sequence[Facts], limits: Limits) -> dict[Key, Reason]:
    """Say which a pipeline keeps because they are its last; `mine` begins with the newest."""
    kept: dict[Key, Reason] = {}
    if limits.keep_last_success:
        success = (one.key for one in mine if folded(one.status) in SUCCESSES)
        kept = dict.fromkeys(list(success)[:1], Reason.LAST_SUCCESS)
    return kept | {one.key: Reason.LAST_N for one in mine[: limits.keep_last]}


def _of_age(execution: Facts, older_than: timedelta, now: datetime) -> Reason:
    # What has no end was judged before; it would count as just ended.
    age = now - (execution.end_date or now)
    return Reason.TOO_YOUNG if age < older_than else Reason.OLD_ENOUGH


def _within(verdicts: Sequence[Verdict], *, most: int | Fraction) -> list[Verdict]:
    """Let only `most` go, the first ones."""
    count, found = 0, []
    for one in verdicts:
        if one.reason is Reason.OLD_ENOUGH:
            count += 1
            if count > most:
                found.append(one._replace(reason=Reason.OVER_LIMIT))
                continue
        found.append(one)
    return found


def _by_birth(execution: Facts) -> tuple[datetime, str]:
    return execution.key.created_at, execution.key.execution_id


def by_end(verdict: Verdict) -> tuple[datetime, datetime, str]:
    """Sort by the end, by the birth where there is none, and by the id at last."""
    execution_id, born = verdict.execution.key
    return verdict.execution.end_date or born, born, execution_id

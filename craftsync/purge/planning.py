"""From what the store holds to a plan. Nothing is asked of the platform, nothing is written.

What is chosen by its age is judged with all its neighbours, and only where the last sync can be
believed. What the user names is not: there only the proof counts.
"""

import hashlib
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from craftsync.errors import Refused
from craftsync.purge import footing
from craftsync.purge.plan import Item, Plan
from craftsync.purge.policy import (
    Criteria,
    Facts,
    Limits,
    Protection,
    Reason,
    judge,
    over_share,
)
from craftsync.purge.selection import Selection, Stay
from craftsync.records import Key, PartState
from craftsync.store import dump, environments, erasable
from craftsync.store.environments import EnvironmentRow
from craftsync.store.erasable import LiveDeployment

MAY_BE_MISSING = frozenset({PartState.TOO_BIG})
"""States of parts with which an execution may stand in a plan; whoever applies it decides."""


@dataclass(frozen=True, slots=True)
class Maker:
    """What all plans of one environment need.

    `at_work` tells whether another craftsync holds the environment's lock.
    """

    connection: Connection
    environment: EnvironmentRow
    limits: Limits
    protection: Protection
    expiry: timedelta
    now: datetime
    at_work: Callable[[], bool]

    def by_age(self, criteria: Criteria) -> tuple[Plan, Mapping[Reason, Stay]]:
        """Plan to delete what is old enough; also return how much stays, by its reasons.

        Raises `Refused` where the last sync of a pipeline was not complete, or is too long ago.
        """
        selection = Selection(self.limits.max_deletes)
        for live in _by_pipeline(self.connection, self.environment, criteria.pipelines):
            selection.add(
                judge(
                    live,
                    criteria,
                    self.limits,
                    protection=self.protection,
                    now=self.now,
                    allow=MAY_BE_MISSING,
                )
            )
        chosen = selection.chosen
        self._believe({one.pipeline_name for one in chosen})
        keep = {reason: stay.count for reason, stay in selection.stays.items()}
        asked = {
            "older_than_s": criteria.older_than // timedelta(seconds=1),
            "statuses": sorted(criteria.statuses),
            "pipelines": sorted(criteria.pipelines),
            "deployments": sorted(criteria.deployments),
        }
        return self._plan(self._items(chosen), asked, keep), selection.stays

    def of_executions(self, chosen: Sequence[Facts]) -> Plan:
        """Plan to delete executions that were named."""
        asked = {"executions": sorted({one.key.execution_id for one in chosen})}
        return self._plan(self._items(chosen), asked, {})

    def of_deployment(self, deployment: LiveDeployment, its: Sequence[Facts]) -> Plan:
        """Plan to delete a deployment that was named, with all its executions."""
        executions = self._items(sorted(its, key=lambda one: one.key))
        digest = hashlib.sha256("".join(one.content_sha256 for one in executions).encode())
        item = Item(
            kind="deployment",
            key=Key(*deployment.incarnation),
            pipeline_name=deployment.pipeline_name,
            deployment_name=deployment.incarnation.name,
            end_date=max((one.end_date for one in executions if one.end_date), default=None),
            status=deployment.status,
            content_sha256=digest.hexdigest(),
            bytes=sum(one.bytes for one in executions),
            executions=executions,
        )
        return self._plan((item,), {"deployment": deployment.incarnation.name}, {})

    def _plan(
        self, items: tuple[Item, ...], asked: Mapping[str, object], keep: Mapping[Reason, int]
    ) -> Plan:
        return Plan(
            plan_id=uuid.uuid4().hex,
            store_id=environments.identity(self.connection).store_id,
            environment=self.environment.name,
            upstream_id=self.environment.upstream_id,
            created_at=self.now,
            expires_at=self.now + self.expiry,
            criteria=asked,
            limits=asdict(self.limits) if "older_than_s" in asked else {},
            delete=items,
            keep=keep,
        )

    def _items(self, chosen: Sequence[Facts]) -> tuple[Item, ...]:
        keys = [one.execution_key for one in chosen]
        hashes = dump.content_hashes(self.connection, keys)
        sizes = erasable.sizes(self.connection, keys)
        return tuple(
            Item(
                kind="execution",
                key=one.key,
                pipeline_name=one.pipeline_name,
                deployment_name=one.deployment_name,
                end_date=one.end_date,
                status=one.status,
                content_sha256=hashes[one.execution_key],
                bytes=sizes[one.execution_key],
            )
            for one in chosen
        )

    def _believe(self, pipelines: Collection[str]) -> None:
        """Refuse where the last sync that covered a pipeline cannot be believed."""
        footing.require_fresh(
            self.connection, self.environment, pipelines, now=self.now, at_work=self.at_work
        )


def kept_now(
    connection: Connection,
    environment: EnvironmentRow,
    plan: Plan,
    limits: Limits,
    *,
    protection: Protection,
    now: datetime,
) -> dict[Key, Reason]:
    """Judge what was chosen by its age once more: return what has to stay now, and why.

    The limits of a run are not judged: a plan that is half done has used some of them up. The
    caller holds the lock. Raises `Refused` where the last sync cannot be believed any more.
    """
    if plan.reason is not Reason.OLD_ENOUGH:
        return {}
    chosen = {item.key: item.pipeline_name or "" for item in plan.delete}
    footing.require_fresh(
        connection, environment, set(chosen.values()), now=now, at_work=footing.nobody
    )
    asked = plan.criteria
    criteria = Criteria(
        older_than=timedelta(seconds=asked["older_than_s"]),
        statuses=frozenset(asked["statuses"]),
        pipelines=frozenset(asked["pipelines"]),
        deployments=frozenset(asked["deployments"]),
    )
    unlimited = replace(limits, max_deletes=sys.maxsize, max_share=1.0)
    return {
        one.execution.key: one.reason
        for live in _by_pipeline(connection, environment, set(chosen.values()))
        for one in judge(
            live, criteria, unlimited, protection=protection, now=now, allow=MAY_BE_MISSING
        )
        if one.reason is not Reason.OLD_ENOUGH and one.execution.key in chosen
    }


def _by_pipeline(
    connection: Connection, environment: EnvironmentRow, names: Collection[str]
) -> Iterator[list[Facts]]:
    """Give what is known of the executions of each pipeline, of those of `names` or of all."""
    for name in sorted(names or erasable.live_counts(connection, environment.key)):
        yield facts(erasable.live_executions(connection, environment.key, pipelines={name}))


def require_room(
    connection: Connection, environment: EnvironmentRow, plan: Plan, limits: Limits
) -> None:
    """Raise `Refused` where a plan by age holds more than may go at once."""
    if plan.reason is not Reason.OLD_ENOUGH:
        return
    if plan.count > limits.max_deletes:
        raise Refused(
            f"The plan holds {plan.count:,} deletes, {limits.max_deletes:,} may be made at once:"
            " nothing was deleted.",
            hint=f"To allow them: --max-deletes {plan.count}",
        )
    known = Counter(erasable.live_counts(connection, environment.key))
    keys = {item.key for item in plan.delete}
    live = erasable.named_executions(connection, environment.key, keys)
    known.update(item.pipeline_name or "" for item in plan.delete if item.key not in live)
    planned = [item.pipeline_name or "" for item in plan.delete]
    if too_much := over_share(planned, known, limits.max_share):
        raise Refused(
            f"The plan holds more than {limits.max_share:.0%} of the executions of"
            f" {', '.join(too_much)}: nothing was deleted.",
            hint="Make another one: craftsync purge plan --older-than 90d -o PLAN",
        )


def facts(rows: Iterable[erasable.LiveExecution]) -> list[Facts]:
    """Return what the store knows of executions as the policy takes it."""
    return [Facts(*row) for row in rows]

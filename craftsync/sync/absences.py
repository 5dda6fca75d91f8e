"""What it means that upstream no longer lists something: asked for, never assumed.

An object is gone when its own GET says so: 404 with an error object, another incarnation under its
name, or `is_archived`. 401, 403, 5xx, HTML and silence prove nothing, and then it stays.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from craftsync.errors import Missing, UpstreamFault
from craftsync.records import Incarnation, Key, Payload
from craftsync.sync.plan import CONFIRMED_A_RUN, SAMPLED_A_DEPLOYMENT, evenly
from craftsync.upstream import payloads

Ask = Callable[[str], Payload]
"""A GET of one object by its name or id."""


def is_gone(ask: Ask, name: str, created_at: datetime) -> bool:
    """Whether the platform itself says that this incarnation is no more; a doubt says no."""
    return _is_absent(ask, name, lambda found: payloads.is_another(found, created_at))


def is_denied(ask: Ask, name: str) -> bool:
    """Whether nothing of this name is there, whenever it was made; a doubt says no."""
    return _is_absent(ask, name, payloads.is_archived)


def _is_absent(ask: Ask, name: str, proves_it: Callable[[Payload], bool]) -> bool:
    try:
        found = ask(name)
    except Missing:
        return True
    except UpstreamFault:
        return False
    return payloads.is_about(found, name) and proves_it(found)


@dataclass(frozen=True, slots=True)
class Deployments:
    """What is known of deployments when absences of executions are to be explained.

    `listed` maps a name to its `created_at` upstream now, None when the listing failed; `held`
    maps a name to the incarnations the store has ever seen, oldest first.
    """

    listed: Mapping[str, datetime] | None
    held: Mapping[str, Sequence[datetime]]
    ask: Ask

    def of(self, name: str | None, created_at: datetime) -> Incarnation | None:
        """Return the incarnation that an execution made at `created_at` belongs to."""
        known = [born for born in self.held.get(name or "", ()) if born <= created_at]
        return Incarnation(name or "", known[-1]) if known else None

    def is_gone(self, deployment: Incarnation) -> bool:
        """Whether this incarnation was deleted: listed newer, or its GET answers 404."""
        if self.listed is None:
            return False
        listed = self.listed.get(deployment.name)
        if listed is not None:
            return listed > deployment.created_at
        return is_gone(self.ask, deployment.name, deployment.created_at)


def explained(
    vanished: Mapping[Key, str | None], *, deployments: Deployments, ask: Ask
) -> frozenset[Key]:
    """Return those of `vanished` that went with their deployment.

    `vanished` maps an execution to the name of its deployment. The deployment must be gone, and a
    sample of its vanished executions must be gone when asked for.
    """
    families: dict[Incarnation, list[Key]] = defaultdict(list)
    for key, deployment_name in vanished.items():
        deployment = deployments.of(deployment_name, key.created_at)
        if deployment is not None:
            families[deployment].append(key)
    return frozenset(
        key
        for deployment, keys in families.items()
        if deployments.is_gone(deployment) and _all_gone(sorted(keys), ask)
        for key in keys
    )


def confirmed(keys: Iterable[Key], ask: Ask, *, most: int, turn: int) -> tuple[Set[Key], Set[Key]]:
    """Ask for up to `most` of `keys` one by one: those that are gone, and those that are not.

    What was not asked for is in neither. The next `turn` asks for it, for it begins further on:
    some may never be listed, and be there all the same.
    """
    gone: set[Key] = set()
    there: set[Key] = set()
    ordered = sorted(keys)
    start = turn * most % len(ordered) if len(ordered) > most else 0
    for key in (ordered[start:] + ordered[:start])[:most]:
        (gone if is_gone(ask, key.execution_id, key.created_at) else there).add(key)
    return gone, there


@dataclass(slots=True)
class Asked:
    """How many absences a run may still ask for one by one."""

    ask: Ask
    turn: int
    left: int = CONFIRMED_A_RUN

    def confirmed(self, keys: Set[Key]) -> tuple[Set[Key], Set[Key]]:
        """Return which of `keys` are gone, and which are there although not listed."""
        gone, there = confirmed(keys, self.ask, most=self.left, turn=self.turn)
        self.left -= len(gone) + len(there)
        return gone, there


def _all_gone(keys: Collection[Key], ask: Ask) -> bool:
    return all(
        is_gone(ask, key.execution_id, key.created_at) for key in evenly(keys, SAMPLED_A_DEPLOYMENT)
    )

"""What has to be shown before a delete, and the hash that the audit keeps of it. No I/O.

A proof is made of what the store held and what the platform showed a moment ago. It has flaws or
it has none; with a single flaw nothing is deleted. Its hash covers all of it, so that what was
shown can be told from what was claimed.
"""

import hashlib
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from craftsync.purge.plan import Item, canonical
from craftsync.purge.policy import Reason
from craftsync.records import Key
from craftsync.times import utc_text

_SHOWN = 5  # of many flaws


class Flaw(NamedTuple):
    """Why something may not be deleted, and in words."""

    reason: Reason
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """What the store shows of an execution, read again just now.

    `kept` is what the policy has against deleting it, None for nothing. `damaged` names the parts
    of which other bytes are stored than were written.
    """

    content_sha256: str
    kept: Reason | None = None
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What the platform shows of an execution, fetched again just now.

    `is_same` says that it is the incarnation meant; `differs` names what is not as it is held.
    """

    answer_sha256: str
    is_same: bool = True
    is_over: bool = True
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """The platform showed nothing of an execution, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was shown about one thing to delete; without flaws it may be deleted."""

    flaws: tuple[Flaw, ...]
    sha256: str

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.flaws

    @property
    def why(self) -> str:
        """Say what is wrong, in few words."""
        told = [flaw.why for flaw in self.flaws[:_SHOWN]]
        more = len(self.flaws) - len(told)
        return "; ".join(told) + (f"; and {more:,} more" if more else "")


def prove(item: Item, held: Held | None, shown: Shown | Unread) -> Proof:
    """Prove that an execution is here whole, as planned and as upstream shows it.

    `held` is None for one that the store does not hold, or knows to be gone.
    """
    flaws = (*_of_the_store(item, held), *_of_upstream(shown))
    return _proof(
        item,
        flaws,
        held=held.content_sha256 if held else None,
        shown=shown.answer_sha256 if isinstance(shown, Shown) else None,
    )


def prove_deployment(
    item: Item,
    proofs: Sequence[Proof],
    *,
    is_same: bool,
    listed: Set[Key] | None,
    going_on: Set[Key] = frozenset(),
    changed: Set[Key] = frozenset(),
    differs: Sequence[str] = (),
    kept: Reason | None = None,
) -> Proof:
    """Prove that all executions of a deployment are here, one by one, and that there are no others.

    `proofs` are those of `item.executions`, in their order; `listed` are all executions that
    upstream lists for it now, None where that is not known, and `going_on` those of them that are
    not over, `changed` those that it shows otherwise than they were when they were proved. A
    listing that lacks what is there is not complete, and speaks for no other. `differs`
    names what of the deployment's settings is not as it is held; `kept` is what the policy has
    against deleting the deployment itself.
    """
    flaws = [] if kept is None else [Flaw(kept, f"it is kept: {kept}")]
    if not is_same:
        flaws.append(Flaw(Reason.CHANGED, "upstream shows another deployment"))
    if listed is None:
        flaws.append(Flaw(Reason.CHANGED, "its executions could not be listed"))
    flaws += [Flaw(Reason.CHANGED, f"{key}: it is not as it was mirrored") for key in differs]
    flaws += [
        Flaw(Reason.CHANGED, f"{one.key.execution_id}: it is there, and not listed")
        for one, proof in zip(item.executions, proofs, strict=True)
        if listed is not None and proof.holds and one.key not in listed
    ]
    flaws += [
        Flaw(Reason.NOT_HELD, f"{key.execution_id}: it is not held")
        for key in sorted((listed or set()) - {one.key for one in item.executions})
    ]
    flaws += [
        Flaw(Reason.RUNNING, f"{key.execution_id}: it goes on upstream") for key in sorted(going_on)
    ]
    flaws += [
        Flaw(Reason.CHANGED, f"{key.execution_id}: it has changed since it was proved")
        for key in sorted(changed)
    ]
    flaws += [
        Flaw(flaw.reason, f"{one.key.execution_id}: {flaw.why}")
        for one, proof in zip(item.executions, proofs, strict=True)
        for flaw in proof.flaws
    ]
    return _proof(item, tuple(flaws), executions=[proof.sha256 for proof in proofs])


def _of_the_store(item: Item, held: Held | None) -> Iterator[Flaw]:
    if held is None:
        yield Flaw(Reason.NOT_HELD, "the store does not hold it")
        return
    if held.kept is not None:
        yield Flaw(held.kept, f"it is kept: {held.kept}")
    if held.content_sha256 != item.content_sha256:
        yield Flaw(Reason.CHANGED, "what is held of it has changed since it was planned")
    for part in held.damaged:
        yield Flaw(Reason.NOT_HELD, f"{part}: the stored bytes are damaged")


def _of_upstream(shown: Shown | Unread) -> Iterator[Flaw]:
    if isinstance(shown, Unread):
        yield Flaw(Reason.CHANGED, shown.why)
        return
    if not shown.is_same:
        yield Flaw(Reason.CHANGED, "upstream shows another one of its id")
        return
    if not shown.is_over:
        yield Flaw(Reason.RUNNING, "it goes on upstream")
    for part in shown.differs:
        yield Flaw(Reason.CHANGED, part)


def _proof(item: Item, flaws: tuple[Flaw, ...], **seen: object) -> Proof:
    told = {
        "kind": item.kind,
        "id": item.key.execution_id,
        "created_at": utc_text(item.key.created_at),
        "planned": item.content_sha256,
        "flaws": [[flaw.reason.value, flaw.why] for flaw in flaws],
        **seen,
    }
    return Proof(flaws, hashlib.sha256(canonical(told)).hexdigest())

"""Streams of executions: each a pure function of its key and a number, so none is held in memory.

A stream is one cause of executions: a deployment, or people running a pipeline by hand. Its nth
execution has the same id, dates, end and values whenever it is asked for. What people did to single
executions later (deleted, ended early) lies over it as a small dictionary.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from math import gcd
from typing import Any

from craftsync.simulator.dice import key_of, pick, roll, share
from craftsync.simulator.estate import Binding, Deployment, Pipeline

LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
ENDING = 5
IDS: int = 36**ENDING
STREAMS = 128  # in one pipeline, over all its incarnations
NEVER_MS = 1 << 60

_STEADY = ("Succeeded",) * 18 + ("Failed", "Error")
_SHAKY = ("Succeeded",) * 13 + ("Failed",) * 4 + ("Error", "Error", "Skipped")
_STEPS = (1, 3, 7, 9, 11, 13, 17, 19)  # coprime to the twenty ends of a pattern


@dataclass(slots=True)
class Run:
    """One execution over all its life, whatever the time is now."""

    execution_id: str
    pipeline: Pipeline
    deployment: Deployment | None
    created_ms: int
    started_ms: int
    ended_ms: int
    outcome: str
    drawn: bytes
    created_by: str
    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    gone_ms: int | None = None
    given: dict[str, Any] | None = None  # what a caller handed in; None: drawn

    def status(self, at_ms: int) -> str:
        """Tell the status at an instant."""
        if at_ms < self.started_ms:
            return "Pending"
        return "Running" if at_ms < self.ended_ms else self.outcome

    def is_over(self, at_ms: int) -> bool:
        """Tell whether it has ended."""
        return at_ms >= self.ended_ms

    def is_there(self, at_ms: int) -> bool:
        """Tell whether the platform shows it."""
        return self.created_ms <= at_ms and (self.gone_ms is None or at_ms < self.gone_ms)

    @property
    def ran(self) -> bool:
        """Tell whether its code was reached: not if it was skipped or the platform failed."""
        return self.ended_ms > self.started_ms or self.outcome in ("Succeeded", "Failed")


@dataclass(slots=True)
class Alteration:
    """What was done to one execution of a stream."""

    gone_ms: int | None = None
    ended_ms: int | None = None
    outcome: str | None = None


@dataclass(slots=True)
class Stream:
    """Executions from one cause, numbered from 0, each created after the one before."""

    seed: int
    pipeline: Pipeline
    deployment: Deployment | None
    number: int
    start_ms: int
    gap_ms: int
    stop_ms: int = NEVER_MS
    gone_ms: int | None = None
    altered: dict[int, Alteration] = field(default_factory=dict)
    key: bytes = b""
    key_ids: bytes = b""
    _regular: bool = False
    _ends: tuple[str, ...] = _STEADY
    _step: int = 1
    _phase_ms: int = 0

    def __post_init__(self) -> None:
        """Draw what all its executions have in common."""
        self.key = key_of("stream", self.seed, self.pipeline.name, self.number)
        self.key_ids = ids_key(self.seed, self.pipeline.name)
        self._regular = self.deployment is not None and self.deployment.plan.rule == "periodic"
        called = self.deployment is not None and not self._regular
        self._ends = _SHAKY if called or self.key[0] % 2 else _STEADY
        self._step = pick(_STEPS, self.key, 2)
        self._phase_ms = min(1 + self.key[4] * 9, self.gap_ms - 1)

    def created_ms(self, index: int, drawn: bytes) -> int:
        """Tell when the nth was created."""
        if self._regular:
            return self.start_ms + index * self.gap_ms + self._phase_ms
        return self.start_ms + index * self.gap_ms + 1 + int(share(drawn, 0) * (self.gap_ms - 2))

    def count(self, at_ms: int) -> int:
        """Count what was created until an instant, deleted ones too."""
        until = min(at_ms, self.stop_ms)
        if until < self.start_ms:
            return 0
        number = (until - self.start_ms) // self.gap_ms
        return number + (self.created_ms(number, roll(self.key, number)) <= until)

    def run(self, index: int) -> Run:
        """Tell all about the nth."""
        drawn = roll(self.key, index)
        plan = self.pipeline.plan
        created_ms = self.created_ms(index, drawn)
        outcome = self._ends[(index * self._step + self.key[6]) % 20]
        started_ms = created_ms + int(plan.queue_s * 1000 + share(drawn, 4) ** 3 * 58_000)
        slower = 1 + min(commit_number(self.pipeline, created_ms) * 0.05, 2) if plan.grows else 1.0
        run_ms = int(plan.typical_run_s * 1000 * slower * (0.6 + 0.8 * share(drawn, 8)))
        if outcome == "Skipped" or (outcome == "Error" and drawn[12] % 2):
            run_ms = 0
        deployment = self.deployment
        ending = suffix(self.key_ids, index * STREAMS + self.number)
        made = Run(
            execution_id=f"{self.pipeline.name}-{ending}",
            pipeline=self.pipeline,
            deployment=deployment,
            created_ms=created_ms,
            started_ms=started_ms,
            ended_ms=started_ms + run_ms,
            outcome=outcome,
            drawn=drawn,
            created_by=(deployment or self.pipeline).created_by,
            inputs=deployment.inputs if deployment else self.pipeline.seen_by,
            outputs=deployment.outputs if deployment else self.pipeline.gives,
            gone_ms=self.gone_ms,
        )
        if self.altered and (alteration := self.altered.get(index)):
            _apply(alteration, made)
        return made

    def runs(self, at_ms: int, *, since: int = 0) -> Iterator[Run]:
        """Give those that exist at an instant, oldest first, from the nth on."""
        if self.gone_ms is not None and at_ms >= self.gone_ms:
            return
        for index in range(since, self.count(at_ms)):
            run = self.run(index)
            if run.is_there(at_ms):
                yield run

    def alteration(self, index: int) -> Alteration:
        """Give what was done to the nth, to be changed."""
        return self.altered.setdefault(index, Alteration())


def _apply(alteration: Alteration, run: Run) -> None:
    if alteration.ended_ms is not None:
        run.ended_ms = alteration.ended_ms
        run.started_ms = min(run.started_ms, run.ended_ms)
    if alteration.outcome is not None:
        run.outcome = alteration.outcome
    if alteration.gone_ms is not None:
        run.gone_ms = min(alteration.gone_ms, run.gone_ms or NEVER_MS)


def commit_number(pipeline: Pipeline, at_ms: int) -> int:
    """Give the number of the commit that was run at an instant; a new one comes every nine days."""
    return max(0, at_ms - pipeline.created_ms) // (9 * 86_400_000)


def ids_key(seed: int, pipeline_name: str) -> bytes:
    """Give the key that shuffles the ids of a pipeline."""
    return key_of("ids", seed, pipeline_name)


@lru_cache(maxsize=1024)
def _scramble(key: bytes) -> tuple[int, int, int]:
    factor = int.from_bytes(key[:4], "little") % IDS
    while gcd(factor, IDS) != 1:
        factor += 1
    return factor, int.from_bytes(key[4:8], "little") % IDS, pow(factor, -1, IDS)


def suffix(key: bytes, number: int) -> str:
    """Write a number as the five characters that end an id; no two numbers share them."""
    if number >= IDS:
        raise OverflowError(f"No five characters are left for execution {number}.")
    factor, shift, _ = _scramble(key)
    rest = (number * factor + shift) % IDS
    rest, e = divmod(rest, 36)
    rest, d = divmod(rest, 36)
    rest, c = divmod(rest, 36)
    a, b = divmod(rest, 36)
    return LETTERS[a] + LETTERS[b] + LETTERS[c] + LETTERS[d] + LETTERS[e]


def number_of(key: bytes, ending: str) -> int | None:
    """Read what `suffix` wrote; None if these are not five of its characters."""
    if len(ending) != ENDING or any(letter not in LETTERS for letter in ending):
        return None
    _, shift, inverse = _scramble(key)
    return (int(ending, 36) - shift) * inverse % IDS

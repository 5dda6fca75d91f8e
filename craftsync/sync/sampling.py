"""A share of many things drawn at random, each set of so many as likely."""

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sample:
    """So large a share of all settled executions, drawn at random out of `seed`."""

    share: Fraction
    seed: int


def sample(items: Iterable[T], *, count: int, share: Fraction, seed: int) -> Iterator[T]:
    """Yield so large a share of `count` items, at least one, each set of them as likely.

    They keep their order, and none but one is in memory: Knuth's selection sampling.
    """
    wanted = math.ceil(count * min(share, Fraction(1)))
    drawn = random.Random(seed)
    for left, item in zip(range(count, 0, -1), items, strict=False):
        if drawn.random() * left < wanted:
            wanted -= 1
            yield item

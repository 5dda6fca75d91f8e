"""Round figures beside a chart, and the lines that they stand at."""

import math
from collections.abc import Callable
from dataclasses import dataclass

_ROUND = (1, 1.6, 2, 3, 4, 5, 6, 8, 10, 20)


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a place; `minor` ones are left out on a narrow screen."""

    at: float
    label: str
    minor: bool = False


def ceiling(most: float, *, least: float = 1e-9) -> float:
    """Return the least round figure that is not below `most`: half of it is round, too."""
    most = max(most, least)
    power = 10.0 ** math.floor(math.log10(most))
    return next(one * power for one in _ROUND if one * power >= most * (1 - 1e-9))


def grid_of(
    top: float, height: float, label: Callable[[float], str], *, lines: int = 2
) -> tuple[Tick, ...]:
    """Return the lines of a scale up to `top`, each with what `label` writes beside it."""
    return tuple(
        Tick(round(height * (1 - nth / lines), 2), label(top * nth / lines))
        for nth in range(1, lines + 1)
    )

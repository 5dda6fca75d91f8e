"""Small lines of blocks that show a course at a glance, in one line of text."""

from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
NOTHING = "·"
"""Nothing happened there, which is not the same as a zero."""

_WIDEST = 31


def line(figures: Sequence[float | None], *, least_top: float = 0) -> str:
    """Draw figures from 0 up to their greatest, or to `least_top` where that is more.

    Of a long course neighbours are drawn as one, by the greatest of them.
    """
    shown = _narrowed(figures)
    top = max([least_top, *(one for one in shown if one is not None)])
    return "".join(NOTHING if one is None else _level(one, top) for one in shown)


def _level(figure: float, top: float) -> str:
    if top <= 0 or figure <= 0:
        return LEVELS[0]
    # What is more than nothing is seen as such.
    return LEVELS[max(1, min(len(LEVELS) - 1, round(figure / top * (len(LEVELS) - 1))))]


def _narrowed(figures: Sequence[float | None]) -> list[float | None]:
    size = -(-len(figures) // _WIDEST)
    if size <= 1:
        return list(figures)
    groups = (figures[at : at + size] for at in range(0, len(figures), size))
    return [max((one for one in some if one is not None), default=None) for some in groups]

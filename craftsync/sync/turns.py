"""Several environments in one run: one after the other, or side by side."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from craftsync.errors import Interrupted
from craftsync.sync.events import Outcome

E = TypeVar("E")
Mirror = Callable[[E, int | None], Outcome]
"""Mirrors an environment as part of the run with this id, or begins a run for None."""


def take(
    mirror: Mirror[E],
    environments: Sequence[E],
    *,
    parallel: bool,
    stop: Callable[[], None],
) -> list[Outcome]:
    """Mirror each of `environments`; the first one begins the run that the others join.

    An interruption ends the run: side by side, `stop` makes the others end too.
    """
    first = mirror(environments[0], None) if not parallel or len(environments) == 1 else None
    if first is None:
        return _side_by_side(mirror, environments, stop)
    outcomes = [first]
    for one in environments[1:]:
        if outcomes[-1].exit_code == Interrupted.exit_code:
            break
        outcomes.append(mirror(one, first.run_id))
    return outcomes


def _side_by_side(
    mirror: Mirror[E], environments: Sequence[E], stop: Callable[[], None]
) -> list[Outcome]:
    with ThreadPoolExecutor(len(environments), thread_name_prefix="environment") as pool:
        futures: list[Future[Outcome]] = [pool.submit(mirror, one, None) for one in environments]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop()
            if not all(future.done() for future in futures):
                return [future.result() for future in futures]
            raise

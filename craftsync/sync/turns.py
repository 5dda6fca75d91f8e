"""Several environments in one run: one after the other, or side by side."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from craftsync.errors import Interrupted
from craftsync.sync.events import Outcome

E = TypeVar("E")
Mirror = Callable[[E], Outcome]


def take(
    mirror: Mirror[E],
    environments: Sequence[E],
    *,
    parallel: bool,
    stop: Callable[[], None],
) -> list[Outcome]:
    """Mirror each of `environments`.

    An interruption ends the run: side by side, `stop` makes the others end too.
    """
    if parallel and len(environments) > 1:
        return _side_by_side(mirror, environments, stop)
    outcomes: list[Outcome] = []
    for one in environments:
        outcomes.append(mirror(one))
        if outcomes[-1].exit_code == Interrupted.exit_code:
            break
    return outcomes


def _side_by_side(
    mirror: Mirror[E], environments: Sequence[E], stop: Callable[[], None]
) -> list[Outcome]:
    with ThreadPoolExecutor(len(environments), thread_name_prefix="environment") as pool:
        futures: list[Future[Outcome]] = [pool.submit(mirror, one) for one in environments]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop()
            if not all(future.done() for future in futures):
                return [future.result() for future in futures]
            raise

"""What a fault is: a function from a request to its delivery, and what all of them may be told."""

from collections.abc import Callable
from dataclasses import dataclass

from craftsync.simulator.api import Platform
from craftsync.simulator.delivery import Delivery
from craftsync.simulator.messages import Request

UNTOUCHED = ""  # the fault of an answer that there was nothing to spoil on


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The settings of faults that have any."""

    retry_after: str
    drip_s: float
    stale_s: float
    redirect_to: str


Ordeal = Callable[[Request, Platform, Terms], Delivery | None]


def is_listing(request: Request) -> bool:
    """Tell whether a pipeline's executions are asked for."""
    match request.method, request.segments[2:]:
        case "GET", ("pipelines", _, "executions"):
            return True
    return False

"""What a fault is: a function from a request in trouble to the delivery of its answer."""

from collections.abc import Callable
from dataclasses import dataclass

from craftsync.simulator.api import Platform
from craftsync.simulator.delivery import Delivery
from craftsync.simulator.messages import Request, Response

UNTOUCHED = ""  # the fault of an answer that there was nothing to spoil on


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The settings of faults that have any."""

    retry_after: str
    drip_s: float
    slow_s: float
    stale_s: float
    redirect_to: str


@dataclass(frozen=True, slots=True)
class Plight:
    """A request that is about to go wrong."""

    request: Request
    platform: Platform
    terms: Terms

    def handle(self) -> Response:
        """Let the request take effect, and give the true answer."""
        return self.platform.handle(self.request)

    @property
    def asks_for(self) -> str:
        """Name what is asked for, if some faults are only about that."""
        match self.request.method, self.request.segments[2:]:
            case "GET", ("pipelines", _, "executions"):
                return "listing"
            case "GET", ("executions", _):
                return "detail"
            case "GET", ("metrics", _):
                return "metrics"
        return "something else"


Ordeal = Callable[[Plight], Delivery | None]

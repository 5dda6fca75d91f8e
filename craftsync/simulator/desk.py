"""What the handlers of requests have at hand, and the checks that many of them share."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from craftsync.simulator.estate import Deployment, Pipeline
from craftsync.simulator.history import History
from craftsync.simulator.listings import Listings
from craftsync.simulator.messages import Refusal, Request, Response, not_found
from craftsync.simulator.metrics import Filter, Row, select
from craftsync.simulator.streams import Run
from craftsync.simulator.world import World

Names = tuple[str, ...]


@dataclass(slots=True)
class Desk:
    """One world, and what was rendered of it."""

    world: World
    history: History = field(init=False)
    listings: Listings = field(init=False)
    polls: Counter[str] = field(default_factory=Counter)
    _selected: tuple[Any, list[Row]] = ((), [])

    def __post_init__(self) -> None:
        """Open the history of the world."""
        self.history = self.world.history
        self.listings = Listings(self.history)

    @property
    def now_ms(self) -> int:
        """Tell the platform's time."""
        return self.history.clock.now_ms()

    def run(self, execution_id: str) -> Run:
        """Find an execution, or answer 404."""
        run = self.history.find(execution_id, self.now_ms)
        if run is None:
            raise not_found("Execution", execution_id)
        return run

    def deployment(self, name: str) -> Deployment:
        """Find a deployment, or answer 404."""
        deployment = self.history.deployments.get(name)
        if deployment is None:
            raise not_found("Deployment", name)
        return deployment

    def pipeline(self, name: str) -> Pipeline:
        """Find a pipeline, or answer 404."""
        pipeline = self.history.pipelines.get(name)
        if pipeline is None:
            raise not_found("Pipeline", name)
        return pipeline

    def metrics(self, asked: Filter, *, lists: bool) -> list[Row]:
        """Select metrics; the pages of one listing are cut from one selection."""
        key = (asked, lists, self.now_ms, sum(self.history.versions.values()))
        if self._selected[0] != key:
            self._selected = key, select(self.history, asked, self.now_ms, lists=lists)
        return self._selected[1]


@dataclass(frozen=True, slots=True)
class Call:
    """One request at the desk, with the names in its path."""

    desk: Desk
    request: Request
    names: Names


Handler = Callable[[Call], Response]


def body_of(request: Request) -> dict[str, Any]:
    """Read a JSON object, or answer 400."""
    try:
        body = request.json()
    except ValueError as error:
        raise Refusal(400, "BadRequestException", f"The body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refusal(400, "BadRequestException", "The body is no JSON object")
    return body


def whole_number(given: Any, name: str) -> int | None:
    """Read an optional whole number, or answer 400."""
    if given is None:
        return None
    try:
        number = int(given)
    except (TypeError, ValueError):
        raise Refusal(400, "ValidationException", f"{name} must be an integer", name=name) from None
    if isinstance(given, (bool, float)):
        raise Refusal(400, "ValidationException", f"{name} must be an integer", name=name)
    return number

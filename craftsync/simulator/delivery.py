"""How an answer leaves: whole, cut, dripped, or not at all."""

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Protocol

from craftsync.simulator.api import Platform
from craftsync.simulator.messages import Request, Response


class Manner(StrEnum):
    """What happens to the bytes of an answer."""

    WHOLE = auto()
    RESET = auto()  # the connection is reset, nothing is sent
    HELD = auto()  # nothing is sent, the connection stays open
    CUT = auto()  # half the body, then the connection ends
    DRIPPED = auto()  # the body trickles


@dataclass(slots=True)
class Delivery:
    """One answer on its way out."""

    response: Response
    manner: Manner = Manner.WHOLE
    with_length: bool = True
    close: bool = False
    wait_s: float = 0
    drip_s: float = 0  # how long the whole body takes when it is dripped
    fault: str | None = None
    date: str | None = None  # what the Date header says, where the response has none of its own


class Mishaps(Protocol):
    """What may go wrong between a platform and its clients."""

    def refuses(self, connection: int) -> bool:
        """Tell whether the nth connection is closed as soon as it is made."""

    def deliver(self, request: Request, platform: Platform) -> Delivery:
        """Answer a request, truly or otherwise."""


class Smooth:
    """Nothing goes wrong."""

    def refuses(self, connection: int) -> bool:  # noqa: ARG002  the protocol asks for it
        """Let every connection in."""
        return False

    def deliver(self, request: Request, platform: Platform) -> Delivery:
        """Answer truly."""
        return Delivery(platform.handle(request))

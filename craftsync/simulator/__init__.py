"""A make-believe platform, written from its wire contract and from nothing else.

    with Server(World(seed=1, executions=200)) as server:
        ...  # server.url, server.world.sdk_token

A `World` is a seeded estate that ages; `Platform` answers requests over it without sockets;
`Server` does so on loopback. What nobody knows about the real platform is chosen by `Quirks`.
"""

from craftsync.simulator.api import Platform
from craftsync.simulator.blueprints import Port
from craftsync.simulator.delivery import Delivery, Manner
from craftsync.simulator.faults import KINDS, Faults
from craftsync.simulator.history import Deletion
from craftsync.simulator.lines import Line
from craftsync.simulator.messages import Request, Response, json_response
from craftsync.simulator.patches import ABSENT
from craftsync.simulator.quirks import Quirks
from craftsync.simulator.server import PortError, Server
from craftsync.simulator.serving import serve
from craftsync.simulator.truth import TrueExecution, TrueLine, TrueValue, Truth
from craftsync.simulator.values import Content
from craftsync.simulator.world import World

__all__ = [
    "ABSENT",
    "KINDS",
    "Content",
    "Deletion",
    "Delivery",
    "Faults",
    "Line",
    "Manner",
    "Platform",
    "Port",
    "PortError",
    "Quirks",
    "Request",
    "Response",
    "Server",
    "TrueExecution",
    "TrueLine",
    "TrueValue",
    "Truth",
    "World",
    "json_response",
    "serve",
]

"""`craftsync simulate`: the make-believe platform, served on loopback."""

import os

import click

from craftsync.cli import counts, options, say, streams
from craftsync.errors import Usage
from craftsync.simulator import Faults, PortError, serve


@click.command()
@options.common
@click.option(
    "--port",
    type=counts.Within(0, 65535),
    default=0,
    metavar="N",
    help="Listen on this port of loopback. Default: a free one.",
)
@click.option(
    "--seed",
    type=counts.Whole(),
    default=1,
    metavar="N",
    help="Which make-believe history. Default: 1.",
)
@click.option(
    "--executions",
    type=counts.Within(min=0),
    default=200,
    metavar="N",
    help="So many executions to begin with. Default: 200.",
)
@click.option(
    "--latency-ms",
    type=click.FloatRange(min=0),
    default=0,
    metavar="N",
    help="Answer so much later. Default: 0.",
)
@click.option(
    "--faults", default="", metavar="KIND:RATE,…", help="Go wrong in these ways. Default: never."
)
def simulate(port: int, seed: int, executions: int, latency_ms: float, faults: str) -> None:
    """Serve the make-believe platform until interrupted.

    Example: craftsync simulate --executions 1000 --faults 500:0.1,slow:0.05

    Prints the three variables that make craftsync, or the official client, talk to it.

    Ends with 0 when interrupted, 2 for a port that is taken or a fault that nobody knows.
    """

    def ready(url: str, token: str) -> None:
        streams.out(
            f"export CRAFT_AI_SDK_TOKEN={token}\n"
            f"export CRAFT_AI_ENVIRONMENT_URL={url}\n"
            f"export CRAFT_AI_CONTROL_URL={url}\n"
        )
        streams.flush()
        say.note("Serving until interrupted (Ctrl-C).")

    try:
        serve(
            port=port,
            seed=seed,
            executions=executions,
            latency_ms=latency_ms,
            faults=_read(faults, seed),
            on_ready=ready,
        )
    except PortError as flaw:
        raise Usage(
            f"Port {port} of loopback cannot be listened on: {os.strerror(flaw.errno or 0)}.",
            hint="Name another --port, or none for a free one: craftsync simulate",
        ) from flaw


def _read(faults: str, seed: int) -> Faults | None:
    try:
        return Faults.parse(faults, seed=seed) if faults else None
    except ValueError as flaw:
        raise Usage(
            f"--faults {flaw}.", hint="craftsync simulate --faults 500:0.1,slow:0.05"
        ) from flaw

"""An older official client, installed light under `.sdk/`, in the place of today's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.old_client.caller import Client, Driver, driving

from craftsync.simulator import Server

SDK = Path(__file__).parents[3] / ".sdk" / "0.64.1"


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    if not (SDK / "craft_ai_sdk").is_dir():
        pytest.fail(
            f"The older client is not in {SDK.relative_to(SDK.parents[1])}: type `make sdk`."
        )
    with driving(SDK) as started:
        yield started


@pytest.fixture
def sign_in(driver: Driver):
    """Make older clients of a server."""
    clients = []

    def make(server: Server, token: str | None = None) -> Client:
        client = driver.client(
            sdk_token=token or server.world.sdk_token,
            environment_url=server.url + "/",
            control_url=server.url + "/",
            verbose_log=False,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.leave()

"""The official client, installed light under `.sdk/`, and a platform for it to talk to."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from craftsync.simulator import Server, World

SDK = Path(__file__).parents[2] / ".sdk" / "0.74.7"


def pytest_configure(config: pytest.Config) -> None:
    if not (SDK / "craft_ai_sdk").is_dir():
        raise pytest.UsageError(
            f"The official client is not in {SDK.relative_to(SDK.parents[1])}: type `make sdk`."
        )
    sys.path.append(str(SDK))


@pytest.fixture(autouse=True)
def outside_of_an_execution(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CRAFT_AI_EXECUTION_ID", raising=False)
    for name in ("CRAFT_AI_SDK_TOKEN", "CRAFT_AI_ENVIRONMENT_URL", "CRAFT_AI_CONTROL_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Serve worlds for the time of a test."""
    servers: list[Server] = []

    def start(world: World, **settings) -> Server:
        server = Server(world, **settings)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def sign_in():
    """Make official clients of a server."""
    from craft_ai_sdk import CraftAiSdk

    clients = []

    def make(server: Server, token: str | None = None) -> CraftAiSdk:
        client = CraftAiSdk(
            sdk_token=token or server.world.sdk_token,
            environment_url=server.url + "/",
            control_url=server.url + "/",
            verbose_log=False,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client._session.close()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def server(world: World, serve) -> Server:
    return serve(world)


@pytest.fixture
def client(server: Server, sign_in):
    return sign_in(server)

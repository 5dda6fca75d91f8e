"""The server and its databases as fixtures, for all tests."""

import pytest
from postgres import server


@pytest.fixture(scope="session")
def postgres():
    """A server for all tests of this process."""
    with server.running() as started:
        yield started


@pytest.fixture(scope="session")
def empty_store(postgres):
    """The name of a database with an empty store, to be copied."""
    return server.template(postgres)


@pytest.fixture
def database(postgres, empty_store):
    """The address of an empty store in a database of its own."""
    name = postgres.create(empty_store)
    yield postgres.address(name)
    postgres.drop(name)

"""One contract, an engine as its parameter: stores are copied from one made by migration."""

import shutil

import pytest
from store.made import Mirror

from craftsync.store import engine


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request):
    """Which engine a test is about: each is about both, but where it says otherwise."""
    return request.param


@pytest.fixture
def url(kind, request):
    """A store of its own for each test, at the newest revision."""
    if kind == "postgresql":
        return engine.address(request.getfixturevalue("database"))
    path = request.getfixturevalue("tmp_path") / "history.db"
    shutil.copyfile(request.getfixturevalue("template"), path)
    path.chmod(0o600)
    return engine.address(path)


@pytest.fixture
def writer(url):
    opened = engine.writer(url)
    yield opened
    opened.dispose()


@pytest.fixture
def reader(url):
    opened = engine.reader(url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def rolled_back(postgres, empty_store):
    """A store on the server for all tests that leave nothing behind."""
    name = postgres.create(empty_store)
    opened = engine.writer(engine.address(postgres.address(name)))
    yield opened
    opened.dispose()


@pytest.fixture
def connection(kind, request):
    """A transaction of a writer, rolled back at the end: nothing waits for the disk."""
    mine = kind == "sqlite" or "url" in request.fixturenames
    with request.getfixturevalue("writer" if mine else "rolled_back").connect() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def prod(connection):
    """A mirrored environment, empty."""
    return Mirror(connection)

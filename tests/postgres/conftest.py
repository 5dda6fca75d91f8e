import pytest
from lab import lab as make_lab

from craftsync.simulator import World


@pytest.fixture
def empty(postgres):
    """The address of a database without a store."""
    name = postgres.create()
    yield postgres.address(name)
    postgres.drop(name)


@pytest.fixture
def made(tmp_path, database):
    """A lab over a small estate of every kind, mirrored into PostgreSQL."""
    with make_lab(tmp_path, World(seed=1, executions=40), store=database) as lab:
        yield lab


@pytest.fixture
def calm(tmp_path, database):
    """A lab over an estate in which everything is over and nothing happens by itself."""
    with make_lab(tmp_path, World(seed=2, executions=60, settled=True), store=database) as lab:
        yield lab

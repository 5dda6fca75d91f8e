import pytest
from lab import lab as make_lab

from craftsync.simulator import World


@pytest.fixture
def calm(tmp_path):
    """A lab over an estate in which everything is over and nothing happens by itself."""
    with make_lab(tmp_path, World(seed=2, executions=60, settled=True)) as made:
        yield made

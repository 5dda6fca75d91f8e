"""What the gates share: stores on both engines, and a place for their figures."""

import gc
from contextlib import contextmanager

import pytest
from gates.summary import GATE


@pytest.fixture
def new_store(request):
    """Make an empty store on an engine: None is the file that a lab makes by itself."""

    @contextmanager
    def on(engine):
        if engine == "SQLite":
            yield None
            return
        server = request.getfixturevalue("postgres")
        name = server.create(request.getfixturevalue("empty_store"))
        yield server.address(name)
        server.drop(name)

    return on


@pytest.fixture
def figures(record_property):
    """Take down what a gate measured: its number, what it was about, and words with figures.

    `each` tells apart those that are about the same: they are one row of the document.
    """

    def tell(gate, what, *, each=None, **told):
        # Numbers and words alone: keys of a mapping would come back from JSON as strings.
        figures = {
            name.replace("_", " "): value if isinstance(value, int) else str(value)
            for name, value in told.items()
        }
        record_property(GATE, [gate, what, each, figures])

    return tell


@pytest.fixture
def warmed():
    """Collect garbage before children are forked, so that none of it is collected in them."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()

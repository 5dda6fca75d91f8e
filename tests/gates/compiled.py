"""Compile a statement once in a process, not once for each engine.

SQLAlchemy keeps what it compiled with the engine, and a command opens an engine or two. A model
that runs ten thousand commands in one process would spend a fifth of its time on compiling.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Engine

from craftsync.store import engine

_first: dict[tuple[str, str | None], Engine] = {}


@contextmanager
def once() -> Iterator[None]:
    """Let all engines of one kind that are made in this block share what they compiled.

    They must find the same schema at the same place: a dialect knows the name of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "create_engine", _create_sharing)
        yield


def _create_sharing(url: sqlalchemy.URL, **asked: Any) -> Engine:
    made = sqlalchemy.create_engine(url, **asked)
    first = _first.setdefault((made.dialect.name, asked.get("isolation_level")), made)
    made.dialect = first.dialect  # it is a part of the key under which a statement is kept
    made._compiled_cache = first._compiled_cache
    return made

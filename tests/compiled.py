"""Compile a statement once in a process, not once for each engine.

SQLAlchemy keeps what it compiled with the engine, and a command opens an engine or two. Tests that
run thousands of commands in one process would spend a fifth of their time on compiling.
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
def once(*kinds: str) -> Iterator[None]:
    """Let all engines of these kinds that are made in this block share what they compiled.

    They must find the same schema at the same place: a dialect knows the name of its own. A file
    has but one; of a server it holds for databases that are set alike.
    """

    def create(url: sqlalchemy.URL, **asked: Any) -> Engine:
        made = sqlalchemy.create_engine(url, **asked)
        if made.dialect.name in kinds:
            first = _first.setdefault((made.dialect.name, asked.get("isolation_level")), made)
            made.dialect = first.dialect  # it is a part of the key under which a statement is kept
            made._compiled_cache = first._compiled_cache
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "create_engine", create)
        yield

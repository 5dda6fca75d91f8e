"""The Python API: the history as one object to ask, read-only, always as fresh as the store.

Instants in rows are aware and in UTC; data frames have them without a zone, in UTC. JSON is text,
so that no digit is lost.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from craftsync import settings
from craftsync.app.asking import Asking
from craftsync.errors import Usage
from craftsync.query import catalog, known
from craftsync.query.answers import Answer

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from craftsync.query.duck import Session


class Result:
    """The answer to one question: it stays what it was, whatever is synced meanwhile.

    It is asked when it is made, so that what is wrong with a question is said at once.
    """

    def __init__(self, session: "Session", ask: "Callable[[Session], Answer]") -> None:
        self._session = session
        self._ask = ask
        self._answer: Answer | None = ask(session)
        self.columns: tuple[str, ...] = tuple(name for name, _ in self._answer.columns)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as dicts, in the order of the question."""
        return list(self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Give the rows as they are read."""
        for row in self._fresh().rows:
            yield dict(zip(self.columns, map(_aware, row), strict=True))

    def to_pandas(self) -> "pd.DataFrame":
        """Return a data frame of pandas; raises `Usage` where pandas is not installed."""
        _need("pandas")
        self._fresh()
        frame: pd.DataFrame = self._session.connection.df()
        return frame

    def to_polars(self) -> "pl.DataFrame":
        """Return a data frame of polars; raises `Usage` where polars is not installed."""
        _need("polars", "pyarrow")
        import polars  # noqa: PLC0415 - an extra

        frame = polars.from_arrow(self.to_arrow())
        if isinstance(frame, polars.Series):  # which a table never gives
            raise TypeError(type(frame).__name__)
        return frame

    def to_arrow(self) -> "pa.Table":
        """Return a table of Arrow; raises `Usage` where pyarrow is not installed."""
        _need("pyarrow")
        self._fresh()
        with warnings.catch_warnings():
            # A relation would save a copy, but could not give rows as well.
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
            table: pa.Table = self._session.connection.to_arrow_table()
        return table

    def _fresh(self) -> Answer:
        """Return the answer unread; the session sees for ever what it saw when it was opened."""
        answer = self._answer or self._ask(self._session)
        self._answer = None
        return answer


def open_history(store: "str | Path | None", *, refresh: bool) -> "History":
    """Open the history that the settings of this process point at, or the one in `store`."""
    flags = {} if store is None else {"store": str(store)}
    found = settings.load(flags=flags, environ=os.environ, cwd=Path.cwd())
    return History(Asking(found, os.environ), refresh=refresh)


class History:
    """What is mirrored, to be asked; each question sees what the store holds when it is asked.

    It holds nothing open: there is nothing to close, and a sync goes on beside it.
    """

    def __init__(self, app: Asking, *, refresh: bool = True) -> None:
        self._app = app
        self._refresh = refresh

    def sql(self, sql: str) -> Result:
        """Ask one SELECT over the public relations.

        Raises `Usage` for SQL that does not fit, `Refused` for what may not run, `StoreUnusable`
        when there is no store or it cannot be read.
        """
        return self._result(lambda session: session.ask_safely(sql))

    def query(self, name: str, **parameters: Any) -> Result:
        """Ask a named question: `query("failure_rate", by="week", since="90d")`.

        Parameters are what one types after `-p`, or Python's own: a number, a truth, a datetime.
        Raises `Usage` for a question or a parameter that there is not, with the nearest names.
        """
        question = catalog.find(name, self._app.own_questions())
        typed = _as_typed(parameters)
        return self._result(
            lambda session: catalog.ask(session.connection, question, typed, session.now)
        )

    def io(self, pipeline: str, *, side: str = "both", since: str = "30d", **more: Any) -> Result:
        """Return one row a run of a pipeline: its inputs as `in_*`, its outputs as `out_*`.

        Raises `Usage` for a pipeline that the store does not know, with the nearest names.
        """
        question = catalog.find("io_table", self._app.own_questions())
        asked = _as_typed({"pipeline_name": pipeline, "side": side, "since": since, **more})

        def ask(session: "Session") -> Answer:
            values: Mapping[str, Any] = catalog.bind(question, asked, session.now)
            environment = values.get("environment")
            known.environment(session.connection, environment)
            known.pipeline(session.connection, pipeline, environment)
            return catalog.ask(session.connection, question, asked, session.now)

        return self._result(ask)

    def _result(self, ask: "Callable[[Session], Answer]") -> Result:
        return Result(self._app.asking(refresh=self._refresh), ask)


def _aware(cell: Any) -> Any:
    return cell.replace(tzinfo=UTC) if isinstance(cell, datetime) and not cell.tzinfo else cell


def _need(*names: str) -> None:
    for name in names:
        try:
            import_module(name)
        except ModuleNotFoundError as flaw:
            raise Usage(
                f"{name} must be installed for this.", hint="pip install 'craftsync[frames]'"
            ) from flaw


def _as_typed(given: Mapping[str, Any]) -> dict[str, str]:
    """Write the parameters of a question as one would type them."""
    return {name: _typed(value) for name, value in given.items() if value is not None}


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return str(value)

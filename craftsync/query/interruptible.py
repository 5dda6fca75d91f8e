"""Work of DuckDB's that Ctrl-C ends at once.

DuckDB hears a signal only between two steps of a query, and one step may take hours: the work is
done beside the main thread, which waits for it, hears the signal, and lets DuckDB be interrupted.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")
_AGAIN_S = 0.1  # an interrupt that comes before the query has begun goes unheard


def done(connection: "duckdb.DuckDBPyConnection", work: Callable[[], T]) -> T:
    """Return what `work` on this connection returns, or raise what it raises."""
    if current_thread() is not main_thread():  # signals are none of its business
        return work()
    with ThreadPoolExecutor(1) as worker:
        doing = worker.submit(work)
        try:
            return doing.result()
        except BaseException:
            while not doing.done():
                connection.interrupt()
                wait([doing], _AGAIN_S)
            raise

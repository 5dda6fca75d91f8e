"""Recorded metrics: of one execution, and which pipelines record any at all.

Pages end with one that is empty, or when as many came as the platform counts: exactly as many, for
one that counts too few has more pages. A page that came before is no end while some are missing: it
raises, for what it hides is not known.
"""

import hashlib
from collections.abc import Iterator, Set
from typing import Any, Protocol

from craftsync.errors import BadAnswer, Missing
from craftsync.records import Metric
from craftsync.upstream import exact, payloads
from craftsync.upstream.fields import is_name

SINGLE, LISTS = "single-value", "list-values"
_A_PAGE = 5000
_MOST_PAGES = 10_000


class Source(Protocol):
    """What sends a page of metrics; `client.Platform` does."""

    def metrics(self, kind: str, query: dict[str, str]) -> Any:
        """Return one page, decoded."""
        ...


def of_execution(source: Source, execution_id: str) -> tuple[Metric, ...]:
    """Read what one execution recorded; raises `BadAnswer` when the pages do not add up.

    So it does when they tell of other executions.
    """
    single = list(_rows_of(source, SINGLE, execution_id))
    return payloads.metrics(single, _rows_of(source, LISTS, execution_id))


def recording_pipelines(source: Source, *, known: Set[str]) -> frozenset[str]:
    """Return which pipelines record metrics, by a pass that ends once all `known` ones do."""
    found: set[str] = set()
    for kind in (SINGLE, LISTS):
        for page in _pages(source, kind, {}):
            for row in page:
                name = row.get("pipeline_name") if isinstance(row, dict) else None
                if is_name(name):
                    found.add(name)
            if found >= known:
                return frozenset(found)
    return frozenset(found)


def are_recorded_by(source: Source, pipeline_name: str) -> bool:
    """Whether there are metrics of a pipeline, by one small page of each kind."""
    query = {"filters[pipeline_name]": pipeline_name, "items_per_page": "1", "page": "1"}
    try:
        answers = [source.metrics(kind, query) for kind in (SINGLE, LISTS)]
    except Missing:
        return False
    return any(not isinstance(one, dict) or one.get("metrics") != [] for one in answers)


def _rows_of(source: Source, kind: str, execution_id: str) -> Iterator[Any]:
    for page in _pages(source, kind, {"filters[execution_id]": execution_id}):
        for row in page:
            # A platform that heeds no filter sends those of all.
            if isinstance(row, dict) and row.get("execution_id") not in (execution_id, None):
                raise BadAnswer(f"metrics {kind}: some of another execution came")
            yield row


def _pages(source: Source, kind: str, query: dict[str, str]) -> Iterator[list[Any]]:
    seen: set[bytes] = set()
    count = 0
    for number in range(1, _MOST_PAGES):
        asked = {**query, "items_per_page": str(_A_PAGE), "page": str(number)}
        answer = source.metrics(kind, asked)
        rows = answer.get("metrics") if isinstance(answer, dict) else None
        total = answer.get("total_count") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise BadAnswer(f"metrics {kind}: the answer has no list of metrics")
        if not rows:
            # Of lists nobody knows whether the platform counts lists or values.
            if kind == SINGLE and isinstance(total, int) and count < total:
                raise BadAnswer(f"metrics {kind}: {count:,} came of {total:,}")
            return
        print_of_page = hashlib.sha256(exact.dumps(rows, ascii=True).encode()).digest()
        if print_of_page in seen:
            if isinstance(total, int) and count >= total:
                return  # all that is counted came; the platform gives the last page again
            raise BadAnswer(f"metrics {kind}: page {number} repeats an earlier one")
        seen.add(print_of_page)
        count += len(rows)
        yield rows
        if count == total and len(rows) < _A_PAGE:
            return
    raise BadAnswer(f"metrics {kind}: more than {_MOST_PAGES:,} pages")

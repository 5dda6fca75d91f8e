"""Metrics: one value a name, or a list of values."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from craftsync.records import Metric, Payload
from craftsync.upstream import exact
from craftsync.upstream.fields import FLAWS, Columns, instant_or_none, name, refused


def metrics(single_values: Iterable[Any], list_values: Iterable[Any]) -> tuple[Metric, ...]:
    """Read the metrics of one execution; positions count from 0 for each name.

    A row that a later page repeats counts once; of a single value the last one holds.
    """
    try:
        rows: dict[Any, Payload] = {name(row["name"]): row for row in single_values}
        held = [(named, row, row.get("value")) for named, row in rows.items()]
        rows = {}
        for row in list_values:
            if type(row["values"]) is not list:
                raise TypeError("what is no list of values")
            said = exact.dumps([row["name"], row.get("created_at"), row["values"]])
            rows[said if row.get("created_at") else len(rows)] = row
        held += [(name(row["name"]), row, one) for row in rows.values() for one in row["values"]]
        positions: Counter[str] = Counter()
        found: list[Metric] = []
        for named, row, one in held:
            _, text, number = Columns().value(one)
            created_at = instant_or_none(row.get("created_at"))
            found.append(Metric(named, positions[named], number, text, created_at))
            positions[named] += 1
    except FLAWS as flaw:
        raise refused("metrics", None, flaw) from flaw
    return tuple(found)

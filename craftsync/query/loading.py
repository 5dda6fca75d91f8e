"""Fill the public relations in DuckDB out of a store: all of them, or what a revision touched.

Rows come over as they stand, a slice of executions at a time, so that memory stays bounded; DuckDB
makes the relations of them by the same definitions as the views. What hangs on other rows than its
own (`last_execution_id`, `deployment_created_at`) is taken from the relations themselves, and
`last_seen_at` of what is not gone stays NULL: a session computes it from the newest listings.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import TYPE_CHECKING

from craftsync.query.desk import MIRRORED, Desk
from craftsync.store import relations, staging
from craftsync.store.snapshot import Mark, Snapshot

if TYPE_CHECKING:
    import duckdb

SLICE = 50_000  # executions staged at a time
_ESTATE = (relations.PIPELINES, relations.DEPLOYMENTS, relations.DEPLOYMENT_VERSIONS)
_OF_EXECUTIONS = tuple(one for one in MIRRORED if one.carrier == "e")
# The newest instants first, then who has them: a third of what one aggregate of both takes.
_LAST_EXECUTIONS = """
    update replica.deployments as d set last_execution_id = last.execution_id
    from (
        with newest as (
            select
                environment, deployment_name, deployment_created_at,
                max(created_at) as created_at
            from replica.executions
            group by all
        )
        select d.its_key, max(e.execution_id) as execution_id
        from replica.deployments as d
        left join (
            replica.executions as e
            semi join newest using (
                environment, deployment_name, deployment_created_at, created_at
            )
        )
            on e.environment = d.environment and e.deployment_name = d.deployment_name
            and e.deployment_created_at = d.created_at
        group by d.its_key
    ) as last
    where last.its_key = d.its_key and last.execution_id is distinct from d.last_execution_id
"""
_BORN_LATER = """
    update replica.executions as e set deployment_created_at = newest.created_at
    from (
        select x.its_key, max(born.created_at) as created_at
        from replica.executions as x
        join (
            select distinct environment, deployment_name from replica.deployments
            where its_key in (select key from deployment)
        ) as touched using (environment, deployment_name)
        join replica.deployments as born
            on born.environment = x.environment and born.deployment_name = x.deployment_name
            and born.created_at <= x.created_at
        group by x.its_key
    ) as newest
    where newest.its_key = e.its_key and newest.created_at is distinct from e.deployment_created_at
"""


class Loader:
    """Brings rows from one snapshot of a store into the database that `attach` attaches.

    It is attached as `replica` once the first rows are staged: meanwhile it may still be copied.
    Raises `StoreUnusable` for a row that does not fit its column, naming it.
    """

    def __init__(
        self, duck: "duckdb.DuckDBPyConnection", snapshot: Snapshot, attach: Callable[[], None]
    ) -> None:
        self._duck = duck
        self._snapshot = snapshot
        self._attach = attach
        self._first = Desk(duck, "desk_0", snapshot)

    def build(self) -> None:
        """Make the relations and fill them with all that the store holds."""
        self._load("")

    def refresh(self, known: Mapping[int, Mark], now: Mapping[int, Mark]) -> None:
        """Replace what the store touched after `known`; `now` are the marks of the snapshot."""
        touched = " or ".join(
            f"(environment_key = {key} and rev > {known[key].rev if key in known else -1})"
            for key, mark in now.items()
            if mark != known.get(key)
        )
        self._load(touched or "false")

    def _load(self, touched: str) -> None:
        self._first.furnish()
        for table in staging.ESTATE:
            keys = f"select key from {table.carrier} where {touched}"
            self._first.stage(table, f"{table.key} in ({keys})" if touched else "")
        staged = self._staged(touched)
        full = next(staged, None)
        self._attach()
        self._estate(touched)
        with ThreadPoolExecutor(1) as maker:
            while full is not None:
                making = maker.submit(full.insert, _OF_EXECUTIONS, replace=bool(touched))
                full = next(staged, None)
                making.result()
        self._first.run(_LAST_EXECUTIONS)

    def _estate(self, touched: str) -> None:
        if not touched:
            self._first.make_relations()
        self._first.insert(_ESTATE, replace=bool(touched))
        if touched:
            self._first.run(_BORN_LATER)

    def _staged(self, touched: str) -> Iterator[Desk]:
        """Stage slice after slice, each beside the one of which relations are being made."""
        condition = f" where {touched}" if touched else ""
        keys = self._snapshot.rows(f"select key from execution{condition} order by key")
        desks = [self._first]
        if len(keys) > SLICE:
            desks.append(Desk(self._duck, "desk_1", self._snapshot))
            desks[1].furnish()
        for desk, (first, last) in zip(cycle(desks), _slices(keys), strict=False):
            within = f"key between {first} and {last}"
            chosen = f"{within} and ({touched})" if touched else within
            of_them = f"execution_key between {first} and {last}"
            if touched:
                of_them = f"execution_key in (select key from execution where {chosen})"
            desk.stage(staging.EXECUTION, chosen)
            for table in staging.CHILDREN:
                desk.stage(table, of_them)
            yield desk


def _slices(keys: list[tuple[int]]) -> Iterator[tuple[int, int]]:
    """Give the first and last key of each slice; `keys` are in order."""
    for start in range(0, len(keys), SLICE):
        some = keys[start : start + SLICE]
        yield some[0][0], some[-1][0]

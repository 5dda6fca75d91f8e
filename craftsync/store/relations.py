"""The public relations: the one definition that views, replica, exports and docs come from."""

from craftsync.store.relation import Column, ColumnKind, Relation
from craftsync.store.relations_books import DELETIONS, SYNC_FAILURES, SYNC_RUNS
from craftsync.store.relations_estate import (
    DEPLOYMENT_VERSIONS,
    DEPLOYMENTS,
    ENVIRONMENTS,
    PIPELINES,
)
from craftsync.store.relations_executions import (
    EXECUTIONS,
    INPUTS,
    LOGS,
    METRICS,
    OUTPUTS,
    PARTS,
    STATUS_CHANGES,
    STEPS,
)

__all__ = [
    "BY_NAME",
    "DELETIONS",
    "DEPLOYMENTS",
    "DEPLOYMENT_VERSIONS",
    "ENVIRONMENTS",
    "EXECUTIONS",
    "INPUTS",
    "LOGS",
    "METRICS",
    "OUTPUTS",
    "PARTS",
    "PIPELINES",
    "PUBLIC",
    "STATUS_CHANGES",
    "STEPS",
    "SYNC_FAILURES",
    "SYNC_RUNS",
    "Column",
    "ColumnKind",
    "Relation",
]

PUBLIC: tuple[Relation, ...] = (
    ENVIRONMENTS,
    PIPELINES,
    DEPLOYMENTS,
    DEPLOYMENT_VERSIONS,
    EXECUTIONS,
    STATUS_CHANGES,
    STEPS,
    INPUTS,
    OUTPUTS,
    LOGS,
    METRICS,
    PARTS,
    SYNC_RUNS,
    SYNC_FAILURES,
    DELETIONS,
)
BY_NAME = {relation.name: relation for relation in PUBLIC}

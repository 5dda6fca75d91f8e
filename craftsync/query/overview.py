"""Figures of a window and of the one before it: what no named question gives, since it is whole.

A quantile of all runs cannot be put together from those of each pipeline. Everything is counted in
one pass: each deployment, and all of them together.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from craftsync.query.answers import Answer, of

if TYPE_CHECKING:
    import duckdb

_ASKED = """
      pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
"""

_FIGURES = f"""
with asked as (
    select *, created_at >= $since as is_current
    from executions
    where created_at >= $before and created_at < $until and {_ASKED}
),
counted as (
    select
        grouping(environment) = 1                                as is_total,
        environment,
        pipeline_name,
        deployment_name,
        is_current,
        count(*)                                                 as runs,
        count(*) filter (is_ok(status))                          as succeeded,
        count(*) filter (lower(status) = 'failed')               as failed,
        count(*) filter (lower(status) = 'error')                as error,
        count(*) filter (lower(status) = 'skipped')              as skipped,
        count(*) filter (
            gone_at is null and not coalesce(is_ended(status) or lower(status) = 'skipped', false)
        )                                                        as unended,
        count(run_s) filter (is_ok(status))                      as timed,
        quantile_cont(run_s, [0.5, 0.95]) filter (is_ok(status)) as run_s,
        count(queue_s)                                           as waited,
        quantile_cont(queue_s, [0.5, 0.95])                      as queue_s
    from asked
    group by grouping sets (
        (is_current), (environment, pipeline_name, deployment_name, is_current)
    )
)
select
    is_total,
    environment,
    pipeline_name,
    deployment_name,
    is_current,
    runs,
    succeeded,
    failed,
    error,
    skipped,
    unended,
    wilson_low(failed + error, succeeded + failed + error)       as ci_low,
    wilson_high(failed + error, succeeded + failed + error)      as ci_high,
    timed,
    run_s[1]                                                     as run_p50_s,
    run_s[2]                                                     as run_p95_s,
    waited,
    queue_s[1]                                                   as queue_p50_s,
    queue_s[2]                                                   as queue_p95_s
from counted
order by is_total desc, environment, pipeline_name, deployment_name nulls first, is_current
"""

_EXTENT = f"""
select
    count(*)                                                     as held,
    min(created_at)                                              as oldest_at,
    max(created_at)                                              as newest_at,
    min(created_at) filter (created_at >= $since and created_at < $until) as first_at,
    max(created_at) filter (created_at >= $since and created_at < $until) as last_at
from executions
where {_ASKED}
"""


def figures(session: "duckdb.DuckDBPyConnection", values: Mapping[str, Any]) -> Answer:
    """Count and time the runs from `since` to `until`, and those from `before` to `since`.

    Rows are those of a group, or of all where `is_total`; `unended` are of a status that is no end
    and not gone, run times those of successful runs. `values` are before, since, until, environment
    (None: all) and pipeline_name, a glob; instants are naive and mean UTC.
    """
    return of(session.execute(_FIGURES, dict(values)))


def extent(session: "duckdb.DuckDBPyConnection", values: Mapping[str, Any]) -> Answer:
    """Tell in one row how far the history reaches at all, and from when to when in the window.

    `values` are those of `figures`.
    """
    named = ("since", "until", "environment", "pipeline_name")
    return of(session.execute(_EXTENT, {name: values[name] for name in named}))

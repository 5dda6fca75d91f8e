"""When periodic deployments should have run: their cron expressions, counted out in UTC.

An expression that cannot be read expects nothing, and neither does a deployment before it was first
seen, or while it was disabled. Each expression is counted once, however many deployments share it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    import duckdb

TAKES = frozenset({"environment", "since", "until", "pipeline_name"})

_FIELDS = 5
_MINUTE = timedelta(minutes=1)

# From when to when each deployment stood under a schedule, as far as it was asked for and is known.
_STANDING = """
create or replace temp table standing as
with versions as (
    select
        environment,
        deployment_name,
        deployment_created_at,
        settings ->> '$.schedule'                                as schedule,
        try_cast(settings ->> '$.is_enabled' as boolean)         as is_enabled,
        valid_from,
        valid_to
    from deployment_versions
    where $environment is null or environment = $environment
)
select
    v.environment,
    v.deployment_name,
    v.deployment_created_at,
    v.schedule,
    v.is_enabled,
    -- What ran is known as far as the pipeline's executions were listed, whatever else was.
    if(
        d.pipeline_name is null,
        d.last_seen_at,
        least(
            d.last_seen_at,
            coalesce(
                getvariable('seen')[
                    v.environment || chr(1) || 'pipeline' || chr(1) || d.pipeline_name
                ],
                '-infinity'::timestamp
            )
        )
    )                                                            as known_until,
    greatest(v.valid_from, d.first_seen_at, $since)              as begins,
    least(coalesce(v.valid_to, $until), known_until, $until)     as ends
from versions as v
join deployments as d
    on d.environment = v.environment
    and d.deployment_name = v.deployment_name
    and d.created_at = v.deployment_created_at
where d.gone_at is null
  and v.schedule is not null
  and v.is_enabled is distinct from false
  and begins < ends
  and coalesce(d.pipeline_name, '') glob $pipeline_name
"""
_SPANS = """
select schedule, min(begins), max(ends) from standing group by schedule order by schedule
"""
_INSTANTS = "create or replace temp table instants (schedule varchar, expected_at timestamp)"
_ADD = "insert into instants select $schedule, unnest($instants::timestamp[])"
_EXPECTED = """
create or replace temp table expected as
select
    s.environment,
    s.deployment_name,
    s.deployment_created_at,
    s.schedule,
    s.is_enabled,
    s.known_until,
    i.expected_at
from standing as s
join instants as i
    on i.schedule = s.schedule
    and i.expected_at >= s.begins
    and i.expected_at < s.ends
"""


def instants(schedule: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """Give the instants of a cron expression of five fields, from `since` to before `until`.

    Both are naive and mean UTC; an expression that cannot be read gives none.
    """
    if len(schedule.split()) != _FIELDS:  # a sixth would be seconds, which the platform has not
        return
    try:
        counted = CronSim(schedule, since - _MINUTE)  # it begins after what it is given
    except CronSimError:
        return
    for moment in counted:
        if moment >= until:
            return
        if moment >= since:
            yield moment


def expect(session: "duckdb.DuckDBPyConnection", values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill the temporary table `expected` for the window and the names asked for."""
    session.execute(_STANDING, {name: values[name] for name in TAKES})
    session.execute(_INSTANTS)
    for schedule, since, until in session.execute(_SPANS).fetchall():
        found = list(instants(schedule, since, until))
        session.execute(_ADD, {"schedule": schedule, "instants": found})
    session.execute(_EXPECTED)
    return values

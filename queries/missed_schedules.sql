-- title:  Missed schedules
-- asks:   Which periodic deployments did not run when they should have?
-- param:  environment    text      all
-- param:  since          instant   30d
-- param:  until          instant   now
-- param:  pipeline_name  glob      *
-- param:  grace          duration  10m
-- gives:  environment, deployment_name, pipeline_name, schedule, expected_at, next_seen_at, late_s
-- gives:  is_enabled
-- SQL cannot read cron: the table `expected` is filled beforehand, out of `deployment_versions`.
-- `is_enabled` is that of now: a deployment is not expected to run while it is disabled.
with runs as (
    select environment, deployment_name, deployment_created_at, created_at
    from executions
    where created_at >= $since and created_at < $until
      and deployment_name in (select deployment_name from expected)
      and ($environment is null or environment = $environment)
),
due as (
    select
        x.environment,
        x.deployment_name,
        x.deployment_created_at,
        d.pipeline_name,
        x.schedule,
        x.expected_at,
        d.is_enabled
    from expected as x
    join deployments as d
        on (d.environment, d.deployment_name, d.created_at)
            = (x.environment, x.deployment_name, x.deployment_created_at)
    where d.gone_at is null
      and x.expected_at >= $since
      -- What the mirror cannot know yet is not missed.
      and x.expected_at <= least($until, x.known_until) - $grace
      and coalesce(d.pipeline_name, '') glob $pipeline_name
      and ($environment is null or x.environment = $environment)
)
select
    due.environment,
    due.deployment_name,
    due.pipeline_name,
    due.schedule,
    due.expected_at,
    runs.created_at                                                    as next_seen_at,
    (epoch_us(runs.created_at) - epoch_us(due.expected_at)) / 1e6      as late_s,
    due.is_enabled
from due
-- The first run at or after each instant.
asof left join runs
    on runs.environment = due.environment
    and runs.deployment_name = due.deployment_name
    and runs.deployment_created_at = due.deployment_created_at
    and runs.created_at >= due.expected_at
where next_seen_at is null or next_seen_at > due.expected_at + $grace
order by due.environment, due.deployment_name, due.expected_at, due.deployment_created_at

-- title:  Last good run
-- asks:   When did each deployment last succeed, and how long ago is that?
-- param:  environment      text     all
-- param:  since            instant  30d
-- param:  until            instant  now
-- param:  pipeline_name    glob     *
-- param:  deployment_name  glob     *
-- gives:  environment, deployment_name, deployment_created_at, pipeline_name, last_ok_execution_id
-- gives:  last_ok_at, age_s, commit_id, failures_since
-- Every deployment that still stands, or ran within the time asked for; direct runs have none.
with runs as (
    select
        environment,
        deployment_name,
        deployment_created_at,
        pipeline_name,
        execution_id,
        created_at,
        commit_id,
        is_ok(status) as ok,
        is_failure(status)      as bad
    from executions
    where created_at >= $since and created_at < $until
      and deployment_name glob $deployment_name
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
latest as (
    select
        environment,
        deployment_name,
        deployment_created_at,
        arg_max(pipeline_name, created_at)  as pipeline_name,
        max(created_at) filter (ok)         as ok_at
    from runs
    group by all
),
good as (
    select
        l.environment,
        l.deployment_name,
        l.deployment_created_at,
        any_value(l.pipeline_name)          as pipeline_name,
        any_value(l.ok_at)                  as ok_at,
        max(execution_id)
            filter (ok and created_at = ok_at) as execution_id
    from latest as l
    join runs as r
        on r.environment = l.environment
        and r.deployment_name = l.deployment_name
        and r.deployment_created_at is not distinct from l.deployment_created_at
        and (l.ok_at is null or r.created_at >= l.ok_at)
    group by all
),
ran as (
    select
        g.environment,
        g.deployment_name,
        g.deployment_created_at,
        any_value(g.pipeline_name)          as pipeline_name,
        any_value(g.execution_id)           as execution_id,
        any_value(g.ok_at)                  as ok_at,
        any_value(r.commit_id)
            filter (r.execution_id = g.execution_id and r.created_at = g.ok_at) as commit_id,
        count(*) filter (
            bad and (g.ok_at is null or (r.created_at, r.execution_id) > (g.ok_at, g.execution_id))
        )                                   as failures
    from good as g
    join runs as r
        on r.environment = g.environment
        and r.deployment_name = g.deployment_name
        and r.deployment_created_at is not distinct from g.deployment_created_at
        and (g.ok_at is null or r.created_at >= g.ok_at)
    group by all
),
standing as (
    select environment, deployment_name, created_at as deployment_created_at, pipeline_name, gone_at
    from deployments
    where created_at < $until
      and deployment_name glob $deployment_name
      and coalesce(pipeline_name, '') glob $pipeline_name
      and ($environment is null or environment = $environment)
)
select
    coalesce(r.environment, s.environment)         as environment,
    coalesce(r.deployment_name, s.deployment_name) as deployment_name,
    coalesce(r.deployment_created_at, s.deployment_created_at) as deployment_created_at,
    coalesce(r.pipeline_name, s.pipeline_name)     as pipeline_name,
    r.execution_id                                 as last_ok_execution_id,
    r.ok_at                                        as last_ok_at,
    (epoch_us($until) - epoch_us(r.ok_at)) / 1e6   as age_s,
    r.commit_id                                    as commit_id,
    coalesce(r.failures, 0)                        as failures_since
from ran as r
full join standing as s
    on s.environment = r.environment
    and s.deployment_name = r.deployment_name
    and s.deployment_created_at = r.deployment_created_at
where r.environment is not null or s.gone_at is null
order by environment, deployment_name, deployment_created_at

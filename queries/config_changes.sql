-- title:  Changes of settings
-- asks:   What changed in deployments, when, and did they fail more afterwards?
-- param:  environment      text     all
-- param:  since            instant  30d
-- param:  until            instant  now
-- param:  pipeline_name    glob     *
-- param:  deployment_name  glob     *
-- gives:  environment, deployment_name, deployment_created_at, valid_from, field, old_value
-- gives:  new_value, updated_by, n_before, failure_rate_before, n_after, failure_rate_after
-- A row a setting that changed. Runs before are those since the change before it, runs after those
-- until the next, as far as they lie in the time asked for. The platform tells who made the newest
-- change only.
with versions as (
    select
        v.environment,
        v.deployment_name,
        v.deployment_created_at,
        v.valid_from,
        v.valid_to,
        v.settings,
        v.changed,
        lag(v.settings) over line                       as old_settings,
        lag(v.valid_from) over line                     as before_from,
        if(v.valid_to is null, d.updated_by, null)      as updated_by
    from deployment_versions as v
    join deployments as d
        on d.environment = v.environment
        and d.deployment_name = v.deployment_name
        and d.created_at = v.deployment_created_at
    where v.deployment_name glob $deployment_name
      and coalesce(d.pipeline_name, '') glob $pipeline_name
      and ($environment is null or v.environment = $environment)
    window line as (
        partition by v.environment, v.deployment_name, v.deployment_created_at
        order by v.valid_from, v.valid_to nulls last
    )
),
changes as (
    select *, unnest(changed::varchar[]) as field
    from versions
    where valid_from >= $since and valid_from < $until
),
ended as (
    select
        environment,
        deployment_name,
        deployment_created_at,
        created_at,
        is_failure(status)            as bad
    from executions
    where is_ended(status)
      and created_at >= $since and created_at < $until
      and deployment_name in (select deployment_name from changes)
),
counted as (
    select
        v.environment,
        v.deployment_name,
        v.deployment_created_at,
        v.valid_from,
        count(*)                                        as n,
        count(*) filter (e.bad) / count(*)              as failure_rate
    from ended as e
    asof join versions as v
        on v.environment = e.environment
        and v.deployment_name = e.deployment_name
        and v.deployment_created_at = e.deployment_created_at
        and v.valid_from <= e.created_at
    group by all
)
select
    c.environment,
    c.deployment_name,
    c.deployment_created_at,
    c.valid_from,
    c.field,
    c.old_settings -> ('/' || replace(replace(c.field, '~', '~0'), '/', '~1')) as old_value,
    c.settings -> ('/' || replace(replace(c.field, '~', '~0'), '/', '~1'))     as new_value,
    c.updated_by,
    coalesce(before.n, 0)                               as n_before,
    before.failure_rate                                 as failure_rate_before,
    coalesce(after.n, 0)                                as n_after,
    after.failure_rate                                  as failure_rate_after
from changes as c
left join counted as before
    on before.environment = c.environment
    and before.deployment_name = c.deployment_name
    and before.deployment_created_at = c.deployment_created_at
    and before.valid_from = c.before_from
    and c.before_from < c.valid_from
left join counted as after
    on after.environment = c.environment
    and after.deployment_name = c.deployment_name
    and after.deployment_created_at = c.deployment_created_at
    and after.valid_from = c.valid_from
    and (c.valid_to is null or c.valid_to > c.valid_from)
order by c.environment, c.deployment_name, c.deployment_created_at, c.valid_from, c.field

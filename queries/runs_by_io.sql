-- title:  Runs by input or output
-- asks:   Which runs had input or output X?
-- param:  environment    text     all
-- param:  since          instant  30d
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- param:  where          where    !
-- gives:  environment, execution_id, created_at, pipeline_name, deployment_name, status
-- gives:  in_*, out_*
-- The condition is put in as SQL, its values bound. The first statement finds the names.
with chosen as (
    select e.environment, e.execution_id, e.created_at
    from executions as e
    where e.created_at >= $since and e.created_at < $until
      and e.pipeline_name glob $pipeline_name
      and ($environment is null or e.environment = $environment)
      and ({where})
),
named as (
    select 'in_' as prefix, coalesce(inputs.name, '') as name, min(position) as place
    from inputs
    semi join chosen
        on chosen.environment = inputs.environment
        and chosen.execution_id = inputs.execution_id
        and chosen.created_at = inputs.execution_created_at
    group by all
    union all
    select 'out_', coalesce(outputs.name, ''), min(position)
    from outputs
    semi join chosen
        on chosen.environment = outputs.environment
        and chosen.execution_id = outputs.execution_id
        and chosen.created_at = outputs.execution_created_at
    group by all
)
select prefix, name
from named
order by prefix, place, name
-- each: arg_min(v.value_text, v.position) filter (v.prefix = {prefix} and v.name = {name})
with chosen as (
    select e.environment, e.execution_id, e.created_at, e.pipeline_name, e.deployment_name, e.status
    from executions as e
    where e.created_at >= $since and e.created_at < $until
      and e.pipeline_name glob $pipeline_name
      and ($environment is null or e.environment = $environment)
      and ({where})
),
v as (
    select chosen.*, 'in_' as prefix, coalesce(inputs.name, '') as name, inputs.value_text,
        inputs.position
    from chosen
    left join inputs
        on chosen.environment = inputs.environment
        and chosen.execution_id = inputs.execution_id
        and chosen.created_at = inputs.execution_created_at
    union all
    select chosen.*, 'out_', coalesce(outputs.name, ''), outputs.value_text, outputs.position
    from chosen
    left join outputs
        on chosen.environment = outputs.environment
        and chosen.execution_id = outputs.execution_id
        and chosen.created_at = outputs.execution_created_at
)
select
    environment,
    execution_id,
    created_at,
    pipeline_name,
    deployment_name,
    status{columns}
from v
group by environment, execution_id, created_at, pipeline_name, deployment_name, status
order by created_at, execution_id, environment

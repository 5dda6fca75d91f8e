-- title:  Gone upstream
-- asks:   What exists only here, and why?
-- param:  environment    text     all
-- param:  since          instant  30d
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- param:  gone_cause     glob     *
-- gives:  environment, execution_id, created_at, pipeline_name, deployment_name, last_seen_at
-- gives:  gone_at, gone_cause, deletion_id, requested_by, parts_ok
-- Who asked is known of what craftsync deleted, alone or with its deployment.
with gone as (
    select *
    from executions
    where gone_at is not null
      and created_at >= $since and created_at < $until
      and coalesce(gone_cause, '') glob $gone_cause
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
deleted as (
    select
        environment,
        kind,
        object_id,
        created_at,
        min(intent_at)                                  as first_intent_at,
        max({
            'at': intent_at,
            'deletion_id': deletion_id,
            'requested_by': requested_by
        })                                              as by
    from deletions
    where outcome in ('deleted', 'already_gone')
    group by all
),
held as (
    select environment, execution_id, execution_created_at, count(*) as parts_ok
    from parts
    where state = 'ok'
      and execution_created_at >= $since and execution_created_at < $until
    group by all
)
select
    g.environment,
    g.execution_id,
    g.created_at,
    g.pipeline_name,
    g.deployment_name,
    g.last_seen_at,
    g.gone_at,
    g.gone_cause,
    coalesce(itself.by, whole.by).deletion_id           as deletion_id,
    coalesce(itself.by, whole.by).requested_by          as requested_by,
    coalesce(h.parts_ok, 0)                             as parts_ok
from gone as g
left join deleted as itself
    on itself.kind = 'execution'
    and itself.environment = g.environment
    and itself.object_id = g.execution_id
    and itself.created_at = g.created_at
left join deleted as whole
    on whole.kind = 'deployment'
    and whole.environment = g.environment
    and whole.object_id = g.deployment_name
    and whole.created_at = g.deployment_created_at
    -- Who deleted a deployment did not delete what had gone before.
    and (g.gone_cause = 'deleted_by_craftsync' or g.gone_at >= whole.first_intent_at)
left join held as h
    on h.environment = g.environment
    and h.execution_id = g.execution_id
    and h.execution_created_at = g.created_at
order by g.created_at, g.execution_id, g.environment

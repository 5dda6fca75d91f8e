-- title:  Health of the mirror
-- asks:   Is the mirror whole and fresh?
-- param:  environment    text     all
-- param:  since          instant  1970-01-01
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- gives:  environment, last_complete_at, age_s, last_outcome, executions, gone, unsettled
-- gives:  parts_ok, parts_pending, parts_error, parts_denied, parts_too_big, parts_capped
-- gives:  failures, in_doubt
-- The figures of `craftsync status`. The first and the last columns speak of an environment as a
-- whole; executions and their parts can be narrowed.
with counted as (
    select
        environment,
        count(*)                                        as executions,
        count(gone_at)                                  as gone,
        count(*) filter (not settled and gone_at is null) as unsettled
    from executions
    where created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
    group by environment
),
held as (
    select
        environment,
        count(*) filter (state = 'ok')                  as parts_ok,
        count(*) filter (state = 'pending')             as parts_pending,
        count(*) filter (state = 'error')               as parts_error,
        count(*) filter (state = 'denied')              as parts_denied,
        count(*) filter (state = 'too_big')             as parts_too_big,
        count(*) filter (state = 'capped')              as parts_capped
    from parts
    where execution_created_at >= $since and execution_created_at < $until
      and (
          $pipeline_name = '*'
          or (environment, execution_id, execution_created_at) in (
              select (environment, execution_id, created_at)
              from executions
              where $pipeline_name <> '*' and pipeline_name glob $pipeline_name
          )
      )
    group by environment
),
run as (
    select environment, arg_max(outcome, run_id) as last_outcome
    from sync_runs
    group by environment
),
failed as (
    select environment, count(*) as failures
    from sync_failures
    group by environment
),
doubted as (
    select environment, count(*) as in_doubt
    from deletions
    where outcome is null or outcome = 'in_doubt'
    group by environment
)
select
    n.environment,
    n.last_synced_at                                    as last_complete_at,
    (epoch_us($until) - epoch_us(n.last_synced_at)) / 1e6 as age_s,
    run.last_outcome,
    coalesce(c.executions, 0)                           as executions,
    coalesce(c.gone, 0)                                 as gone,
    coalesce(c.unsettled, 0)                            as unsettled,
    coalesce(held.parts_ok, 0)                          as parts_ok,
    coalesce(held.parts_pending, 0)                     as parts_pending,
    coalesce(held.parts_error, 0)                       as parts_error,
    coalesce(held.parts_denied, 0)                      as parts_denied,
    coalesce(held.parts_too_big, 0)                     as parts_too_big,
    coalesce(held.parts_capped, 0)                      as parts_capped,
    coalesce(failed.failures, 0)                        as failures,
    coalesce(doubted.in_doubt, 0)                       as in_doubt
from environments as n
left join counted as c using (environment)
left join held using (environment)
left join run using (environment)
left join failed using (environment)
left join doubted using (environment)
where $environment is null or n.environment = $environment
order by n.environment

-- title:  Candidates for a purge
-- asks:   What is old upstream, and what of it do we hold?
-- param:  environment    text      all
-- param:  since          instant   1970-01-01
-- param:  until          instant   now
-- param:  pipeline_name  glob      *
-- param:  older_than     duration  90d
-- param:  keep_last      count     20
-- gives:  environment, execution_id, pipeline_name, age_d, bytes_held, parts_ok, parts_open
-- gives:  protected_hint
-- Facts, no verdicts: what may go is decided by `purge plan` alone. Age counts from the end of a
-- run; where that is not known, the run is listed by when it was asked for, without an age.
with standing as (
    select
        environment,
        execution_id,
        created_at,
        pipeline_name,
        end_date,
        settled,
        is_ok(status)       as ok,
        coalesce(is_ended(status) or lower(status) = 'skipped', false) as is_over
    from executions
    where gone_at is null
      and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
ranked as (
    select
        *,
        row_number() over newest                        as place,
        row_number() over (
            partition by environment, pipeline_name, ok order by created_at desc, execution_id desc
        )                                               as place_of_outcome
    from standing
    window newest as (
        partition by environment, pipeline_name order by created_at desc, execution_id desc
    )
),
candidates as (
    select *
    from ranked
    where created_at >= $since
      and coalesce(end_date, created_at) <= $until - $older_than
),
held as (
    select
        environment,
        execution_id,
        execution_created_at,
        coalesce(sum(size_bytes) filter (state in ('ok', 'redacted')), 0) as bytes_held,
        count(*) filter (state = 'ok')                  as parts_ok,
        count(*) filter (state not in ('ok', 'absent', 'redacted')) as parts_open
    from parts
    where execution_created_at >= $since and execution_created_at <= $until - $older_than
    group by all
)
select
    c.environment,
    c.execution_id,
    c.pipeline_name,
    (epoch_us($until) - epoch_us(c.end_date)) / 86400e6 as age_d,
    coalesce(h.bytes_held, 0)::bigint                   as bytes_held,
    coalesce(h.parts_ok, 0)                             as parts_ok,
    coalesce(h.parts_open, 0)                           as parts_open,
    case
        when not c.is_over then 'running'
        when not coalesce(c.settled, false) then 'unsettled'
        when c.place <= $keep_last then 'last_n'
        when c.ok and c.place_of_outcome = 1 then 'last_success'
    end                                                 as protected_hint
from candidates as c
left join held as h
    on h.environment = c.environment
    and h.execution_id = c.execution_id
    and h.execution_created_at = c.created_at
order by c.created_at, c.execution_id, c.environment

-- title:  Profile of inputs and outputs
-- asks:   What is in the inputs and outputs?
-- param:  environment    text                 all
-- param:  since          instant              30d
-- param:  until          instant              now
-- param:  pipeline_name  glob                 *
-- param:  side           choice(both|in|out)  both
-- gives:  environment, pipeline_name, side, name, data_type, n, nulls, distinct_approx, min, max
-- gives:  avg, std, q25, q50, q75, too_big, redacted
-- `nulls` are the null ones and those that are not there; `min` to `q75` speak of numbers alone.
with held as (
    select environment, execution_id, execution_created_at, 'in' as side, name, data_type,
        value_text, value_number, value_state, file_sha256
    from inputs
    where $side in ('in', 'both')
    union all
    select environment, execution_id, execution_created_at, 'out', name, data_type,
        value_text, value_number, value_state, file_sha256
    from outputs
    where $side in ('out', 'both')
),
valued as (
    select e.pipeline_name, h.*
    from held as h
    join executions as e
        on e.environment = h.environment
        and e.execution_id = h.execution_id
        and e.created_at = h.execution_created_at
    where h.execution_created_at >= $since and h.execution_created_at < $until
      and ($environment is null or h.environment = $environment)
      and e.pipeline_name glob $pipeline_name
),
measured as (
    select
        environment,
        pipeline_name,
        side,
        name,
        data_type,
        count(*)                                                as n,
        count(*) filter (
            value_state = 'absent'
            or value_state = 'ok' and value_text is null and file_sha256 is null
        )                                                       as nulls,
        approx_count_distinct(coalesce(value_text, file_sha256)) as distinct_approx,
        min(value_number)                                       as min,
        max(value_number)                                       as max,
        avg(value_number)                                       as avg,
        stddev_samp(value_number)                               as std,
        quantile_cont(value_number, [0.25, 0.5, 0.75])          as quarters,
        count(*) filter (value_state = 'too_big')               as too_big,
        count(*) filter (value_state = 'redacted')              as redacted
    from valued
    group by all
)
select
    environment,
    pipeline_name,
    side,
    name,
    data_type,
    n,
    nulls,
    distinct_approx,
    min,
    max,
    if(isfinite(avg), avg, null)                                as avg,
    if(isfinite(std), std, null)                                as std,
    quarters[1]                                                 as q25,
    quarters[2]                                                 as q50,
    quarters[3]                                                 as q75,
    too_big,
    redacted
from measured
order by environment, pipeline_name, side, name, data_type

-- title:  Trend of metrics
-- asks:   How do the recorded metrics move?
-- param:  environment    text                    all
-- param:  since          instant                 30d
-- param:  until          instant                 now
-- param:  pipeline_name  glob                    *
-- param:  name           glob                    *
-- param:  by             choice(day|week|month)  day
-- gives:  environment, pipeline_name, name, period, n, mean, p50, min, max, last, mean_change
-- A list metric counts with each of its values; `last` is the last value of the newest run.
with recorded as (
    select
        environment,
        pipeline_name,
        name,
        date_trunc($by, execution_created_at)           as period,
        value,
        (execution_created_at, execution_id, position)  as turn
    from metrics
    where execution_created_at >= $since and execution_created_at < $until
      and value is not null
      and name glob $name
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
measured as (
    select
        environment,
        pipeline_name,
        name,
        period,
        count(*)                                        as n,
        -- A sum of finite values may be none.
        if(isfinite(avg(value)), avg(value), null)      as mean,
        quantile_cont(value, 0.5)                       as p50,
        min(value)                                      as min,
        max(value)                                      as max,
        arg_max(value, turn)                            as last
    from recorded
    group by all
)
select
    *,
    mean / nullif(lag(mean) over earlier, 0) - 1        as mean_change
from measured
window earlier as (partition by environment, pipeline_name, name order by period)
order by environment, pipeline_name, name, period

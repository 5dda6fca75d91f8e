-- title:  Durations
-- asks:   How long do successful runs take, and is it getting longer?
-- param:  environment    text                    all
-- param:  since          instant                 30d
-- param:  until          instant                 now
-- param:  pipeline_name  glob                    *
-- param:  by             choice(day|week|month)  week
-- gives:  environment, pipeline_name, period, n, p50_s, p90_s, p95_s, p99_s, min_s, max_s
-- gives:  p95_change
with finished as (
    select environment, pipeline_name, run_s, date_trunc($by, created_at) as period
    from executions
    where run_s is not null
      and is_ok(status)
      and created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
measured as (
    select
        environment,
        pipeline_name,
        period,
        count(*) as n,
        quantile_cont(run_s, [0.5, 0.9, 0.95, 0.99]) as quantiles,
        min(run_s) as min_s,
        max(run_s) as max_s
    from finished
    group by all
)
select
    environment,
    pipeline_name,
    period,
    n,
    quantiles[1] as p50_s,
    quantiles[2] as p90_s,
    quantiles[3] as p95_s,
    quantiles[4] as p99_s,
    min_s,
    max_s,
    p95_s / nullif(lag(p95_s) over earlier, 0) - 1 as p95_change
from measured
window earlier as (partition by environment, pipeline_name order by period)
order by environment, pipeline_name, period

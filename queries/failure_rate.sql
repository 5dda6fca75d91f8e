-- title:  Failure rate
-- asks:   How often does each pipeline or deployment fail, and is it getting worse?
-- param:  environment    text                                   all
-- param:  since          instant                                30d
-- param:  until          instant                                now
-- param:  pipeline_name  glob                                   *
-- param:  by             choice(day|week|month)                 day
-- param:  group          choice(pipeline_name|deployment_name)  pipeline_name
-- gives:  environment, pipeline_name, deployment_name, period, n, succeeded, failed, error, skipped
-- gives:  failure_rate, ci_low, ci_high, delta_vs_prev
with counted as (
    select
        environment,
        pipeline_name,
        if($group = 'deployment_name', deployment_name, null) as deployment_name,
        date_trunc($by, created_at) as period,
        count(*) filter (is_ok(status)) as succeeded,
        count(*) filter (lower(status) = 'failed') as failed,
        count(*) filter (lower(status) = 'error') as error,
        count(*) filter (lower(status) = 'skipped') as skipped
    from executions
    where created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
    group by all
),
rated as (
    select
        *,
        succeeded + failed + error as n,
        (failed + error) / nullif(succeeded + failed + error, 0) as failure_rate
    from counted
)
select
    environment,
    pipeline_name,
    deployment_name,
    period,
    n,
    succeeded,
    failed,
    error,
    skipped,
    failure_rate,
    wilson_low(failed + error, n) as ci_low,
    wilson_high(failed + error, n) as ci_high,
    failure_rate - lag(failure_rate ignore nulls) over earlier as delta_vs_prev
from rated
window earlier as (partition by environment, pipeline_name, deployment_name order by period)
order by environment, pipeline_name, deployment_name nulls first, period

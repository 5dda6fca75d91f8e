-- title:  Queue time
-- asks:   How long do runs wait before they start?
-- param:  environment    text                     all
-- param:  since          instant                  30d
-- param:  until          instant                  now
-- param:  pipeline_name  glob                     *
-- param:  by             choice(hour_of_day|day)  hour_of_day
-- gives:  environment, deployment_name, bucket, n, queue_p50_s, queue_p95_s, queue_max_s, run_p50_s
-- gives:  queue_share
with started as (
    select
        environment,
        deployment_name,
        if($by = 'day', strftime(created_at, '%Y-%m-%d'), strftime(created_at, '%H')) as bucket,
        queue_s,
        run_s
    from executions
    where queue_s is not null
      and created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
measured as (
    select
        environment,
        deployment_name,
        bucket,
        count(*) as n,
        quantile_cont(queue_s, [0.5, 0.95]) as queue_quantiles,
        max(queue_s) as queue_max_s,
        quantile_cont(run_s, 0.5) as run_p50_s,
        -- A clock that runs ahead gives a wait below zero: it is no share of anything.
        sum(greatest(queue_s, 0)) filter (run_s is not null) as waited_s,
        sum(greatest(run_s, 0)) as ran_s
    from started
    group by all
)
select
    environment,
    deployment_name,
    bucket,
    n,
    queue_quantiles[1] as queue_p50_s,
    queue_quantiles[2] as queue_p95_s,
    queue_max_s,
    run_p50_s,
    waited_s / nullif(waited_s + ran_s, 0) as queue_share
from measured
order by environment, deployment_name nulls first, bucket

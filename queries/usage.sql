-- title:  Usage
-- asks:   How many compute hours did each deployment take, how many failed, and at what cost?
-- param:  environment     text                    all
-- param:  since           instant                 30d
-- param:  until           instant                 now
-- param:  pipeline_name   glob                    *
-- param:  price_per_hour  number                  0
-- param:  by              choice(day|week|month)  month
-- gives:  environment, deployment_name, pipeline_name, period, n, run_hours, queue_hours
-- gives:  failed_hours, cost_estimate
-- Hours of a run are from its first step's start to its end, and belong to the period that it was
-- asked for in; a run that has not ended counts in `n` alone. Direct runs have no deployment.
select
    environment,
    deployment_name,
    pipeline_name,
    date_trunc($by, created_at)                         as period,
    count(*)                                            as n,
    coalesce(sum(run_s), 0) / 3600                      as run_hours,
    coalesce(sum(queue_s), 0) / 3600                    as queue_hours,
    coalesce(sum(run_s) filter (is_failure(status)), 0) / 3600 as failed_hours,
    run_hours * $price_per_hour                         as cost_estimate
from executions
where created_at >= $since and created_at < $until
  and pipeline_name glob $pipeline_name
  and ($environment is null or environment = $environment)
group by environment, deployment_name, pipeline_name, period
order by environment, deployment_name, pipeline_name, period

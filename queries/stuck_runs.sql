-- title:  Stuck runs
-- asks:   What has been pending or running for far longer than normal?
-- param:  environment    text      all
-- param:  since          instant   30d
-- param:  until          instant   now
-- param:  pipeline_name  glob      *
-- param:  factor         number    3
-- param:  min_age        duration  30m
-- gives:  environment, execution_id, created_at, pipeline_name, deployment_name, status, age_s
-- gives:  normal_p95_s, ratio, last_log_at, first_seen_at
-- Normal is from being asked for to the end, as an age is: waiting counts in both.
with normal as (
    select
        environment,
        pipeline_name,
        quantile_cont(epoch_us(end_date) - epoch_us(created_at), 0.95) / 1e6 as normal_p95_s
    from executions
    where is_ok(status)
      and end_date is not null
      and created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
    group by all
),
open as (
    select
        *,
        (epoch_us($until) - epoch_us(created_at)) / 1e6 as age_s
    from executions
    where (status is null or not (is_ended(status) or lower(status) = 'skipped'))
      and end_date is null -- a word for an end that is not known today is no run that hangs
      and gone_at is null
      and created_at >= $since and created_at < $until
      and created_at <= $until - $min_age
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
stuck as (
    select open.*, normal.normal_p95_s
    from open
    left join normal
        on normal.environment = open.environment and normal.pipeline_name = open.pipeline_name
    -- Where nothing ever ended well there is no normal, and the age alone speaks.
    where normal_p95_s is null or age_s > $factor * normal_p95_s
),
heard as (
    select
        logs.environment,
        logs.execution_id,
        logs.execution_created_at,
        max(logs.timestamp) as last_log_at
    from logs
    semi join stuck
        on stuck.environment = logs.environment
        and stuck.execution_id = logs.execution_id
        and stuck.created_at = logs.execution_created_at
    group by all
)
select
    stuck.environment,
    stuck.execution_id,
    stuck.created_at,
    stuck.pipeline_name,
    stuck.deployment_name,
    stuck.status,
    stuck.age_s,
    stuck.normal_p95_s,
    stuck.age_s / nullif(stuck.normal_p95_s, 0) as ratio,
    heard.last_log_at,
    stuck.first_seen_at
from stuck
left join heard
    on heard.environment = stuck.environment
    and heard.execution_id = stuck.execution_id
    and heard.execution_created_at = stuck.created_at
order by stuck.created_at, stuck.execution_id, stuck.environment

-- title:  Failures by input
-- asks:   Which value of an input goes with failures?
-- param:  environment    text     all
-- param:  since          instant  30d
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- param:  name           glob     *
-- param:  min_runs       count    20
-- gives:  environment, pipeline_name, name, value_text, n, failures, failure_rate, ci_low, ci_high
-- gives:  rest_n, rest_failure_rate, compared, example_execution_id
-- A value whose failure rate lies above that of all other values of the same input. It goes with
-- failures; whether it causes them is another question, and of the `compared` values of a pipeline
-- some look guilty by chance. Secrets are compared by their fingerprints.
with ended as (
    select
        environment,
        execution_id,
        created_at,
        pipeline_name,
        is_failure(status)            as bad
    from executions
    where is_ended(status)
      and created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
counted as (
    select
        e.environment,
        e.pipeline_name,
        i.name,
        i.value_text,
        count(*)                                        as n,
        count(*) filter (e.bad)                         as failures,
        max({'created_at': e.created_at, 'execution_id': e.execution_id}) filter (e.bad) as newest
    from ended as e
    join inputs as i
        on i.environment = e.environment
        and i.execution_id = e.execution_id
        and i.execution_created_at = e.created_at
    where i.value_text is not null
      and i.execution_created_at >= $since and i.execution_created_at < $until
      and coalesce(i.name, '') glob $name
    group by all
),
compared as (
    select
        *,
        sum(n) over of_input - n                        as rest_n,
        sum(failures) over of_input - failures          as rest_failures
    from counted
    window of_input as (partition by environment, pipeline_name, name)
),
rated as (
    select
        *,
        failures / n                                    as failure_rate,
        rest_failures / rest_n                          as rest_failure_rate,
        wilson_low(failures, n)                         as ci_low,
        wilson_high(failures, n)                        as ci_high,
        count(*) over (partition by environment, pipeline_name) as compared
    from compared
    where n >= $min_runs and rest_n >= $min_runs and rest_n > 0
)
select
    environment,
    pipeline_name,
    name,
    value_text,
    n,
    failures,
    failure_rate,
    ci_low,
    ci_high,
    rest_n::bigint                                      as rest_n,
    rest_failure_rate,
    compared,
    newest.execution_id                                 as example_execution_id
from rated
where failures > 0 and ci_low > rest_failure_rate
order by ci_low - rest_failure_rate desc, environment, pipeline_name, name, value_text

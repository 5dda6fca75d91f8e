-- title:  Top errors
-- asks:   What are the main causes of failure?
-- param:  environment    text     all
-- param:  since          instant  30d
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- param:  limit          count    20
-- gives:  signature, sample_message, n, pipelines, first_at, last_at, is_new, example_execution_id
with counted as (
    select
        signature,
        max_by(message, (created_at, execution_id, environment)) as sample_message,
        count(*) as n,
        count(distinct (environment, pipeline_name)) as pipelines,
        min(created_at) as first_at,
        max(created_at) as last_at,
        max_by(execution_id, (created_at, execution_id, environment)) as example_execution_id
    from failed_runs($since, $until, $environment, $pipeline_name)
    group by signature
    order by n desc, signature
    limit $limit
),
known as (
    select distinct signature
    from failed_runs('-infinity'::timestamp, $since, $environment, $pipeline_name)
)
select
    signature,
    sample_message,
    n,
    pipelines,
    first_at,
    last_at,
    signature not in (select signature from known) as is_new,
    example_execution_id
from counted
order by n desc, signature

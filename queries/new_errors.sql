-- title:  New errors
-- asks:   Which errors appeared for the first time?
-- param:  environment    text      all
-- param:  since          instant   30d
-- param:  until          instant   now
-- param:  pipeline_name  glob      *
-- param:  baseline       duration  30d
-- gives:  signature, sample_message, first_at, environment, pipeline_name, commit_id, n
-- gives:  example_execution_id
-- New is, in its environment, what did not occur in the `baseline` before `since`.
with runs as (
    select *, created_at < $since as before
    from failed_runs($since - $baseline, $until, $environment, $pipeline_name)
)
select
    signature,
    min_by(message, (created_at, execution_id)) as sample_message,
    min(created_at) as first_at,
    environment,
    min_by(pipeline_name, (created_at, execution_id)) as pipeline_name,
    min_by(struct_pack(it := commit_id), (created_at, execution_id)).it as commit_id,
    count(*) as n,
    min_by(execution_id, (created_at, execution_id)) as example_execution_id
from runs
group by environment, signature
having not bool_or(before)
order by first_at, environment, signature

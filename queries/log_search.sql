-- title:  Log search
-- asks:   Which runs logged this text?
-- param:  environment    text     all
-- param:  since          instant  30d
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- param:  text           text     !
-- param:  regex          boolean  false
-- param:  ignore_case    boolean  false
-- param:  context        count    2
-- gives:  environment, execution_id, execution_created_at, pipeline_name, status, line_number
-- gives:  timestamp, stream, message, before, after
with hits as (
    select
        logs.environment,
        logs.execution_id,
        logs.execution_created_at,
        executions.pipeline_name,
        executions.status,
        logs.line_number,
        logs.timestamp,
        logs.stream,
        logs.message
    from logs
    join executions
        on executions.environment = logs.environment
        and executions.execution_id = logs.execution_id
        and executions.created_at = logs.execution_created_at
    where case
            when $regex
            then regexp_matches(logs.message, $text, if($ignore_case, 'i', 'c'))
            when $ignore_case then contains(lower(logs.message), lower($text))
            else contains(logs.message, $text)
        end
      and logs.execution_created_at >= $since and logs.execution_created_at < $until
      and executions.pipeline_name glob $pipeline_name
      and ($environment is null or logs.environment = $environment)
),
around as (
    select hits.*, unnest(range(1, 1 + least($context, 1000))) as distance
    from hits
),
beside as (
    select
        around.environment,
        around.execution_id,
        around.execution_created_at,
        around.line_number,
        list(logs.message order by logs.line_number)
            filter (logs.line_number < around.line_number) as before,
        list(logs.message order by logs.line_number)
            filter (logs.line_number > around.line_number) as after
    from (
        select *, line_number - distance as other from around
        union all
        select *, line_number + distance as other from around
    ) as around
    join logs
        on logs.environment = around.environment
        and logs.execution_id = around.execution_id
        and logs.execution_created_at = around.execution_created_at
        and logs.line_number = around.other
    group by all
)
select
    hits.*,
    coalesce(beside.before, []) as before,
    coalesce(beside.after, []) as after
from hits
left join beside using (environment, execution_id, execution_created_at, line_number)
order by hits.execution_created_at, hits.execution_id, hits.environment, hits.line_number

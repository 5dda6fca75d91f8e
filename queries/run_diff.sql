-- title:  Difference of two runs
-- asks:   What differs between runs A and B, or between A and the last good one before it?
-- param:  environment    text     all
-- param:  since          instant  1970-01-01
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- param:  a              text     !
-- param:  b              text     last_good
-- gives:  section, name, value_a, value_b, change
-- Which two are meant is looked up beforehand: an id may have come back after a delete.
with picked as (
    select 'a' as side, *
    from executions
    where environment = $a_environment and execution_id = $a_id and created_at = $a_created_at
    union all
    select 'b' as side, *
    from executions
    where environment = $b_environment and execution_id = $b_id and created_at = $b_created_at
),
facts as (
    select
        side,
        1 as section_nr,
        'execution' as section,
        unnest([
            {nr: 1, name: 'environment', value: environment},
            {nr: 2, name: 'execution_id', value: execution_id},
            {nr: 3, name: 'created_at', value: strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ')},
            {nr: 4, name: 'pipeline_name', value: pipeline_name},
            {nr: 5, name: 'deployment_name', value: deployment_name},
            {nr: 6, name: 'status', value: status},
            {nr: 7, name: 'commit_id', value: commit_id},
            {nr: 8, name: 'created_by', value: created_by},
            {nr: 9, name: 'queue_s', value: queue_s::varchar},
            {nr: 10, name: 'run_s', value: run_s::varchar}
        ], recursive := true)
    from picked
    union all
    select
        side,
        2,
        'step',
        unnest([
            {nr: position * 10 + 1, name: step_name || '.status', value: steps.status},
            {nr: position * 10 + 2, name: step_name || '.run_s', value: steps.run_s::varchar},
            {nr: position * 10 + 3, name: step_name || '.commit_id', value: steps.commit_id},
            {nr: position * 10 + 4, name: step_name || '.repository_url', value: repository_url},
            {nr: position * 10 + 5, name: step_name || '.repository_branch', value: repository_branch},
            {nr: position * 10 + 6, name: step_name || '.requirements_path', value: requirements_path}
        ], recursive := true)
    from picked
    join steps
        on (steps.environment, steps.execution_id, steps.execution_created_at)
            = (picked.environment, picked.execution_id, picked.created_at)
    union all
    select side, 3, 'input', 0, name, coalesce(value::varchar, file_sha256, value_state)
    from picked
    join inputs
        on (inputs.environment, inputs.execution_id, inputs.execution_created_at)
            = (picked.environment, picked.execution_id, picked.created_at)
    union all
    select side, 4, 'output', 0, name, coalesce(value::varchar, file_sha256, value_state)
    from picked
    join outputs
        on (outputs.environment, outputs.execution_id, outputs.execution_created_at)
            = (picked.environment, picked.execution_id, picked.created_at)
    union all
    select
        side,
        5,
        'metric',
        0,
        name,
        string_agg(coalesce(value_text, 'null'), ', ' order by position)
    from picked
    join metrics
        on (metrics.environment, metrics.execution_id, metrics.execution_created_at)
            = (picked.environment, picked.execution_id, picked.created_at)
    group by side, name
    union all
    select
        side,
        6,
        'log',
        unnest([
            {nr: 1, name: 'lines', value: lines::varchar},
            {nr: 2, name: 'last_line', value: last_line}
        ], recursive := true)
    from (
        select
            side,
            count(*) as lines,
            last_line(max_by(message, line_number)) as last_line
        from picked
        join logs
            on (logs.environment, logs.execution_id, logs.execution_created_at)
                = (picked.environment, picked.execution_id, picked.created_at)
        group by side
    )
),
compared as (
    select
        section_nr,
        section,
        min(nr) as nr,
        name,
        max(value) filter (side = 'a') as value_a,
        max(value) filter (side = 'b') as value_b
    from facts
    group by section_nr, section, name
)
select
    section,
    name,
    value_a,
    value_b,
    case
        when value_a is null then 'added'
        when value_b is null then 'removed'
        else 'changed'
    end as change
from compared
where value_a is distinct from value_b
order by section_nr, nr, name

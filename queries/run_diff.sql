-- title:  Difference of two runs
-- asks:   What differs between runs A and B, or between A and the last good one before it?
-- param:  environment    text     all
-- param:  since          instant  1970-01-01
-- param:  until          instant  9999-12-31
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
of_execution as (
    select side, unnest([
        {nr: 1, name: 'environment', said: environment},
        {nr: 2, name: 'execution_id', said: execution_id},
        {nr: 3, name: 'created_at', said: strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ')},
        {nr: 4, name: 'pipeline_name', said: pipeline_name},
        {nr: 5, name: 'deployment_name', said: deployment_name},
        {
            nr: 6, name: 'deployment_created_at',
            said: strftime(deployment_created_at, '%Y-%m-%dT%H:%M:%S.%fZ')
        },
        {nr: 7, name: 'status', said: status},
        {nr: 8, name: 'created_by', said: created_by},
        {nr: 9, name: 'started_at', said: strftime(started_at, '%Y-%m-%dT%H:%M:%S.%fZ')},
        {nr: 10, name: 'end_date', said: strftime(end_date, '%Y-%m-%dT%H:%M:%S.%fZ')},
        {nr: 11, name: 'queue_s', said: queue_s::varchar},
        {nr: 12, name: 'run_s', said: run_s::varchar},
        {nr: 13, name: 'commit_id', said: commit_id}
    ]) as fact
    from picked
),
named_steps as (
    select
        picked.side,
        steps.*,
        coalesce(step_name, 'step ' || position) as shown,
        row_number() over (partition by side, shown order by position) as nth,
        if(nth > 1, ' (' || nth || ')', '') as again
    from picked
    join steps
        on steps.environment = picked.environment
        and steps.execution_id = picked.execution_id
        and steps.execution_created_at = picked.created_at
),
of_steps as (
    select side, unnest([
        {nr: 8 * position + i, name: shown || again || '.' || what[1], said: what[2]}
        for what, i in [
            ['status', status],
            ['run_s', run_s::varchar],
            ['commit_id', commit_id],
            ['repository_url', repository_url],
            ['repository_branch', repository_branch],
            ['requirements_path', requirements_path],
            ['origin', origin]
        ]
    ]) as fact
    from named_steps
),
-- The value as JSON tells 42 from "42"; a file is its hash, and what is not held its state.
of_values as (
    select
        picked.side,
        v.section_nr,
        {
            nr: v.position,
            name: v.name,
            said: case
                when v.file_sha256 is not null then 'sha256:' || v.file_sha256
                when v.value is not null then v.value::varchar
                when v.value_state <> 'absent' then '(' || v.value_state || ')'
            end
        } as fact
    from picked
    join (
        select
            3 as section_nr, environment, execution_id, execution_created_at, position, name,
            value, value_state, file_sha256
        from inputs
        union all
        select
            4 as section_nr, environment, execution_id, execution_created_at, position, name,
            value, value_state, file_sha256
        from outputs
    ) as v
        on v.environment = picked.environment
        and v.execution_id = picked.execution_id
        and v.execution_created_at = picked.created_at
),
of_metrics as (
    select
        picked.side,
        {
            nr: 0,
            name: metrics.name,
            said: if(
                count(*) = 1,
                any_value(coalesce(metrics.value_text, 'null')),
                '['
                    || string_agg(coalesce(metrics.value_text, 'null'), ',' order by position)
                    || ']'
            )
        } as fact
    from picked
    join metrics
        on metrics.environment = picked.environment
        and metrics.execution_id = picked.execution_id
        and metrics.execution_created_at = picked.created_at
    group by picked.side, metrics.name
),
-- What was set before the first observation is not known: the first stands for it.
in_force as (
    select
        picked.side,
        max_by(
            settings,
            (
                valid_from <= picked.created_at,
                if(valid_from <= picked.created_at, 1, -1) * epoch_us(valid_from)
            )
        ) as settings
    from picked
    join deployment_versions as versions
        on versions.environment = picked.environment
        and versions.deployment_name = picked.deployment_name
        and versions.deployment_created_at = picked.deployment_created_at
    group by picked.side
),
of_settings as (
    select in_force.side, {nr: 0, name: one.key, said: one.value::varchar} as fact
    from in_force, json_each(in_force.settings) as one
),
facts as (
    select 1 as section_nr, 'execution' as section, side, fact from of_execution
    union all
    select 2, 'steps', side, fact from of_steps
    union all
    select section_nr, if(section_nr = 3, 'inputs', 'outputs'), side, fact from of_values
    union all
    select 5, 'metrics', side, fact from of_metrics
    union all
    select 6, 'settings', side, fact from of_settings
),
compared as (
    select
        section_nr,
        section,
        coalesce(min(fact.nr) filter (side = 'a'), min(fact.nr)) as nr,
        fact.name as name,
        any_value(fact.said) filter (side = 'a') as said_a,
        any_value(fact.said) filter (side = 'b') as said_b
    from facts
    group by section_nr, section, fact.name
),
differing as (
    select *, section_nr in (3, 4, 6) as is_json, row_number() over () as pair
    from compared
    where said_a is distinct from said_b
),
-- JSON of the same pieces may be the same in another order of its keys. Its numbers are made
-- strings first, to be held against each other by their own digits. What is so large that it would
-- take minutes is compared as it is written.
sides as (
    select
        pair,
        unnest([said_a, said_b]) as said,
        regexp_replace(
            said, '"((?:[^"\\]|\\.)*)"|(-?[0-9][0-9.eE+-]*)', '"\2#\1"', 'g'
        )::json as json
    from differing
    where is_json
      and strlen(said_a) <= 1000000
      and left(said_a, 1) in ('{', '[')
      and left(said_b, 1) = left(said_a, 1)
      and list_sort([trim(one) for one in string_split(translate(said_a, '{}[]:', ',,,,,'), ',')])
        = list_sort([trim(one) for one in string_split(translate(said_b, '{}[]:', ',,,,,'), ',')])
),
trees as (
    select
        pair,
        (
            select list_sort(list((tree.fullkey, tree.type, tree.atom)))
            from json_tree(sides.json) as tree
        ) as tree
    from sides
),
same as (
    select pair
    from trees
    group by pair
    having count(distinct tree) = 1
),
-- Strings without their quotes, unless nothing else tells the two apart.
shown as (
    select
        *,
        if(is_json and starts_with(said_a, '"'), said_a::json ->> '$', said_a) as text_a,
        if(is_json and starts_with(said_b, '"'), said_b::json ->> '$', said_b) as text_b
    from differing
    anti join same using (pair)
)
select
    section,
    name,
    if(text_a = text_b, said_a, text_a) as value_a,
    if(text_a = text_b, said_b, text_b) as value_b,
    case
        when said_a is null then 'added'
        when said_b is null then 'removed'
        else 'changed'
    end as change
from shown
order by section_nr, nr, name

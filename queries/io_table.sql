-- title:  Table of inputs and outputs
-- asks:   What went into each run of a pipeline, and what came out?
-- param:  environment    text                 all
-- param:  since          instant              30d
-- param:  until          instant              now
-- param:  pipeline_name  text                 !
-- param:  side           choice(both|in|out)  both
-- param:  status         glob                 Succeeded
-- gives:  environment, execution_id, created_at, commit_id, status, not_ok, in_*, out_*
-- A row a run. A column has a type where all its values agree on one, else it is text; numbers that
-- no double says exactly are JSON, and a file is shown by its SHA-256. `not_ok` names the values
-- that are not held as they were, and their states.
with held as (
    select environment, execution_id, execution_created_at, 'in_' as prefix, position,
        coalesce(name, '') as name, value,
        coalesce(value_text, file_sha256) as text
    from inputs
    where $side in ('in', 'both')
      and execution_created_at >= $since and execution_created_at < $until
    union all
    select environment, execution_id, execution_created_at, 'out_', position,
        coalesce(name, ''), value,
        coalesce(value_text, file_sha256)
    from outputs
    where $side in ('out', 'both')
      and execution_created_at >= $since and execution_created_at < $until
),
told as (
    select
        h.prefix,
        h.position,
        h.name,
        h.text,
        -- Whether a double says it: its digits are the same, however it is written.
        [
            trim(translate(regexp_replace(written, '[eE].*$', ''), '-.', ''), '0')
            for written in [h.text, try_cast(h.text as double)::varchar]
        ]                                               as digits,
        coalesce(digits[1] = digits[2], false)          as is_exact,
        case json_type(h.value)
            when 'BOOLEAN' then 'boolean'
            when 'ARRAY' then 'json'
            when 'OBJECT' then 'json'
            when 'VARCHAR' then 'varchar'
            else if(h.value is null, 'varchar', 'number')
        end                                             as kind
    from held as h
    join executions as e
        on e.environment = h.environment
        and e.execution_id = h.execution_id
        and e.created_at = h.execution_created_at
    where e.pipeline_name = $pipeline_name
      and lower(coalesce(e.status, '')) glob lower($status)
      and ($environment is null or e.environment = $environment)
)
select
    prefix,
    name,
    case
        when count(distinct kind) filter (text is not null) <> 1 then 'varchar'
        when any_value(kind) filter (text is not null) <> 'number'
            then any_value(kind) filter (text is not null)
        when not bool_and(regexp_full_match(text, '-?[0-9]+'))
            then if(bool_and(is_exact or text is null), 'double', 'json')
        when count(try_cast(text as bigint)) = count(text) then 'bigint'
        when count(try_cast(text as hugeint)) = count(text) then 'hugeint'
        else 'varchar'
    end                                                 as type
from told
group by prefix, name
order by prefix, min(position), name;

-- each: cast(arg_min(text, position) filter (prefix = {prefix} and name = {name}) as {type})
with held as (
    select environment, execution_id, execution_created_at, 'in_' as prefix, position,
        coalesce(name, '') as name, value_state, coalesce(value_text, file_sha256) as text
    from inputs
    where $side in ('in', 'both')
      and execution_created_at >= $since and execution_created_at < $until
    union all
    select environment, execution_id, execution_created_at, 'out_', position,
        coalesce(name, ''), value_state, coalesce(value_text, file_sha256)
    from outputs
    where $side in ('out', 'both')
      and execution_created_at >= $since and execution_created_at < $until
),
wanted as (
    select environment, execution_id, created_at, commit_id, status
    from executions
    where pipeline_name = $pipeline_name
      and lower(coalesce(status, '')) glob lower($status)
      and created_at >= $since and created_at < $until
      and ($environment is null or environment = $environment)
),
open as (
    select
        environment,
        execution_id,
        execution_created_at,
        prefix,
        position,
        -- An input and an output of one name are told apart.
        if(min(prefix) over same <> max(prefix) over same, prefix || name, name) as name,
        value_state
    from held
    where value_state <> 'ok'
    window same as (partition by environment, execution_id, execution_created_at, name)
),
-- A name that comes again on its side is told once.
named as (
    select
        environment,
        execution_id,
        execution_created_at,
        name,
        min((prefix, position))                         as place,
        max_by(value_state, (prefix, position))         as value_state
    from open
    group by all
),
opened as (
    select
        environment,
        execution_id,
        execution_created_at,
        to_json(map(list(name order by place), list(value_state order by place))) as not_ok
    from named
    group by all
)
select
    w.environment,
    w.execution_id,
    w.created_at,
    w.commit_id,
    w.status,
    any_value(o.not_ok)                                 as not_ok{columns}
from wanted as w
left join held as h
    on h.environment = w.environment
    and h.execution_id = w.execution_id
    and h.execution_created_at = w.created_at
left join opened as o
    on o.environment = w.environment
    and o.execution_id = w.execution_id
    and o.execution_created_at = w.created_at
group by w.environment, w.execution_id, w.created_at, w.commit_id, w.status
order by w.created_at, w.execution_id, w.environment

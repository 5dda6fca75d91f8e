-- title:  Flaky runs
-- asks:   Where does the same code with the same inputs end differently?
-- param:  environment    text     all
-- param:  since          instant  30d
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- param:  min_runs       count    5
-- param:  same_inputs    boolean  true
-- gives:  environment, pipeline_name, commit_id, inputs_hash, n, failures, flips, flip_rate
-- gives:  ci_low, ci_high, last_flip_at
with ended as (
    select
        environment,
        pipeline_name,
        commit_id,
        created_at,
        execution_id,
        is_failure(status) as bad
    from executions
    where is_ended(status)
      and commit_id is not null
      and created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
-- Only where a commit ended in both ways are its inputs worth a look.
mixed as (
    select environment, pipeline_name, commit_id
    from ended
    group by all
    having count(*) >= $min_runs and bool_or(bad) and not bool_and(bad)
),
candidates as (
    select ended.*
    from ended
    semi join mixed
        on mixed.environment = ended.environment
        and mixed.pipeline_name = ended.pipeline_name
        and mixed.commit_id = ended.commit_id
),
-- A sum is the same in any order, and nothing cancels out where a name comes twice.
hashed as (
    select
        inputs.environment,
        inputs.execution_id,
        inputs.execution_created_at,
        sum(
            md5_number_lower(
                coalesce(name, '') || '=' || coalesce(value::varchar, file_sha256, value_state)
            )
        ) as inputs_hash,
        bool_and(
            file_sha256 is not null or value_state in ('ok', 'absent', 'redacted')
        ) as known
    from inputs
    semi join candidates
        on candidates.environment = inputs.environment
        and candidates.execution_id = inputs.execution_id
        and candidates.created_at = inputs.execution_created_at
    where $same_inputs
    group by all
),
grouped as (
    select
        candidates.*,
        hashed.inputs_hash
    from candidates
    left join hashed
        on hashed.environment = candidates.environment
        and hashed.execution_id = candidates.execution_id
        and hashed.execution_created_at = candidates.created_at
    -- Inputs that are not held cannot be called the same.
    where coalesce(hashed.known, true)
),
compared as (
    select
        *,
        bad <> lag(bad) over (
            partition by environment, pipeline_name, commit_id, inputs_hash
            order by created_at, execution_id
        ) as flipped
    from grouped
)
select
    environment,
    pipeline_name,
    commit_id,
    lower(to_hex(inputs_hash)) as inputs_hash,
    count(*) as n,
    count(*) filter (bad) as failures,
    count(*) filter (flipped) as flips,
    count(*) filter (flipped) / (count(*) - 1) as flip_rate,
    wilson_low(count(*) filter (flipped), count(*) - 1) as ci_low,
    wilson_high(count(*) filter (flipped), count(*) - 1) as ci_high,
    max(created_at) filter (flipped) as last_flip_at
from compared
group by environment, pipeline_name, commit_id, compared.inputs_hash
having count(*) >= $min_runs and count(*) filter (bad) between 1 and count(*) - 1
order by flip_rate desc, environment, pipeline_name, commit_id, inputs_hash nulls first

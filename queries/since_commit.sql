-- title:  Since a commit
-- asks:   What broke since commit X?
-- param:  environment    text     all
-- param:  since          instant  30d
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- param:  commit_id      text     !
-- gives:  environment, pipeline_name, commit_id, first_run_at, n, failed, error, newly_failing
-- gives:  top_signature, example_execution_id
-- The commits of each pipeline that ran first when X did, or later; X may be shortened. A commit
-- is newly failing where it fails more than its pipeline did before X, by more than chance: as long
-- a time before as is asked for. Of a pipeline that did not run then, that is not known.
with first_runs as (
    select environment, pipeline_name, commit_id, min(created_at) as first_run_at
    from executions
    where commit_id is not null
      and created_at < $until
      and ($environment is null or environment = $environment)
    group by all
),
turn as (
    select environment, min(first_run_at) as since_at
    from first_runs
    where starts_with(commit_id, $commit_id)
    group by all
),
runs as (
    select e.environment, e.pipeline_name, e.commit_id, e.created_at, e.status, turn.since_at
    from executions as e
    join turn on turn.environment = e.environment
    where e.commit_id is not null
      and e.created_at >= $since and e.created_at < $until
      and e.pipeline_name glob $pipeline_name
),
before as (
    select
        e.environment,
        e.pipeline_name,
        count(*) filter (is_failure(e.status)) / count(*) as failure_rate
    from executions as e
    join turn on turn.environment = e.environment
    where e.commit_id is not null
      and is_ended(e.status)
      and e.created_at >= turn.since_at - ($until - $since) and e.created_at < turn.since_at
      and e.pipeline_name glob $pipeline_name
    group by all
),
after as (
    select
        runs.environment,
        runs.pipeline_name,
        runs.commit_id,
        first_runs.first_run_at,
        count(*) filter (is_ended(status)) as n,
        count(*) filter (lower(status) = 'failed') as failed,
        count(*) filter (lower(status) = 'error') as error
    from runs
    join first_runs
        on first_runs.environment = runs.environment
        and first_runs.pipeline_name = runs.pipeline_name
        and first_runs.commit_id = runs.commit_id
    where first_runs.first_run_at >= runs.since_at
    group by all
),
causes as (
    select
        environment,
        pipeline_name,
        commit_id,
        signature,
        count(*) as n,
        max_by(execution_id, (created_at, execution_id)) as example_execution_id
    from failed_runs($since, $until, $environment, $pipeline_name)
    where commit_id in (select commit_id from after)
    group by all
),
top as (
    select
        environment,
        pipeline_name,
        commit_id,
        min_by((signature, example_execution_id), (-n, signature)) as cause
    from causes
    group by all
)
select
    after.environment,
    after.pipeline_name,
    after.commit_id,
    after.first_run_at,
    after.n,
    after.failed,
    after.error,
    case
        when after.failed + after.error = 0 then false
        else wilson_low(after.failed + after.error, after.n) > before.failure_rate
    end as newly_failing,
    top.cause[1] as top_signature,
    top.cause[2] as example_execution_id
from after
left join before
    on before.environment = after.environment and before.pipeline_name = after.pipeline_name
left join top
    on top.environment = after.environment
    and top.pipeline_name = after.pipeline_name
    and top.commit_id = after.commit_id
order by after.first_run_at, after.environment, after.pipeline_name, after.commit_id

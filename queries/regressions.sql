-- title:  Regressions
-- asks:   Which commit made a pipeline fail more, or run slower?
-- param:  environment    text     all
-- param:  since          instant  30d
-- param:  until          instant  now
-- param:  pipeline_name  glob     *
-- param:  min_runs       count    10
-- param:  rate_jump      number   0.2
-- param:  slow_factor    number   1.3
-- gives:  environment, pipeline_name, last_good_commit_id, first_bad_commit_id, repository_branch
-- gives:  first_bad_at, n_before, n_after, failure_rate_before, failure_rate_after, p50_before_s
-- gives:  p50_after_s, kind
with recursive measured as (
    select
        environment,
        pipeline_name,
        commit_id,
        min(created_at) as first_at,
        count(*) as n,
        count(*) filter (is_failure(status)) / count(*) as failure_rate,
        count(run_s) filter (is_ok(status)) as n_timed,
        quantile_cont(run_s, 0.5) filter (is_ok(status)) as p50_s
    from executions
    where commit_id is not null
      and is_ended(status)
      and created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
    group by all
    having n >= $min_runs
),
-- Two rows of commits for each pipeline, since a commit may fail no more and be slower.
numbered as (
    select
        *,
        row_number() over (
            partition by environment, pipeline_name, kind order by first_at, commit_id
        ) as nr
    from (
        select *, 'failing' as kind from measured
        union all
        select *, 'slower' as kind from measured where n_timed >= greatest($min_runs, 1)
    )
),
-- Each commit is held against the last good one before it: against a bad one, or a mixture, the
-- commit that mends would look like the culprit, or all that come after it.
walked as (
    select
        environment, pipeline_name, kind, nr, commit_id, first_at, n, failure_rate, p50_s,
        false as bad,
        false as begins,
        commit_id as good_commit_id, n as good_n, failure_rate as good_rate, p50_s as good_p50_s
    from numbered
    where nr = 1
    union all
    select
        c.environment, c.pipeline_name, c.kind, c.nr, c.commit_id, c.first_at, c.n,
        c.failure_rate, c.p50_s,
        if(
            c.kind = 'failing',
            c.failure_rate > w.good_rate + $rate_jump,
            c.p50_s > w.good_p50_s * $slow_factor
        ) as is_bad,
        is_bad and not w.bad,
        if(is_bad, w.good_commit_id, c.commit_id),
        if(is_bad, w.good_n, c.n),
        if(is_bad, w.good_rate, c.failure_rate),
        if(is_bad, w.good_p50_s, c.p50_s)
    from walked as w
    join numbered as c
        on c.environment = w.environment
        and c.pipeline_name = w.pipeline_name
        and c.kind = w.kind
        and c.nr = w.nr + 1
),
blamed as (
    select * from walked where begins
),
branches as (
    select
        steps.environment,
        steps.commit_id,
        max_by(steps.repository_branch, (steps.execution_created_at, steps.execution_id, -position))
            as repository_branch
    from steps
    where steps.repository_branch is not null
      and steps.commit_id in (select commit_id from blamed)
    group by all
)
select
    blamed.environment,
    blamed.pipeline_name,
    blamed.good_commit_id as last_good_commit_id,
    blamed.commit_id as first_bad_commit_id,
    branches.repository_branch,
    blamed.first_at as first_bad_at,
    blamed.good_n as n_before,
    blamed.n as n_after,
    blamed.good_rate as failure_rate_before,
    blamed.failure_rate as failure_rate_after,
    blamed.good_p50_s as p50_before_s,
    blamed.p50_s as p50_after_s,
    blamed.kind
from blamed
left join branches
    on branches.environment = blamed.environment and branches.commit_id = blamed.commit_id
order by
    blamed.environment, blamed.pipeline_name, blamed.first_at, blamed.commit_id, blamed.kind

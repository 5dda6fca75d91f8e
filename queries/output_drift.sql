-- title:  Output drift
-- asks:   Did the distribution of an output, or of an input, move?
-- param:  environment    text              all
-- param:  since          instant           1970-01-01
-- param:  until          instant           now
-- param:  pipeline_name  glob              *
-- param:  name           glob              *
-- param:  side           choice(out|in)    out
-- param:  baseline       duration          30d
-- param:  current        duration          7d
-- gives:  environment, pipeline_name, side, name, n_base, n_current, mean_base, mean_current
-- gives:  p50_base, p50_current, null_rate_base, null_rate_current, psi, level
-- The last `current` before `until` against the `baseline` before it. Only numbers are compared, by
-- the population stability index over the deciles of the baseline; `null_rate` is the share of the
-- values that are none. A value that fills a whole decile has a bin of its own, else a constant, or
-- a flag that is nearly always true, could never move down.
with held as (
    select environment, execution_id, execution_created_at, coalesce(name, '') as name,
        value_number, 'out' as side
    from outputs
    where $side = 'out'
    union all
    select environment, execution_id, execution_created_at, coalesce(name, ''), value_number, 'in'
    from inputs
    where $side = 'in'
),
valued as (
    select
        h.environment,
        e.pipeline_name,
        h.side,
        h.name,
        h.value_number                                  as v,
        h.execution_created_at >= $until - $current     as is_new
    from held as h
    join executions as e
        on e.environment = h.environment
        and e.execution_id = h.execution_id
        and e.created_at = h.execution_created_at
    where h.execution_created_at >= greatest($since, $until - $current - $baseline)
      and h.execution_created_at < $until
      and h.name glob $name
      and ($environment is null or h.environment = $environment)
      and e.pipeline_name glob $pipeline_name
),
summed as (
    select
        environment,
        pipeline_name,
        side,
        name,
        count(v) filter (not is_new)                    as n_base,
        count(v) filter (is_new)                        as n_current,
        avg(v) filter (not is_new)                      as sum_base,
        avg(v) filter (is_new)                          as sum_current,
        -- A sum of finite values may be none.
        if(isfinite(sum_base), sum_base, null)          as mean_base,
        if(isfinite(sum_current), sum_current, null)    as mean_current,
        quantile_cont(v, 0.5) filter (not is_new)       as p50_base,
        quantile_cont(v, 0.5) filter (is_new)           as p50_current,
        1 - n_base / nullif(count(*) filter (not is_new), 0) as null_rate_base,
        1 - n_current / nullif(count(*) filter (is_new), 0)  as null_rate_current,
        quantile_cont(v, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
            filter (not is_new)                         as edges
    from valued
    group by all
    having count(v) > 0
),
binned as (
    select
        v.environment,
        v.pipeline_name,
        v.side,
        v.name,
        v.is_new,
        len(list_filter(s.edges, lambda edge: edge < v.v))
            + if(len(list_filter(s.edges, lambda edge: edge = v.v)) > 1, 0.5, 0) as bin
    from valued as v
    join summed as s using (environment, pipeline_name, side, name)
    where v.v is not null and s.n_base > 0 and s.n_current > 0
),
bins as (
    select
        environment,
        pipeline_name,
        side,
        name,
        bin,
        count(*) filter (not is_new)                    as base,
        count(*) filter (is_new)                        as now
    from binned
    group by all
),
shares as (
    select
        environment,
        pipeline_name,
        side,
        name,
        greatest(base / sum(base) over whole, 1e-4)     as base,
        greatest(now / sum(now) over whole, 1e-4)       as now
    from bins
    window whole as (partition by environment, pipeline_name, side, name)
),
compared as (
    select environment, pipeline_name, side, name, sum((now - base) * ln(now / base)) as psi
    from shares
    group by all
)
select
    s.environment,
    s.pipeline_name,
    s.side,
    nullif(s.name, '') as name,
    s.n_base,
    s.n_current,
    s.mean_base,
    s.mean_current,
    s.p50_base,
    s.p50_current,
    s.null_rate_base,
    s.null_rate_current,
    c.psi,
    -- By chance alone the index is about 9 * (1 / n_base + 1 / n_current).
    case
        when c.psi is null or 9 / s.n_base + 9 / s.n_current > 0.1 then 'few'
        when c.psi < 0.1 then 'stable'
        when c.psi < 0.25 then 'watch'
        else 'moved'
    end                                                 as level
from summed as s
left join compared as c using (environment, pipeline_name, side, name)
order by c.psi desc nulls last, s.environment, s.pipeline_name, s.side, s.name

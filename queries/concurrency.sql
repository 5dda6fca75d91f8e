-- title:  Concurrency
-- asks:   How many runs go on at once, and when is the peak?
-- param:  environment    text              all
-- param:  since          instant           30d
-- param:  until          instant           now
-- param:  pipeline_name  glob              *
-- param:  by             choice(hour|day)  hour
-- gives:  environment, bucket, running_avg, running_max, queued_max
-- A run goes on from its start to its end, and waits from when it was asked for to its start; one
-- that has not ended goes on until `until`. Buckets in which none did either are left out. The
-- average is over the part of the bucket that was asked for.
with asked as (
    select
        environment,
        created_at,
        started_at,
        end_date,
        coalesce(is_ended(status) or lower(status) = 'skipped', false) as is_over
    from executions
    where created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
spans as (
    select environment, true as running, greatest(started_at, $since) as begins,
        least(coalesce(end_date, $until), $until) as ends
    from asked
    where started_at is not null and (end_date is not null or not is_over)
    union all
    select environment, false, created_at,
        least(coalesce(started_at, end_date, $until), $until)
    from asked
    where started_at is not null or end_date is not null or not is_over
),
split as (
    select
        *,
        if($by = 'day', interval 1 day, interval 1 hour)  as width,
        unnest(generate_series(date_trunc($by, begins), ends, width)) as bucket
    from spans
    where begins < ends
),
pieces as (
    select
        environment,
        running,
        bucket,
        width,
        greatest(begins, bucket)                        as begins,
        least(ends, bucket + width)                     as ends
    from split
    where bucket < ends
),
steps as (
    select environment, running, bucket, begins as moment, 1 as step from pieces
    union all
    select environment, running, bucket, ends, -1 from pieces
),
levels as (
    select
        environment,
        running,
        bucket,
        -- One that ends at the moment another begins was not there beside it.
        sum(step) over (
            partition by environment, running, bucket order by moment, step
            rows unbounded preceding
        )                                               as level
    from steps
),
peaks as (
    select
        environment,
        bucket,
        coalesce(max(level) filter (running), 0)        as running_max,
        coalesce(max(level) filter (not running), 0)    as queued_max
    from levels
    group by all
),
sums as (
    select
        environment,
        bucket,
        least(bucket + any_value(width), $until)        as bucket_ends,
        greatest(bucket, $since)                        as bucket_begins,
        coalesce(sum(epoch_us(ends) - epoch_us(begins)) filter (running), 0) as running_us
    from pieces
    group by environment, bucket
)
select
    s.environment,
    s.bucket,
    s.running_us / (epoch_us(s.bucket_ends) - epoch_us(s.bucket_begins)) as running_avg,
    p.running_max::bigint                               as running_max,
    p.queued_max::bigint                                as queued_max
from sums as s
join peaks as p using (environment, bucket)
order by s.environment, s.bucket

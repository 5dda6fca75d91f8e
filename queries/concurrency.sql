-- title:  Concurrency
-- asks:   How many runs go on at once, and when is the peak?
-- param:  environment    text              all
-- param:  since          instant           30d
-- param:  until          instant           now
-- param:  pipeline_name  glob              *
-- param:  by             choice(hour|day)  hour
-- gives:  environment, bucket, running_avg, running_max, queued_max
-- A run goes on from its start to its end, and waits from when it was asked for to its start. One
-- that has not ended goes on as far as is known: until it was last listed, or found to be gone.
-- Buckets in which none did either are left out. The average is over the part of the bucket that
-- was asked for and is known.
with asked as (
    select
        environment,
        created_at,
        started_at,
        end_date,
        coalesce(is_ended(status) or lower(status) = 'skipped', false) as is_over,
        coalesce(gone_at, greatest(last_seen_at, fetched_at)) as seen_until
    from executions
    where created_at >= $since and created_at < $until
      and pipeline_name glob $pipeline_name
      and ($environment is null or environment = $environment)
),
known as (
    select
        a.environment,
        least($until, greatest(max(a.seen_until), max(n.last_synced_at))) as known_until
    from asked as a
    left join environments as n on n.environment = a.environment
    group by a.environment
),
spans as (
    select environment, true as running, greatest(started_at, $since) as begins,
        least(coalesce(end_date, seen_until), known_until) as ends, known_until
    from asked
    join known using (environment)
    where started_at is not null and (end_date is not null or not is_over)
    union all
    select environment, false, created_at,
        least(coalesce(started_at, end_date, seen_until), known_until), known_until
    from asked
    join known using (environment)
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
        known_until,
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
        least(bucket + any_value(width), any_value(known_until)) as bucket_ends,
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

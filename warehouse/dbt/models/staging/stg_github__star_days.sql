-- Day buckets of every page of star history, and again of a page that a 304 confirmed, as the answer of that moment:
-- so a day that was still running becomes whole, and a day that had not come becomes a zero. Days are US-Pacific:
-- those after the answer's own day are dropped, and that day is partial. Readings of a week that repeat the one before
-- are left out, as the parsed store does within its batches.
with source as (
    select *
    from {{ source('parsed', 'star_weeks') }}
    qualify
        row(days, days_over)
        is distinct from lag(row(days, days_over)) over (partition by repo_id, week order by fetched_at, response_id)
),

days as (
    select
        response_id,
        fetched_at,
        repo_id,
        week,
        days_over,
        unnest(days) as stars_added,
        unnest(range(7)) as days_before
    from source
),

final as (
    select
        response_id,
        fetched_at,
        repo_id,
        week,
        week + days_before::integer as day,
        stars_added,
        days_before = days_over as is_partial
    from days
    where days_before <= days_over
)

select * from final

-- Each name and day (or hour) that a window covered, with its star events: none found there is zero. From the day on
-- which the events' outage without end begins, so little was captured that a count would read as lost popularity; in
-- the outages that ended, events are missing.
{{ config(materialized="ephemeral") }}
with names as (
    select
        response_id,
        fetched_at,
        provider,
        hour,
        window_start,
        window_end,
        unnest(list_distinct(repo_names)) as repo_name
    from {{ ref('stg_events__windows') }}
),

days as (
    select
        *,
        unnest(generate_series(window_start, window_end, interval 1 day))::date as day
    from names
),

outages as (
    select
        period_start,
        period_end
    from {{ ref('stg_cited__outages') }}
    where source = 'events'
),

final as (
    select
        days.provider as source,
        days.repo_name,
        days.day,
        days.hour,
        coalesce(events.stars, 0) as stars_added,
        exists (
            select 1
            from outages
            where days.day between outages.period_start and outages.period_end
        ) as is_incomplete,
        days.fetched_at as known_from,
        days.response_id
    from days
    left join {{ ref('stg_events__stars') }} as events
        on
            days.response_id = events.response_id
            and days.repo_name = events.repo_name
            and days.day = events.day
            and days.hour is not distinct from events.hour
    where
        days.day < coalesce(
            (
                select min(outages.period_start)
                from outages
                where outages.period_end is null
            ),
            date '9999-12-31'
        )
)

select * from final

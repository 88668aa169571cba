-- The months of which every day lies in a window that asked arXiv for all of a framework's terms.
with windows as (
    select
        *,
        unnest(generate_series(first_day, last_day, interval 1 day))::date as day
    from {{ ref('hist_paper_windows') }}
),

-- The window that was the first to cover the day.
days as (
    select
        framework_id,
        day,
        min(known_from) as known_from,
        arg_min(response_id, (known_from, response_id)) as response_id
    from windows
    group by framework_id, day
),

months as (
    select
        framework_id,
        date_trunc('month', day)::date as month,
        count(*) as days,
        arg_max(response_id, (known_from, response_id)) as response_id
    from days
    group by all
),

-- Each month with the window that completed it.
final as (
    select
        framework_id,
        month,
        response_id
    from months
    where days = day(last_day(month))
)

select * from final

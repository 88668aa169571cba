-- The months of which every day lies in a finished window that asked arXiv for all of a framework's terms. A day counts
-- once a window was read `papers_settle_days` after it, since papers appear some days after submission.
with windows as (
    select
        unnest(
            generate_series(
                window_start, least(window_end, fetched_at::date - {{ var('papers_settle_days') }}), interval 1 day
            )
        )::date as day,
        query,
        fetched_at,
        response_id
    from {{ ref('stg_arxiv__paper_windows') }}
    where received >= total
),

queries as (
    select
        frameworks.framework_id,
        windows.query
    from (select distinct query from windows) as windows
    inner join {{ ref('stg_registry__frameworks') }} as frameworks
        on
            len(frameworks.arxiv_query) > 0
            and len(list_filter(frameworks.arxiv_query, lambda term: not contains(windows.query, '"' || term || '"')))
            = 0
),

-- The window that was the first to cover the day.
days as (
    select
        queries.framework_id,
        windows.day,
        min(windows.fetched_at) as fetched_at,
        arg_min(windows.response_id, (windows.fetched_at, windows.response_id)) as response_id
    from windows
    inner join queries on windows.query = queries.query
    group by queries.framework_id, windows.day
),

months as (
    select
        framework_id,
        date_trunc('month', day)::date as month,
        count(*) as days,
        arg_max(response_id, (fetched_at, response_id)) as response_id
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

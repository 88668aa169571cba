-- The months for which a finished window asked arXiv for a framework's terms. A month counts once the window was
-- read at least three days after the month ended, since papers appear some days after submission.
with windows as (
    select *
    from {{ ref('stg_arxiv__paper_windows') }}
    where received >= total
),

months as (
    select
        unnest(generate_series(date_trunc('month', window_start), window_end, interval 1 month))::date as month,
        query,
        fetched_at,
        response_id,
        least(window_end, fetched_at::date - 3) as complete_until,
        window_start
    from windows
),

final as (
    select
        frameworks.framework_id,
        months.month,
        arg_min(months.response_id, (months.fetched_at, months.response_id)) as response_id
    from months
    cross join {{ ref('stg_registry__frameworks') }} as frameworks
    where
        months.month >= months.window_start
        and last_day(months.month) <= months.complete_until
        and len(frameworks.arxiv_query) > 0
        and len(list_filter(frameworks.arxiv_query, lambda term: not contains(months.query, '"' || term || '"'))) = 0
    group by all
)

select * from final

-- Finished windows that asked arXiv for all of a framework's terms. A day counts once a window was read
-- `papers_settle_days` after it, since papers appear some days after submission. A note tells that a window was finished:
-- the row leads to the last answer that the note names, for the note itself has no address.
with windows as (
    select
        query,
        window_start as first_day,
        least(window_end, fetched_at::date - {{ var('papers_settle_days') }}) as last_day,
        fetched_at as known_from,
        last_answer_id,
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
)

select
    queries.framework_id,
    windows.first_day,
    windows.last_day,
    windows.known_from,
    coalesce(answers.response_id, windows.response_id) as response_id
from windows
inner join queries on windows.query = queries.query
left join {{ ref('stg_raw__responses') }} as answers on windows.last_answer_id = answers.response_id
where windows.first_day <= windows.last_day

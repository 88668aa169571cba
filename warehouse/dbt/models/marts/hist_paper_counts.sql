-- A month counts once it was asked for `papers_settle_days` after its end, as a day of papers does.
with readings as (
    select
        *,
        fetched_at as known_from
    from {{ ref('stg_arxiv__paper_counts') }}
    where last_day(month) + {{ var('papers_settle_days') }} <= fetched_at::date
),

history as (
    {{ change_history('readings', ['month'], ['papers']) }}
)

select
    month,
    papers,
    known_from,
    known_to,
    response_id
from history

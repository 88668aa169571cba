-- Months asked for after their end.
with readings as (
    select
        lower(tag) as tag,
        month,
        questions,
        fetched_at as known_from,
        response_id
    from {{ ref('stg_stackexchange__questions') }}
    where last_day(month) < fetched_at::date
),

history as (
    {{ change_history('readings', ['tag', 'month'], ['questions']) }}
)

select
    tag,
    month,
    questions,
    known_from,
    known_to,
    response_id
from history

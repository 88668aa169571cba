-- Observed counts: our own readings of the repository record, and those that others published.
with own as (
    select
        repo_id,
        fetched_at::date as day,
        'github' as source,
        stars,
        null::bigint as rounded_to,
        fetched_at as known_from,
        response_id
    from {{ ref('stg_github__repo_records') }}
),

cited as (
    select
        repo_id,
        day,
        source,
        stars,
        rounded_to,
        read_on::timestamp as known_from,
        response_id
    from {{ ref('stg_cited__stars') }}
),

final as (
    select * from own
    union all
    select * from cited
)

select * from final

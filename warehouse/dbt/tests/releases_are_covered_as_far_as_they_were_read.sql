-- Before the oldest release told, releases are known only of a repository whose list was read whole.
with told as (
    select
        repo_id,
        min(released_on) as oldest_on
    from {{ ref('stg_github__releases') }}
    group by repo_id
)

select coverage.*
from {{ ref('fct_coverage') }} as coverage
left join told on coverage.subject = told.repo_id
where
    coverage.source = 'releases'
    and coverage.state in ('observed', 'zero')
    and coverage.period_start < coalesce(told.oldest_on, coverage.period_end)
    and coverage.subject not in (
        select lists.repo_id from {{ ref('stg_github__release_lists') }} as lists where lists.is_whole
    )

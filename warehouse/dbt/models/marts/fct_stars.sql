-- The three kinds of star count one under another; they share no row.
with observed as (
    select
        repos.framework_id,
        counts.repo_id,
        counts.day,
        'observed' as estimator,
        counts.stars,
        null::bigint as stars_added,
        false as is_partial,
        counts.rounded_to,
        counts.source,
        counts.known_from as known_at,
        counts.response_id
    from {{ ref('hist_star_counts') }} as counts
    inner join {{ ref('dim_repos') }} as repos on counts.repo_id = repos.repo_id
    where counts.known_to is null
)

select * from {{ ref('int_retained_stars') }}
union all
select * from observed
union all
select * from {{ ref('int_gross_stars') }}

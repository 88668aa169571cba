-- Days on which a framework has more than one kind of star count; the kinds stand side by side, never on one line.
with daily as (
    select
        framework_id,
        repo_id,
        day,
        estimator,
        arg_max(stars, (rounded_to is null, source = 'github', stars)) as stars
    from {{ ref('fct_stars') }}
    where stars is not null and repo_id in (select repo_id from {{ ref('int_counted_repos') }})
    group by all
),

repositories as (
    select
        framework_id,
        count(*) as repos
    from {{ ref('int_counted_repos') }}
    group by framework_id
),

summed as (
    select
        framework_id,
        day,
        estimator,
        sum(stars)::bigint as stars
    from daily
    group by framework_id, day, estimator
    having count(*) = (
        select repositories.repos
        from repositories
        where repositories.framework_id = daily.framework_id
    )
),

final as (
    select
        framework_id,
        day,
        max(stars) filter (where estimator = 'observed') as observed,
        max(stars) filter (where estimator = 'retained') as retained,
        max(stars) filter (where estimator = 'gross') as gross,
        retained / observed as retained_per_observed,
        gross / observed as gross_per_observed,
        retained / gross as retained_per_gross
    from summed
    group by framework_id, day
    having count(distinct estimator) > 1
)

select * from final

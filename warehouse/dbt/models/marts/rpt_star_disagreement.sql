-- Days on which a framework has more than one kind of star count; the kinds stand side by side, never on one line.
-- Retained stars go by US-Pacific days: our own readings count for the Pacific day on which they were made, the last one
-- of the day. It is up to a day earlier than the day's end. Days that were not over when they were read are left out.
with own as (
    select
        records.repo_id,
        responses.pacific_day as day,
        'observed' as estimator,
        arg_max(records.stars, (records.fetched_at, records.response_id)) as stars
    from {{ ref('stg_github__repo_records') }} as records
    inner join {{ ref('stg_raw__responses') }} as responses on records.response_id = responses.response_id
    group by records.repo_id, responses.pacific_day
),

counts as (
    select
        repo_id,
        day,
        estimator,
        stars,
        true as is_exact,
        true as is_own
    from own
    union all
    select
        repo_id,
        day,
        estimator,
        stars,
        rounded_to is null as is_exact,
        source = 'github' as is_own
    from {{ ref('fct_stars') }}
    where stars is not null and not is_partial and (estimator <> 'observed' or source <> 'github')
),

daily as (
    select
        repos.framework_id,
        counts.repo_id,
        counts.day,
        counts.estimator,
        arg_max(counts.stars, (counts.is_exact, counts.is_own, counts.stars)) as stars
    from counts
    inner join {{ ref('int_counted_repos') }} as repos on counts.repo_id = repos.repo_id
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
        retained / nullif(observed, 0) as retained_per_observed,
        gross / nullif(observed, 0) as gross_per_observed,
        retained / nullif(gross, 0) as retained_per_gross
    from summed
    group by framework_id, day
    having count(distinct estimator) > 1
)

select * from final

-- What was read of the sources that tell days, one row a day, month or stretch, with how much they told of it: zero is
-- an answer, too. int_coverage_periods joins what touches. Days that a source said it lacks are `is_missing`.
with ranking_days as (
    select *
    from {{ ref('stg_ranking__days') }}
    qualify row_number() over (partition by day order by is_missing, fetched_at desc, response_id desc) = 1
),

release_answers as (
    select
        subject as repo_id,
        max(fetched_at)::date as last_day
    from {{ ref('stg_raw__responses') }}
    where source = 'releases' and status in (200, 304) and rejected is null
    group by subject
),

final as (
    select
        'stars' as source,
        stars.repo_id as subject,
        stars.day as first_day,
        stars.day as last_day,
        stars.stars_added as amount,
        false as is_missing
    from {{ ref('hist_star_days') }} as stars
    inner join {{ ref('dim_repos') }} as repos on stars.repo_id = repos.repo_id
    where stars.known_to is null
    union all
    select
        'events' as source,
        repo_id as subject,
        day as first_day,
        day as last_day,
        max(stars_added) as amount,
        false as is_missing
    from {{ ref('fct_stars') }}
    where estimator = 'gross'
    group by repo_id, day
    union all
    select
        'ranking' as source,
        '*' as subject,
        day as first_day,
        day as last_day,
        1 as amount,
        is_missing
    from ranking_days
    union all
    select
        'downloads' as source,
        source || ' ' || package as subject,
        day as first_day,
        if(granularity = 'month', last_day(day), day) as last_day,
        sum(downloads) as amount,
        false as is_missing
    from {{ ref('fct_downloads') }}
    group by all
    union all
    -- A list of releases tells the repository's whole life, up to the day on which it was read.
    select
        'releases' as source,
        answers.repo_id as subject,
        coalesce(repos.created_on, min(releases.released_on)) as first_day,
        answers.last_day,
        count(releases.version) as amount,
        false as is_missing
    from release_answers as answers
    inner join {{ ref('dim_repos') }} as repos on answers.repo_id = repos.repo_id
    left join {{ ref('hist_releases') }} as releases
        on answers.repo_id = releases.repo_id and releases.known_to is null
    group by answers.repo_id, answers.last_day, repos.created_on
    union all
    -- The archive of Papers with Code comes as a whole.
    select
        'surveys' as source,
        'paperswithcode ' || framework_id as subject,
        min(month) as first_day,
        last_day(max(month)) as last_day,
        sum(repositories) as amount,
        false as is_missing
    from {{ ref('fct_implementations_monthly') }}
    group by framework_id
)

select * from final

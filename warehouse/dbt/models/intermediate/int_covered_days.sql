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
        status,
        fetched_at,
        response_id
    from {{ ref('stg_raw__responses') }}
    where source = 'releases' and status in (200, 304) and rejected is null
),

-- The lists of releases that were read whole once, and when they were last read on up to a release known by then.
whole_lists as (
    select
        lists.repo_id,
        max(readings.fetched_at) as read_at
    from (
        select repo_id
        from {{ ref('stg_github__release_lists') }}
        where is_whole
        group by repo_id
    ) as lists
    inner join (
        select
            repo_id,
            fetched_at
        from {{ ref('stg_github__release_lists') }}
        union all
        select
            repo_id,
            fetched_at
        from release_answers
        where status = 304
    ) as readings on lists.repo_id = readings.repo_id
    group by lists.repo_id
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
    -- A first week holds days before the repository was: placeholders. Its first star may be of one by California's date.
    where stars.known_to is null and (stars.stars_added > 0 or coalesce(stars.day >= repos.created_on, true))
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
    -- The totals that shares have as their base are asked for apart, by month.
    select
        'papers' as source,
        'ml_papers totals' as subject,
        month as first_day,
        last_day(month) as last_day,
        papers as amount,
        false as is_missing
    from {{ ref('hist_paper_counts') }}
    where known_to is null
    union all
    select
        'questions' as source,
        'all questions' as subject,
        month as first_day,
        last_day(month) as last_day,
        questions as amount,
        false as is_missing
    from {{ ref('hist_questions') }}
    where known_to is null and tag is null
    union all
    -- A list of releases read whole tells the repository's whole life.
    select
        'releases' as source,
        lists.repo_id as subject,
        coalesce(repos.created_on, min(releases.released_on), lists.read_at::date) as first_day,
        lists.read_at::date as last_day,
        count(releases.version) as amount,
        false as is_missing
    from whole_lists as lists
    inner join {{ ref('dim_repos') }} as repos on lists.repo_id = repos.repo_id
    left join {{ ref('hist_releases') }} as releases
        on lists.repo_id = releases.repo_id and releases.known_to is null
    group by lists.repo_id, lists.read_at, repos.created_on
    union all
    -- Pages read otherwise, or since, tell the time from the oldest release on them.
    select
        'releases' as source,
        answers.repo_id as subject,
        min(coalesce(releases.released_on, answers.fetched_at::date)) as first_day,
        max(answers.fetched_at)::date as last_day,
        count(releases.version) as amount,
        false as is_missing
    from release_answers as answers
    inner join {{ ref('dim_repos') }} as repos on answers.repo_id = repos.repo_id
    left join whole_lists as lists on answers.repo_id = lists.repo_id
    left join {{ ref('stg_github__releases') }} as releases on answers.response_id = releases.response_id
    where lists.repo_id is null or answers.fetched_at > lists.read_at
    group by answers.repo_id
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

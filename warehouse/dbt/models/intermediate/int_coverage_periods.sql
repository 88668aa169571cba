-- Periods of which the signals beside stars and papers are known, one row an island of days (questions: a month).
with event_days as (
    select
        repo_id,
        day,
        max(stars_added) as stars_added,
        day - (row_number() over (partition by repo_id order by day))::integer as island
    from {{ ref('fct_stars') }}
    where estimator = 'gross'
    group by repo_id, day
),

ranking_days as (
    select
        day,
        is_missing,
        day - (row_number() over (partition by is_missing order by day))::integer as island
    from (
        select *
        from {{ ref('stg_ranking__days') }}
        qualify row_number() over (partition by day order by is_missing, fetched_at desc, response_id desc) = 1
    )
),

download_days as (
    select
        source || ' ' || package as subject,
        day as first_day,
        if(granularity = 'month', last_day(day), day) as last_day,
        sum(downloads) as downloads
    from {{ ref('fct_downloads') }}
    group by all
),

download_starts as (
    select
        *,
        coalesce(
            first_day > 1 + max(last_day) over (
                partition by subject order by first_day rows between unbounded preceding and 1 preceding
            ),
            true
        ) as is_after_gap
    from download_days
),

download_islands as (
    select
        *,
        count_if(is_after_gap) over (partition by subject order by first_day) as island
    from download_starts
),

release_answers as (
    select
        subject as repo_id,
        max(fetched_at)::date as last_day
    from {{ ref('stg_raw__responses') }}
    where source = 'releases' and status in (200, 304) and rejected is null
    group by subject
),

released_repos as (
    select
        repo_id,
        min(released_on) as first_day
    from {{ ref('int_releases') }}
    group by repo_id
),

final as (
    select
        'events' as source,
        repo_id as subject,
        min(day) as period_start,
        max(day) as period_end,
        if(sum(stars_added) > 0, 'observed', 'zero') as state,
        null as note
    from event_days
    group by repo_id, island
    union all
    select
        'ranking' as source,
        '*' as subject,
        min(day) as period_start,
        max(day) as period_end,
        if(is_missing, 'missing', 'observed') as state,
        if(is_missing, 'the ranking has no file of these days', null) as note
    from ranking_days
    group by is_missing, island
    union all
    select
        'downloads' as source,
        subject,
        min(first_day) as period_start,
        max(last_day) as period_end,
        if(sum(downloads) > 0, 'observed', 'zero') as state,
        null as note
    from download_islands
    group by subject, island
    union all
    select
        'questions' as source,
        framework_id as subject,
        month as period_start,
        last_day(month) as period_end,
        if(questions > 0, 'observed', 'zero') as state,
        null as note
    from {{ ref('fct_questions_monthly') }}
    union all
    select
        'releases' as source,
        answers.repo_id as subject,
        coalesce(repos.created_on, released.first_day) as period_start,
        answers.last_day as period_end,
        if(released.first_day is null, 'zero', 'observed') as state,
        null as note
    from release_answers as answers
    inner join {{ ref('dim_repos') }} as repos on answers.repo_id = repos.repo_id
    left join released_repos as released on answers.repo_id = released.repo_id
    union all
    select
        'surveys' as source,
        'paperswithcode ' || framework_id as subject,
        min(month) as period_start,
        last_day(max(month)) as period_end,
        if(sum(repositories) > 0, 'observed', 'zero') as state,
        null as note
    from {{ ref('fct_implementations_monthly') }}
    group by framework_id
)

select * from final

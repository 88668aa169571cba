-- From which day to which each source could be known of each subject, and what the days of it are that were not read.
-- A span without end was never read at all.
with today as (
    select day
    from {{ ref('int_today') }}
),

events_end as (
    select coalesce(min(period_start), (select today.day from today)) - 1 as day
    from {{ ref('stg_cited__outages') }}
    where source = 'events' and period_end is null
),

known as (
    select
        source,
        subject,
        min(period_start) as first_day,
        max(period_end) as last_day
    from {{ ref('int_coverage_periods') }}
    group by source, subject
),

unused_tags as (
    select
        tags.framework_id,
        string_agg(tags.tag, ', ' order by tags.tag) as tags
    from {{ ref('stg_registry__tags') }} as tags
    inner join (
        select lower(tag) as tag
        from {{ ref('stg_stackexchange__questions') }}
        group by lower(tag)
        having sum(questions) = 0
    ) as unused on lower(tags.tag) = unused.tag
    group by tags.framework_id
),

-- Star events are recorded since 2011-02-12, the ranking since 2018-12-18, questions since August 2008.
final as (
    select
        'stars' as source,
        repos.repo_id as subject,
        repos.created_on as first_day,
        known.last_day,
        'missing' as state,
        if(
            known.subject is null,
            'no star history was fetched yet',
            'these weeks of the star history were not fetched yet'
        ) as note
    from {{ ref('dim_repos') }} as repos
    left join known on repos.repo_id = known.subject and known.source = 'stars'
    union all
    select
        'events' as source,
        repos.repo_id as subject,
        greatest(coalesce(repos.created_on, date '2011-02-12'), date '2011-02-12') as first_day,
        events_end.day as last_day,
        'missing' as state,
        'star events of these days were not read yet' as note
    from {{ ref('dim_repos') }} as repos
    cross join events_end
    union all
    select
        'ranking' as source,
        '*' as subject,
        date '2018-12-18' as first_day,
        today.day - 1 as last_day,
        'not_asked' as state,
        'the files of these days were not asked for' as note
    from today
    union all
    select
        'papers' as source,
        frameworks.framework_id as subject,
        date_trunc('month', frameworks.first_released_on)::date as first_day,
        last_day(today.day - interval 1 month) as last_day,
        'missing' as state,
        'these months were not asked to their end yet' as note
    from {{ ref('stg_registry__frameworks') }} as frameworks
    cross join today
    where len(frameworks.arxiv_query) > 0
    union all
    select
        'surveys' as source,
        subject,
        first_day,
        last_day,
        'missing' as state,
        'no figure of these years was read' as note
    from known
    where source = 'surveys'
    union all
    select
        'downloads' as source,
        packages.provider || ' ' || packages.package as subject,
        known.first_day,
        known.last_day,
        'missing' as state,
        case
            when known.subject is not null then 'there is no count for these days'
            when packages.is_unknown_there then 'asked; the index has no such package'
            else 'no downloads were read yet'
        end as note
    from {{ ref('int_asked_packages') }} as packages
    left join known on packages.provider || ' ' || packages.package = known.subject and known.source = 'downloads'
    union all
    select
        'questions' as source,
        frameworks.framework_id as subject,
        greatest(
            date_trunc('month', frameworks.first_released_on) - interval 1 year, timestamp '2008-08-01'
        )::date as first_day,
        date_trunc('month', today.day)::date - 1 as last_day,
        'missing' as state,
        coalesce(
            'asked; no question has this tag: ' || unused_tags.tags, 'these months were not asked for every tag yet'
        ) as note
    from {{ ref('stg_registry__frameworks') }} as frameworks
    cross join today
    left join unused_tags on frameworks.framework_id = unused_tags.framework_id
    where frameworks.framework_id in (select tags.framework_id from {{ ref('stg_registry__tags') }} as tags)
    union all
    select
        'releases' as source,
        repos.repo_id as subject,
        repos.created_on as first_day,
        null as last_day,
        'missing' as state,
        'no releases were read yet' as note
    from {{ ref('dim_repos') }} as repos
    where repos.repo_id not in (select known.subject from known where known.source = 'releases')
)

select * from final

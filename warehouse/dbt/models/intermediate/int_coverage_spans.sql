-- From which day to which each source could be known of each subject, and what the days of it are that were not read;
-- `note_since` is the word for those after the last that was. A span without end was never read at all.
with today as (
    select day
    from {{ ref('int_today') }}
),

-- The days of the star history are those of US-Pacific.
pacific_today as (
    select max(pacific_day) as day
    from {{ ref('stg_raw__responses') }}
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

-- The last year in which a survey asked, and the last of which anything is known: that it did not ask, for instance.
survey_ends as (
    select
        concat_ws(' ', shares.survey, shares.label) as subject,
        make_date(max(greatest(max(shares.year), max(asked.year))) over (partition by shares.survey), 12, 31) as day
    from {{ ref('fct_survey_shares') }} as shares
    left join (
        values ('kdnuggets', 2019), ('kaggle', 2022), ('stackoverflow', 2024)
    ) as asked (survey, year) on shares.survey = asked.survey
    group by shares.survey, shares.label
),

-- The newest day that each provider of download counts has to tell: pypistats that before yesterday, ClickHouse what
-- pypistats tells no longer, conda a month that is over for two more.
download_ends as (
    select
        unnest(['pypistats', 'clickhouse', 'conda']) as provider,
        unnest([today.day - 2, today.day - 181, last_day(today.day - 92)]) as day
    from today
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
        if(known.subject is null, null, greatest(known.last_day, pacific_today.day - 1)) as last_day,
        'missing' as state,
        if(
            known.subject is null,
            'no star history was fetched yet',
            'these weeks of the star history were not fetched yet'
        ) as note,
        'not read since' as note_since
    from {{ ref('dim_repos') }} as repos
    cross join pacific_today
    left join known on repos.repo_id = known.subject and known.source = 'stars'
    union all
    select
        'events' as source,
        repos.repo_id as subject,
        greatest(coalesce(repos.created_on, date '2011-02-12'), date '2011-02-12') as first_day,
        events_end.day as last_day,
        'missing' as state,
        'star events of these days were not read yet' as note,
        null as note_since
    from {{ ref('dim_repos') }} as repos
    cross join events_end
    union all
    select
        'ranking' as source,
        '*' as subject,
        date '2018-12-18' as first_day,
        today.day - 1 as last_day,
        'not_asked' as state,
        'the files of these days were not asked for' as note,
        null as note_since
    from today
    union all
    select
        'papers' as source,
        frameworks.framework_id as subject,
        date_trunc('month', frameworks.first_released_on)::date as first_day,
        last_day(today.day - interval 1 month) as last_day,
        'missing' as state,
        'these months were not asked to their end yet' as note,
        null as note_since
    from {{ ref('stg_registry__frameworks') }} as frameworks
    cross join today
    where len(frameworks.arxiv_query) > 0
    union all
    select
        'surveys' as source,
        known.subject,
        known.first_day,
        greatest(known.last_day, survey_ends.day) as last_day,
        'missing' as state,
        'no figure of these years was read' as note,
        null as note_since
    from known
    left join survey_ends on known.subject = survey_ends.subject
    where known.source = 'surveys'
    union all
    select
        'downloads' as source,
        packages.provider || ' ' || packages.package as subject,
        known.first_day,
        if(known.subject is null, null, greatest(known.last_day, download_ends.day)) as last_day,
        'missing' as state,
        case
            when known.subject is not null then 'there is no count for these days'
            when packages.is_unknown_there then 'asked; the index has no such package'
            else 'no downloads were read yet'
        end as note,
        'not read since' as note_since
    from {{ ref('int_asked_packages') }} as packages
    inner join download_ends on packages.provider = download_ends.provider
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
        ) as note,
        null as note_since
    from {{ ref('stg_registry__frameworks') }} as frameworks
    cross join today
    left join unused_tags on frameworks.framework_id = unused_tags.framework_id
    where frameworks.framework_id in (select tags.framework_id from {{ ref('stg_registry__tags') }} as tags)
    union all
    select
        'releases' as source,
        repos.repo_id as subject,
        coalesce(repos.created_on, known.first_day) as first_day,
        if(known.subject is null, null, greatest(known.last_day, today.day - 1)) as last_day,
        'missing' as state,
        if(known.subject is null, 'no releases were read yet', 'older releases were not read yet') as note,
        'not read since' as note_since
    from {{ ref('dim_repos') }} as repos
    cross join today
    left join known on repos.repo_id = known.subject and known.source = 'releases'
)

select * from final

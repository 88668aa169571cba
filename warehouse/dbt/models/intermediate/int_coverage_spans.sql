-- From which day to which each source could be known of each subject, and what the days of it are that were not read;
-- `note_since` is the word for those after the last that was, `note_before` for those before `read_from`, the first that
-- was asked about. A span begins with the source or what it tells of, not with the first reading; one without end was
-- never read at all.
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

-- The first and the last year in which a survey asked, or that of which anything is known: that it did not ask, for
-- instance.
survey_years as (
    select
        concat_ws(' ', shares.survey, shares.label) as subject,
        min(make_date(least(min(shares.year), min(asked.first_year)), 1, 1)) over surveys as first_day,
        max(make_date(greatest(max(shares.year), max(asked.year)), 12, 31)) over surveys as last_day
    from {{ ref('fct_survey_shares') }} as shares
    left join (
        values ('kdnuggets', 2017, 2019), ('kaggle', 2018, 2022), ('stackoverflow', 2017, 2024)
    ) as asked (survey, first_year, year) on shares.survey = asked.survey
    group by shares.survey, shares.label
    window surveys as (partition by shares.survey)
),

-- An archive of Papers with Code that was imported tells of every framework that it has a label of.
unread_implementations as (
    select 'paperswithcode ' || framework_id as subject
    from {{ ref('stg_registry__paperswithcode') }}
    group by framework_id
    except
    select subject
    from known
    where source = 'surveys'
),

-- The newest day that each provider of download counts has to tell: pypistats that before yesterday, ClickHouse what
-- pypistats tells no longer, conda a month that is over for two more. And the first: ClickHouse's is of 2016, conda's of
-- April 2017, and none is of a year (conda: of a month) before the first release; pypistats tells half a year in each
-- answer and nothing older, so what it told first is its first.
download_ends as (
    select
        unnest(['pypistats', 'clickhouse', 'conda']) as provider,
        unnest([null, date '2016-01-01', date '2017-04-01']) as first_day,
        unnest([null, 'year', 'month']) as grain,
        unnest([null, 'earlier years were not read yet', 'earlier months were not read yet']) as note_before,
        unnest([today.day - 2, today.day - 181, last_day(today.day - 92)]) as last_day
    from today
),

-- Questions may come before a first release: previews, announcements.
question_starts as (
    select
        framework_id,
        greatest(
            date_trunc('month', first_released_on) - interval 1 year, timestamp '2008-08-01'
        )::date as first_day
    from {{ ref('stg_registry__frameworks') }}
    where framework_id in (select tags.framework_id from {{ ref('stg_registry__tags') }} as tags)
),

-- "Any framework" is known only where each was asked for from the year of its first release on.
paper_starts as (
    select
        framework_id,
        date_trunc('year', first_released_on)::date as first_day
    from {{ ref('stg_registry__frameworks') }}
    where len(arxiv_query) > 0
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

-- Star events are recorded since 2011-02-12, the ranking since 2018-12-18, questions since August 2008; totals of arXiv's
-- papers are asked for since 2010.
spans as (
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
        paper_starts.framework_id as subject,
        paper_starts.first_day,
        last_day(today.day - interval 1 month) as last_day,
        'missing' as state,
        'these months were not asked to their end yet' as note,
        null as note_since
    from paper_starts
    cross join today
    union all
    select
        'papers' as source,
        'ml_papers totals' as subject,
        date '2010-01-01' as first_day,
        last_day(today.day - interval 1 month) as last_day,
        'missing' as state,
        'how many papers there were in these months was not read yet' as note,
        null as note_since
    from today
    where exists (select 1 from paper_starts)
    union all
    select
        'surveys' as source,
        known.subject,
        survey_years.first_day,
        greatest(known.last_day, survey_years.last_day) as last_day,
        'missing' as state,
        'no figure of these years was read' as note,
        null as note_since
    from known
    left join survey_years on known.subject = survey_years.subject
    where known.source = 'surveys'
    union all
    select
        'surveys' as source,
        subject,
        null as first_day,
        null as last_day,
        'missing' as state,
        if(
            exists (select 1 from {{ ref('fct_implementations_monthly') }}),
            'imported; the archive has no such label',
            'the archive of Papers with Code was not imported yet'
        ) as note,
        null as note_since
    from unread_implementations
    union all
    select
        'downloads' as source,
        packages.provider || ' ' || packages.package as subject,
        if(
            known.subject is null,
            null,
            greatest(download_ends.first_day, date_trunc(download_ends.grain, packages.released_on))
        )::date as first_day,
        if(known.subject is null, null, greatest(known.last_day, download_ends.last_day)) as last_day,
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
        question_starts.framework_id as subject,
        question_starts.first_day,
        date_trunc('month', today.day)::date - 1 as last_day,
        'missing' as state,
        coalesce(
            'asked; no question has this tag: ' || unused_tags.tags, 'these months were not asked for every tag yet'
        ) as note,
        null as note_since
    from question_starts
    cross join today
    left join unused_tags on question_starts.framework_id = unused_tags.framework_id
    union all
    select
        'questions' as source,
        'all questions' as subject,
        min(question_starts.first_day) as first_day,
        date_trunc('month', today.day)::date - 1 as last_day,
        'missing' as state,
        'how many questions there were in these months was not read yet' as note,
        null as note_since
    from question_starts
    cross join today
    group by today.day
    union all
    select
        'releases' as source,
        repos.repo_id as subject,
        repos.created_on as first_day,
        if(known.subject is null, null, greatest(known.last_day, today.day - 1)) as last_day,
        'missing' as state,
        if(known.subject is null, 'no releases were read yet', 'older releases were not read yet') as note,
        'not read since' as note_since
    from {{ ref('dim_repos') }} as repos
    cross join today
    left join known on repos.repo_id = known.subject and known.source = 'releases'
),

-- What was read beyond the span belongs to it, or the days between would have no state.
final as (
    select
        spans.source,
        spans.subject,
        least(spans.first_day, known.first_day) as first_day,
        spans.last_day,
        spans.state,
        spans.note,
        spans.note_since,
        least(packages.asked_from, known.first_day) as read_from,
        download_ends.note_before
    from spans
    left join known on spans.source = known.source and spans.subject = known.subject
    left join {{ ref('int_asked_packages') }} as packages
        on spans.source = 'downloads' and spans.subject = packages.provider || ' ' || packages.package
    left join download_ends on packages.provider = download_ends.provider
)

select * from final

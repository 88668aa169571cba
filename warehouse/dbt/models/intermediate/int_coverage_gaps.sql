-- What is not known of the signals beside stars and papers: the days between the known periods of each span that
-- could be known. A span without end was never read.
with newest as (
    select max(fetched_at)::date as day
    from {{ ref('meta_responses') }}
),

events_end as (
    select coalesce(min(period_start), (select day from newest)) - 1 as day
    from {{ ref('stg_cited__outages') }}
    where source = 'events' and period_end is null
),

providers as (
    select
        unnest(if(registry = 'pypi', ['pypistats', 'clickhouse'], ['conda'])) as provider,
        package
    from {{ ref('stg_registry__packages') }}
),

downloaded as (
    select
        subject,
        min(period_start) as first_day,
        max(period_end) as last_day
    from {{ ref('int_coverage_periods') }}
    where source = 'downloads'
    group by subject
),

-- Star events are recorded since 2011-02-12, the ranking since 2018-12-18, questions since August 2008.
spans as (
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
        newest.day - 1 as last_day,
        'not_asked' as state,
        'the files of these days were not asked for' as note
    from newest
    union all
    select distinct
        'downloads' as source,
        providers.provider || ' ' || providers.package as subject,
        downloaded.first_day,
        downloaded.last_day,
        'missing' as state,
        if(
            downloaded.first_day is null, 'no downloads were read yet', 'there is no count for these days'
        ) as note
    from providers
    left join downloaded on providers.provider || ' ' || providers.package = downloaded.subject
    union all
    select
        'questions' as source,
        framework_id as subject,
        greatest(
            date_trunc('month', first_released_on) - interval 1 year, timestamp '2008-08-01'
        )::date as first_day,
        date_trunc('month', newest.day)::date - 1 as last_day,
        'missing' as state,
        'these months were not asked for every tag yet' as note
    from {{ ref('stg_registry__frameworks') }}
    cross join newest
    where framework_id in (select tags.framework_id from {{ ref('stg_registry__tags') }} as tags)
    union all
    select
        'releases' as source,
        repos.repo_id as subject,
        repos.created_on as first_day,
        null as last_day,
        'missing' as state,
        'no releases were read yet' as note
    from {{ ref('dim_repos') }} as repos
    where
        repos.repo_id not in (
            select periods.subject
            from {{ ref('int_coverage_periods') }} as periods
            where periods.source = 'releases'
        )
),

edges as (
    select
        source,
        subject,
        period_start,
        period_end
    from {{ ref('int_coverage_periods') }}
    union all
    select
        source,
        subject,
        last_day + 1 as period_start,
        null as period_end
    from spans
    where last_day is not null
),

gaps as (
    select
        spans.source,
        spans.subject,
        coalesce(
            max(edges.period_end) over (
                partition by spans.source, spans.subject
                order by edges.period_start
                rows between unbounded preceding and 1 preceding
            ) + 1,
            spans.first_day
        ) as period_start,
        edges.period_start - 1 as period_end,
        spans.state,
        spans.note
    from spans
    inner join edges on spans.source = edges.source and spans.subject = edges.subject
    where spans.last_day is not null
),

final as (
    select *
    from gaps
    where period_start <= period_end
    union all
    select
        source,
        subject,
        first_day as period_start,
        null as period_end,
        state,
        note
    from spans
    where last_day is null
)

select * from final

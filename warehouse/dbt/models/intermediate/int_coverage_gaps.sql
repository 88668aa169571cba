-- What is not known of the signals beside stars and papers: the days between the known periods of each span that
-- could be known. A span without end was never read.
with newest as (
    select day
    from {{ ref('int_today') }}
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

-- Packages that a provider answered about. To an unknown one pypistats answers 404, the others with nothing about it.
asked_packages as (
    select distinct
        providers.provider,
        providers.package
    from providers
    inner join {{ ref('stg_raw__responses') }} as responses
        on
            responses.source = 'downloads'
            and responses.rejected is null
            and contains(responses.params, '"kind": "' || providers.provider || '"')
            and contains(responses.params, '"' || providers.package || '"')
    where (providers.provider = 'pypistats') = (responses.status is not distinct from 404)
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
        case
            when downloaded.first_day is not null then 'there is no count for these days'
            when asked.package is not null then 'asked; the index has no such package'
            else 'no downloads were read yet'
        end as note
    from providers
    left join downloaded on providers.provider || ' ' || providers.package = downloaded.subject
    left join asked_packages as asked on providers.provider = asked.provider and providers.package = asked.package
    union all
    select
        'questions' as source,
        frameworks.framework_id as subject,
        greatest(
            date_trunc('month', frameworks.first_released_on) - interval 1 year, timestamp '2008-08-01'
        )::date as first_day,
        date_trunc('month', newest.day)::date - 1 as last_day,
        'missing' as state,
        coalesce(
            'asked; no question has this tag: ' || unused_tags.tags, 'these months were not asked for every tag yet'
        ) as note
    from {{ ref('stg_registry__frameworks') }} as frameworks
    cross join newest
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
    -- Days of which events were lost are an outage's: they stand in fct_coverage under that name.
    select
        spans.source,
        spans.subject,
        greatest(outages.period_start, spans.first_day) as period_start,
        outages.period_end
    from spans
    inner join {{ ref('stg_cited__outages') }} as outages on spans.source = outages.source
    where
        spans.source = 'events'
        and outages.period_end between spans.first_day and spans.last_day
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

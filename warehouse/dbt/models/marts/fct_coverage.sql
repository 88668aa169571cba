-- What is known of each source, subject and period. Charts break their lines where it is not `observed` or `zero`.
with star_days as (
    select
        repo_id,
        day,
        day - (row_number() over (partition by repo_id order by day))::integer as island
    from {{ ref('hist_star_days') }}
    where known_to is null and repo_id in (select repos.repo_id from {{ ref('dim_repos') }} as repos)
),

star_periods as (
    select
        repo_id,
        min(day) as period_start,
        max(day) as period_end
    from star_days
    group by repo_id, island
),

star_gaps as (
    select
        repos.repo_id,
        coalesce(
            lag(periods.period_end) over earlier + 1,
            repos.created_on
        ) as period_start,
        periods.period_start - 1 as period_end
    from {{ ref('dim_repos') }} as repos
    inner join star_periods as periods on repos.repo_id = periods.repo_id
    window earlier as (partition by repos.repo_id order by periods.period_start)
),

asked_months as (
    select
        framework_id,
        month
    from {{ ref('int_paper_months') }}
),

wanted_months as (
    select
        framework_id,
        unnest(
            generate_series(
                date_trunc('month', first_released_on)::date,
                (select today.day - interval 1 month from {{ ref('int_today') }} as today)::date,
                interval 1 month
            )
        )::date as month
    from {{ ref('stg_registry__frameworks') }}
    where len(arxiv_query) > 0
),

paper_gaps as (
    select
        *,
        datediff('month', date '2000-01-01', month)
        - row_number() over (partition by framework_id order by month) as island
    from wanted_months
    anti join asked_months using (framework_id, month)
),

paper_months as (
    select
        asked_months.framework_id,
        asked_months.month,
        count(mentions.arxiv_id) as papers
    from asked_months
    left join {{ ref('fct_mentions') }} as mentions
        on
            asked_months.framework_id = mentions.framework_id
            and asked_months.month = date_trunc('month', mentions.submitted_on)
    group by all
),

final as (
    select
        'stars' as source,
        repo_id as subject,
        period_start,
        period_end,
        'observed' as state,
        null as note
    from star_periods
    union all
    select
        'stars' as source,
        repo_id as subject,
        period_start,
        period_end,
        'missing' as state,
        'these weeks of the star history were not fetched yet' as note
    from star_gaps
    where period_start <= period_end
    union all
    select
        'stars' as source,
        repo_id as subject,
        created_on as period_start,
        null as period_end,
        'missing' as state,
        'no star history was fetched yet' as note
    from {{ ref('dim_repos') }}
    where repo_id not in (select repo_id from star_periods)
    union all
    select
        'papers' as source,
        framework_id as subject,
        month as period_start,
        last_day(month) as period_end,
        if(papers > 0, 'observed', 'zero') as state,
        null as note
    from paper_months
    union all
    select
        'papers' as source,
        framework_id as subject,
        min(month) as period_start,
        last_day(max(month)) as period_end,
        'missing' as state,
        'these months were not asked to their end yet' as note
    from paper_gaps
    group by framework_id, island
    union all
    select
        'surveys' as source,
        concat_ws(' ', survey, label) as subject,
        make_date(year, 1, 1) as period_start,
        make_date(year, 12, 31) as period_end,
        if(asked, 'observed', 'not_asked') as state,
        null as note
    from {{ ref('fct_survey_shares') }}
    union all
    select
        source,
        subject,
        period_start,
        period_end,
        'outage' as state,
        note
    from {{ ref('stg_cited__outages') }}
    union all
    select * from {{ ref('int_coverage_periods') }}
    union all
    select * from {{ ref('int_coverage_gaps') }}
)

select
    source,
    subject,
    period_start::date as period_start,
    period_end::date as period_end,
    state,
    note
from final

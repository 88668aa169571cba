-- Every figure of rpt_frameworks with its circumstances; rpt_frameworks is this table turned on its side.
with stars as (
    select
        framework_id,
        'stars_' || estimator as measure,
        stars::double as value,
        day as as_of,
        null::date as since,
        source,
        estimator || coalesce(', rounded to ' || rounded_to, '') as base,
        response_id
    from {{ ref('int_framework_stars') }}
    -- Star events end with their archive in 2025: their newest count is no figure of today.
    where estimator <> 'gross'
    qualify row_number() over (partition by framework_id, estimator order by day desc) = 1
),

growth as (
    select
        framework_id,
        'stars_growth_12m' as measure,
        growth as value,
        as_of,
        since,
        source,
        estimator || ', ' || stars_before || ' stars before' as base,
        response_id
    from {{ ref('int_star_growth') }}
),

papers as (
    select
        framework_id,
        measure,
        value,
        as_of,
        since,
        'arXiv titles and abstracts' as source,
        base,
        response_id
    from {{ ref('int_paper_figures') }}
),

surveys as (
    select
        framework_id,
        'survey_share' as measure,
        share as value,
        make_date(year, 12, 31) as as_of,
        make_date(year, 1, 1) as since,
        survey || ' ' || year as source,
        population as base,
        response_id
    from {{ ref('fct_survey_shares') }}
    where framework_id is not null and share is not null
    -- One survey for all frameworks, the newest: shares of different surveys do not compare.
    qualify
        (year, survey, population) = max((year, survey, population)) over ()
        and row_number() over (partition by framework_id, survey, year, population order by share desc) = 1
),

questions as (
    select
        framework_id,
        'question_share' as measure,
        share as value,
        last_day(month) as as_of,
        month as since,
        'stackexchange' as source,
        questions || ' of ' || total || ' questions' as base,
        response_id
    from {{ ref('fct_questions_monthly') }}
    where share is not null
    qualify row_number() over (partition by framework_id order by month desc) = 1
),

releases as (
    select
        framework_id,
        'last_release_on' as measure,
        null::double as value,
        released_on as as_of,
        null::date as since,
        'github' as source,
        version as base,
        response_id
    from {{ ref('fct_releases') }}
    where not is_prerelease
    qualify row_number() over (partition by framework_id order by released_on desc, version desc) = 1
),

bench as (
    select
        figures.framework_id,
        figures.measure,
        figures.value,
        figures.as_of,
        null::date as since,
        figures.device_id as source,
        figures.base,
        min(trials.response_id) as response_id
    from {{ ref('int_bench_figures') }} as figures
    inner join {{ ref('fct_bench_trials') }} as trials
        on figures.run_id = trials.run_id and figures.engine = trials.engine
    group by all
),

final as (
    select * from stars
    union all
    select * from growth
    union all
    select * from papers
    union all
    select * from surveys
    union all
    select * from {{ ref('int_download_figures') }}
    union all
    select * from questions
    union all
    select * from releases
    union all
    select * from bench
)

select final.*
from final
inner join {{ ref('dim_frameworks') }} as frameworks on final.framework_id = frameworks.framework_id

-- Every figure of rpt_frameworks with its circumstances, and the stars gained behind their growth.
with questions as (
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

final as (
    select * from {{ ref('int_star_figures') }}
    union all
    select * from papers
    union all
    select * from {{ ref('int_survey_figures') }}
    union all
    select * from {{ ref('int_download_figures') }}
    union all
    select * from questions
    union all
    select * from releases
    union all
    select * from {{ ref('int_bench_figures') }}
)

select final.*
from final
inner join {{ ref('dim_frameworks') }} as frameworks on final.framework_id = frameworks.framework_id

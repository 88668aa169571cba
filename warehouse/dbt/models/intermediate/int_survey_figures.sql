-- The share of each framework in one survey for all of them, the newest: shares of different surveys, or of different
-- populations, do not compare. A framework with several labels has the share of the one that most chose.
with newest as (
    select *
    from {{ ref('fct_survey_shares') }}
    where framework_id is not null and share is not null
    qualify (year, survey, population) = max((year, survey, population)) over ()
),

final as (
    select
        framework_id,
        'survey_share' as measure,
        share as value,
        make_date(year, 12, 31) as as_of,
        make_date(year, 1, 1) as since,
        survey || ' ' || year as source,
        population as base,
        response_id
    from newest
    qualify row_number() over (partition by framework_id order by share desc) = 1
)

select * from final

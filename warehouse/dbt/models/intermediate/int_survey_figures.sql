-- The share of each framework in one survey for all of them: shares of different surveys, or of different populations, do
-- not compare. It is of the newest year, of all respondents where a survey of that year counted them, and of the most
-- people; of equals the first by name. A framework with several labels has the share of the one that most chose.
with shares as (
    select
        *,
        coalesce(max(base) over (partition by survey, year, population), 0) as people
    from {{ ref('fct_survey_shares') }}
    where framework_id is not null and share is not null
),

newest as (
    select *
    from shares
    qualify dense_rank() over (
        order by year desc, population = 'all respondents' desc, people desc, survey, population
    ) = 1
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
    qualify row_number() over (partition by framework_id order by share desc, label) = 1
)

select * from final

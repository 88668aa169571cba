-- What was read of the sources that tell months or years; each stands for itself, with its own state.
with paper_months as (
    select
        months.framework_id,
        months.month,
        count(mentions.arxiv_id) as papers
    from {{ ref('int_paper_months') }} as months
    left join {{ ref('fct_mentions') }} as mentions
        on
            months.framework_id = mentions.framework_id
            and months.month = date_trunc('month', mentions.submitted_on)
    group by months.framework_id, months.month
),

-- An option may be counted in several populations: a figure of one of them is a figure. One published as a share alone
-- has no respondents, and is one too.
survey_years as (
    select
        survey,
        label,
        year,
        bool_or(asked) as asked,
        bool_and(coalesce(respondents, share, 1) = 0) as is_zero
    from {{ ref('fct_survey_shares') }}
    group by survey, label, year
),

-- A survey that left the question out did so for every label, also for one that its answers' file cannot tell of.
unasked_years as (
    select
        labels.survey,
        labels.label,
        years.year,
        false as asked,
        false as is_zero
    from survey_years as labels
    inner join survey_years as years on labels.survey = years.survey and labels.year < years.year
    anti join survey_years as told
        on labels.survey = told.survey and labels.label = told.label and years.year = told.year
    group by labels.survey, labels.label, years.year
    having not bool_or(years.asked)
),

final as (
    select
        'papers' as source,
        framework_id as subject,
        month as period_start,
        last_day(month) as period_end,
        if(papers > 0, 'observed', 'zero') as state,
        null as note
    from paper_months
    union all
    -- Papers of earlier years are read with those of old frameworks; how many there were in all is not asked.
    select
        'papers' as source,
        'ml_papers totals' as subject,
        min(month) as period_start,
        date '2009-12-31' as period_end,
        'not_asked' as state,
        'totals are asked for from 2010 on' as note
    from paper_months
    having min(month) < date '2010-01-01'
    union all
    select
        'questions' as source,
        framework_id as subject,
        month as period_start,
        last_day(month) as period_end,
        if(questions > 0, 'observed', 'zero') as state,
        null as note
    from {{ ref('fct_questions_monthly') }}
    union all
    select
        'surveys' as source,
        concat_ws(' ', survey, label) as subject,
        make_date(year, 1, 1) as period_start,
        make_date(year, 12, 31) as period_end,
        case
            when not asked then 'not_asked'
            when is_zero then 'zero'
            else 'observed'
        end as state,
        null as note
    from (
        select * from survey_years
        union all
        select * from unasked_years
    )
)

select * from final

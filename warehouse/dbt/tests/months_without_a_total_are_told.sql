-- Where months of papers or questions have no total, and so no share, fct_coverage says why; where they have one, it says
-- that it was read.
with months as (
    select
        'papers' as source,
        'ml_papers totals' as subject,
        month,
        bool_or(base = 'ml_papers') as has_total
    from {{ ref('fct_mentions_monthly') }}
    where measure = 'title_abstract'
    group by month
    union all
    select
        'questions' as source,
        'all questions' as subject,
        month,
        bool_or(total is not null) as has_total
    from {{ ref('fct_questions_monthly') }}
    group by month
)

select
    months.source,
    months.subject,
    months.month,
    months.has_total,
    coverage.state
from months
left join {{ ref('fct_coverage') }} as coverage
    on
        months.source = coverage.source
        and months.subject = coverage.subject
        and months.month between coverage.period_start and coverage.period_end
where coalesce((coverage.state in ('observed', 'zero')) <> months.has_total, true)

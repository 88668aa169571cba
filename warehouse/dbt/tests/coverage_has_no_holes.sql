-- From the first to the last day that fct_coverage tells of a source and subject, each day has a state, be it that of an
-- outage of the whole source.
with spans as (
    select
        source,
        subject,
        min(period_start) as first_day,
        max(coalesce(period_end, date '9999-12-31')) as last_day
    from {{ ref('fct_coverage') }}
    where state <> 'outage'
    group by source, subject
),

periods as (
    select
        spans.source,
        spans.subject,
        coverage.period_start,
        coalesce(coverage.period_end, date '9999-12-31') as period_end
    from spans
    inner join {{ ref('fct_coverage') }} as coverage
        on
            spans.source = coverage.source
            and (spans.subject = coverage.subject or (coverage.subject = '*' and coverage.state = 'outage'))
    where coverage.period_start <= spans.last_day
),

told as (
    select
        *,
        max(period_end) over (
            partition by source, subject order by period_start rows between unbounded preceding and 1 preceding
        ) as told_until
    from periods
)

select
    told.source,
    told.subject,
    told.told_until + 1 as first_day_without_state,
    told.period_start - 1 as last_day_without_state
from told
inner join spans on told.source = spans.source and told.subject = spans.subject
where told.period_start > told.told_until + 1 and told.period_start > spans.first_day

-- What fct_coverage tells of a subject ends no earlier than the day up to which it could be known.
with told as (
    select
        source,
        subject,
        max(coalesce(period_end, date '9999-12-31')) as last_day
    from {{ ref('fct_coverage') }}
    group by source, subject
)

select
    spans.source,
    spans.subject,
    spans.last_day,
    told.last_day as told_until
from {{ ref('int_coverage_spans') }} as spans
left join told on spans.source = told.source and spans.subject = told.subject
where
    coalesce(spans.first_day <= spans.last_day, true)
    and coalesce(told.last_day, date '0001-01-01') < coalesce(spans.last_day, date '9999-12-31')

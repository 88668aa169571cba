-- What fct_coverage tells of a subject begins no later than the day from which it could be known, or after an outage of the
-- whole source on that day, and ends no earlier than the day up to which it could.
with told as (
    select
        source,
        subject,
        min(coalesce(period_start, date '0001-01-01')) as first_day,
        max(coalesce(period_end, date '9999-12-31')) as last_day
    from {{ ref('fct_coverage') }}
    group by source, subject
),

spans as (
    select *
    from {{ ref('int_coverage_spans') }}
    where coalesce(first_day <= last_day, true)
),

final as (
    select
        spans.source,
        spans.subject,
        spans.first_day,
        spans.last_day,
        told.first_day as told_from,
        told.last_day as told_until
    from spans
    left join told on spans.source = told.source and spans.subject = told.subject
    left join {{ ref('int_outages') }} as outages
        on
            spans.source = outages.source
            and outages.subject = '*'
            and spans.first_day between outages.period_start and outages.period_end
    where
        coalesce(told.last_day, date '0001-01-01') < coalesce(spans.last_day, date '9999-12-31')
        or told.first_day > coalesce(outages.period_end + 1, spans.first_day, date '0001-01-01')
)

select * from final

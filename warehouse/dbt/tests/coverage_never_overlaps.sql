-- Of a source and subject, each day has one state at most; an outage of all (`*`) is one of each subject.
with periods as (
    select
        *,
        lead(period_start) over (partition by source, subject order by period_start nulls first) as next_start
    from {{ ref('fct_coverage') }}
),

final as (
    select
        source,
        subject,
        period_start,
        period_end,
        state,
        next_start
    from periods
    where next_start <= coalesce(period_end, date '9999-12-31')
    union all
    select
        periods.source,
        periods.subject,
        periods.period_start,
        periods.period_end,
        periods.state,
        outages.period_start as next_start
    from periods
    inner join {{ ref('fct_coverage') }} as outages
        on periods.source = outages.source and periods.subject <> '*' and outages.subject = '*'
    where
        outages.state = 'outage'
        and coalesce(periods.period_start, date '0001-01-01') <= coalesce(outages.period_end, date '9999-12-31')
        and outages.period_start <= coalesce(periods.period_end, date '9999-12-31')
)

select * from final

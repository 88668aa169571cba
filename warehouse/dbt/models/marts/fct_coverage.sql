-- What is known of each source, subject and period. Charts break their lines where it is not `observed` or `zero`.
with final as (
    select * from {{ ref('int_coverage_periods') }}
    union all
    select * from {{ ref('int_coverage_gaps') }}
    union all
    select
        source,
        subject,
        period_start,
        period_end,
        'outage' as state,
        note
    from {{ ref('int_outages') }}
)

select
    source,
    subject,
    period_start::date as period_start,
    period_end::date as period_end,
    state,
    note
from final

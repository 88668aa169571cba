-- Periods of which a source was read: days that touch are one period, months and years stand for themselves.
with days as (
    select
        *,
        coalesce(
            first_day > 1 + max(last_day) over (
                partition by source, subject, is_missing
                order by first_day
                rows between unbounded preceding and 1 preceding
            ),
            true
        ) as is_after_gap
    from {{ ref('int_covered_days') }}
),

islands as (
    select
        *,
        count_if(is_after_gap) over (partition by source, subject, is_missing order by first_day) as island
    from days
),

final as (
    select
        source,
        subject,
        min(first_day) as period_start,
        max(last_day) as period_end,
        case
            when is_missing then 'missing'
            when sum(amount) > 0 then 'observed'
            else 'zero'
        end as state,
        if(is_missing, 'the ranking has no file of these days', null) as note
    from islands
    group by source, subject, is_missing, island
    union all
    select
        source,
        subject,
        period_start,
        period_end,
        state,
        note
    from {{ ref('int_covered_months') }}
)

select * from final

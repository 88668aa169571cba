-- Share and growth of the papers naming each framework, over the newest twelve whole months with an answer.
with months as (
    select *
    from {{ ref('int_paper_shares') }}
),

newest as (
    select max(month) as month
    from months
),

recent as (
    select
        months.framework_id,
        months.base,
        max(last_day(months.month)) as as_of,
        min(months.month) as since,
        sum(months.papers) as papers,
        -- A month's total below the papers counted in it is not the total.
        case
            when count(*) filter (where months.papers <= months.denominator) = 12 then sum(months.denominator)
        end as denominator,
        max(months.response_id) as response_id
    from months
    inner join newest on months.month > newest.month - interval 12 months
    group by all
    having count(*) = 12
),

earlier as (
    select
        months.framework_id,
        months.base,
        sum(months.papers) as papers
    from months
    inner join newest
        on months.month between newest.month - interval 23 months and newest.month - interval 12 months
    group by all
    having count(*) = 12
),

-- Machine-learning papers where they were counted for all twelve months, else papers naming any framework.
chosen as (
    select max(base) as base
    from recent
    where denominator is not null
),

shares as (
    select
        framework_id,
        'paper_share' as measure,
        papers / nullif(denominator, 0) as value,
        as_of,
        since,
        base,
        response_id
    from recent
    where base in (select base from chosen)
),

growths as (
    select
        recent.framework_id,
        'paper_growth_12m' as measure,
        recent.papers / nullif(earlier.papers, 0) - 1 as value,
        recent.as_of,
        recent.since,
        earlier.papers || ' papers in the twelve months before' as base,
        recent.response_id
    from recent
    inner join earlier on recent.framework_id = earlier.framework_id and recent.base = earlier.base
    where recent.base = 'any_framework'
),

final as (
    select * from shares
    union all
    select * from growths
)

select * from final

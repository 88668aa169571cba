-- Share and growth of the papers naming each framework, over the newest twelve months that are whole for itself: asking one
-- framework in a new month takes no figure from the others. `as_of` tells which months these are.
with years as (
    select
        framework_id,
        base,
        last_day(month) as as_of,
        min(month) over twelve_months as since,
        sum(papers) over twelve_months as papers,
        sum(denominator) over twelve_months as denominator,
        -- A month's total below the papers counted in it is not the total.
        count(*) filter (where papers <= denominator) over twelve_months = 12 as has_denominators,
        sum(papers) over two_years - sum(papers) over twelve_months as papers_before,
        count(*) over two_years = 24 as has_year_before,
        max(response_id) over twelve_months as response_id
    from {{ ref('int_paper_shares') }}
    window
        twelve_months as (
            partition by framework_id, base
            order by month
            range between interval 11 months preceding and current row
        ),
        two_years as (
            partition by framework_id, base
            order by month
            range between interval 23 months preceding and current row
        )
),

shared as (
    select *
    from years
    where has_denominators
    qualify row_number() over (partition by framework_id, base order by as_of desc) = 1
),

-- One base for all: machine-learning papers where they were counted for all twelve months, else papers naming any
-- framework; so too where the newest months that have it are half a year behind.
chosen as (
    select max(base) as base
    from shared
    where as_of > (select max(newest.as_of) from shared as newest) - 183
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
    from shared
    where base in (select chosen.base from chosen)
),

growths as (
    select
        framework_id,
        'paper_growth_12m' as measure,
        papers / nullif(papers_before, 0) - 1 as value,
        as_of,
        since,
        papers_before || ' papers in the twelve months before' as base,
        response_id
    from years
    where base = 'any_framework' and has_year_before
    qualify row_number() over (partition by framework_id order by as_of desc) = 1
),

final as (
    select * from shares
    union all
    select * from growths
)

select * from final

-- Only whole months that were asked to their end have a row: a zero here was counted, it is never a gap.
with counted as (
    select
        months.framework_id,
        months.month,
        count(mentions.arxiv_id) as papers,
        months.response_id
    from {{ ref('int_paper_months') }} as months
    left join {{ ref('fct_mentions') }} as mentions
        on
            months.framework_id = mentions.framework_id
            and months.month = date_trunc('month', mentions.submitted_on)
    group by months.framework_id, months.month, months.response_id
),

-- "Any framework" is known only for months in which every framework was asked for that existed by the year's end.
existing as (
    select
        framework_id,
        year(first_released_on) as year
    from {{ ref('dim_frameworks') }}
    where framework_id in (select framework_id from {{ ref('dim_registry_names') }} where kind = 'arxiv_term')
),

asked_for_all as (
    select months.month
    from {{ ref('int_paper_months') }} as months
    inner join existing on months.framework_id = existing.framework_id
    where existing.year <= year(months.month)
    group by months.month
    having count(*) = (
        select count(*)
        from existing as others
        where others.year <= year(months.month)
    )
),

naming_any as (
    select
        asked_for_all.month,
        count(distinct mentions.arxiv_id) as papers
    from asked_for_all
    left join {{ ref('fct_mentions') }} as mentions
        on asked_for_all.month = date_trunc('month', mentions.submitted_on)
    group by asked_for_all.month
),

in_categories as (
    select *
    from {{ ref('hist_paper_counts') }}
    where known_to is null
),

final as (
    select
        counted.framework_id,
        counted.month,
        'any_framework' as base,
        counted.papers,
        naming_any.papers as denominator,
        counted.papers / nullif(naming_any.papers, 0) as share,
        counted.response_id
    from counted
    left join naming_any on counted.month = naming_any.month
    union all
    select
        counted.framework_id,
        counted.month,
        'ml_papers' as base,
        counted.papers,
        in_categories.papers as denominator,
        -- A total below one of its parts is not the total: the papers stand, the share is unknown.
        case
            when counted.papers <= in_categories.papers then counted.papers / nullif(in_categories.papers, 0)
        end as share,
        in_categories.response_id
    from counted
    inner join in_categories on counted.month = in_categories.month
)

select * from final

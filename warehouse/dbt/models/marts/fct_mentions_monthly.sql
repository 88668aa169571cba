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
asked_for_all as (
    select months.month
    from {{ ref('int_paper_months') }} as months
    inner join {{ ref('stg_registry__frameworks') }} as frameworks on months.framework_id = frameworks.framework_id
    where year(frameworks.first_released_on) <= year(months.month)
    group by months.month
    having count(*) = (
        select count(*)
        from {{ ref('stg_registry__frameworks') }} as existing
        where len(existing.arxiv_query) > 0 and year(existing.first_released_on) <= year(months.month)
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
    select
        month,
        papers,
        response_id
    from {{ ref('stg_arxiv__paper_counts') }}
    where last_day(month) + {{ var('papers_settle_days') }} <= fetched_at::date
    qualify row_number() over (partition by month order by fetched_at desc, response_id desc) = 1
),

final as (
    select
        counted.framework_id,
        counted.month,
        'title_abstract' as measure,
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
        'title_abstract' as measure,
        'ml_papers' as base,
        counted.papers,
        in_categories.papers as denominator,
        counted.papers / nullif(in_categories.papers, 0) as share,
        in_categories.response_id
    from counted
    inner join in_categories on counted.month = in_categories.month
    union all
    select
        cited.framework_id,
        cited.month,
        cited.measure,
        'ml_papers' as base,
        null as papers,
        null as denominator,
        cited.share,
        cited.response_id
    from {{ ref('stg_cited__mentions') }} as cited
    inner join {{ ref('dim_frameworks') }} as frameworks on cited.framework_id = frameworks.framework_id
)

select * from final

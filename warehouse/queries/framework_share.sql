-- Share among frameworks: which one the papers name that name any
-- Question: Of the papers of a year that name at least one framework, which share names each?
-- Read: One paper may name several, so shares of a year add up to more than 1. months says how many months of the
--   year are known; only months for which every framework was asked count.
-- Cannot tell: Whether papers that name frameworks became fewer altogether: see paper_share.
with years as (
    select
        framework_id,
        year(month) as year,
        count(*) as months,
        sum(papers)::bigint as papers,
        sum(denominator)::bigint as papers_naming_any
    from fct_mentions_monthly
    where measure = 'title_abstract' and base = 'any_framework' and denominator is not null
    group by all
),

final as (
    select
        years.year,
        frameworks.name,
        years.months,
        years.papers,
        years.papers_naming_any,
        round(years.papers / nullif(years.papers_naming_any, 0), 4) as share
    from years
    inner join dim_frameworks as frameworks on years.framework_id = frameworks.framework_id
)

select * from final
order by year desc, share desc nulls last, name

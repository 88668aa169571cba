-- Share of papers: how many machine-learning papers name each framework
-- Question: Of all papers in cs.LG, cs.CV, cs.CL, cs.AI, cs.NE and stat.ML of a year, which share names each
--   framework?
-- Read: Compare rows of one measure only. title_abstract is what dlpulse counts in titles and abstracts; full_text
--   is what others published, and several times as large. months says how many months of the year are known: a year
--   with fewer than twelve is a part of a year.
-- Cannot tell: Who uses a framework without naming it, or names one without using it.
with years as (
    select
        framework_id,
        measure,
        year(month) as year,
        count(*) as months,
        sum(papers)::bigint as papers,
        sum(denominator)::bigint as ml_papers,
        -- A published share without numbers stands alone: shares of several months cannot be joined.
        case when count(papers) = 0 and count(*) = 1 then max(share) end as published_share
    from fct_mentions_monthly
    where base = 'ml_papers' and share is not null
    group by all
),

final as (
    select
        years.measure,
        years.year,
        frameworks.name,
        years.months,
        years.papers,
        years.ml_papers,
        round(coalesce(years.papers / nullif(years.ml_papers, 0), years.published_share), 5) as share
    from years
    inner join dim_frameworks as frameworks on years.framework_id = frameworks.framework_id
)

select * from final
order by measure desc, year desc, share desc nulls last, name

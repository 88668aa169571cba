-- Keras and TensorFlow: do papers that name the one name the other
-- Question: Of the papers of a year that name Keras, which share also names TensorFlow, its backend of the first
--   years?
-- Read: months_asked says how many months of the year were asked to their end for both. With twelve the counts are
--   those of the year; with fewer they are a part of it, and with none only of the papers that happen to be here.
--   Change the two ids in `setting` for another pair.
-- Cannot tell: Use. Since Keras 3 (November 2023) TensorFlow is one backend of several.
with setting as (
    select
        'keras' as framework_id,
        'tensorflow' as beside_id
),

papers as (
    select
        year(mentions.submitted_on) as year,
        count(*) as papers,
        count(others.arxiv_id) as together
    from fct_mentions as mentions
    inner join setting on mentions.framework_id = setting.framework_id
    left join fct_mentions as others
        on mentions.arxiv_id = others.arxiv_id and setting.beside_id = others.framework_id
    group by year
),

-- Only months that were asked to their end have a row.
asked_months as (
    select asked.month
    from fct_mentions_monthly as asked
    inner join setting on asked.framework_id in (setting.framework_id, setting.beside_id)
    where asked.measure = 'title_abstract' and asked.base = 'any_framework'
    group by asked.month
    having count(*) = 2
),

asked as (
    select
        year(month) as year,
        count(*) as months
    from asked_months
    group by year
),

final as (
    select
        coalesce(papers.year, asked.year) as year,
        coalesce(asked.months, 0) as months_asked,
        -- A year without a paper was asked for some months: there, zero was counted.
        coalesce(papers.papers, 0) as papers,
        coalesce(papers.together, 0) as together,
        round(papers.together / papers.papers, 3) as share
    from papers
    full join asked on papers.year = asked.year
)

select * from final
order by year
